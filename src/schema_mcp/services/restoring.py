"""Bring a bundle, or a folder of schema files, into a registry: a migration whose source is a file.

The plan names the file and its digest. Whoever makes the plan again, or carries it out, opens the file again and makes
it a guest of the fleet; a file that changed meanwhile makes the plan stale. See decisions/0019.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from schema_mcp.domain.errors import InvalidRequestError, StalePlanError
from schema_mcp.domain.plan import Plan
from schema_mcp.domain.schema import DEFAULT_CONTEXT
from schema_mcp.registries.bundle import HostingFleet
from schema_mcp.registries.fleet import Fleet
from schema_mcp.services import bundles, migration
from schema_mcp.services.bundles import Offer
from schema_mcp.services.ground import Ground
from schema_mcp.services.migration import Manner, Migration
from schema_mcp.services.selection import Selection

_FILE: Final = "bundle"
"""The part of a plan's request that names the file; no other plan has it."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How a bundle is brought in: with its ids and numbers, its settings, its soft-deleted versions; all of it into one
    context where one is named."""

    keep_ids: bool = True
    settings: bool = True
    deleted: bool = True
    context: str | None = None


@dataclass(frozen=True, slots=True)
class Restoration:
    """A plan, and what it brings in."""

    migration: Migration
    offer: Offer

    @property
    def plan(self) -> Plan:
        return self.migration.plan


async def plan(fleet: Fleet, path: Path, target: str, terms: Terms) -> Restoration:
    """What has to happen so that a registry holds what a file offers. Reads only.

    Raises `InvalidRequestError` for a file that is no good, `NotFoundError`.
    """
    offer = await bundles.offered(path, fleet.get(target), terms.context or DEFAULT_CONTEXT)
    hosting = HostingFleet(fleet, offer.registry)
    manner = Manner(target_context=terms.context, deleted=terms.deleted, settings=terms.settings)
    keep_ids = terms.keep_ids and offer.keeps_identity
    if not offer.keeps_identity:  # numbered after the target's own versions, and held against them
        manner = Manner(settings=False, proven=True)
    source, there = hosting.get(offer.registry.name), hosting.get(target)
    made = await migration.plan(source, there, Selection(), keep_ids=keep_ids, manner=manner)
    told = {**made.plan.request, _FILE: str(path), "sha256": offer.sha256, "context_named": terms.context}
    return Restoration(replace(made, plan=replace(made.plan, request=told)), offer)


def is_restoring(request: Mapping[str, Any]) -> bool:
    """Does a plan's request bring in a file?"""
    return _FILE in request


def refuse_other(plan: Plan, target: str) -> None:
    """Raise `InvalidRequestError` for a plan that brings in no file, or brings it in elsewhere."""
    if not is_restoring(plan.request) or plan.request["target"] != target:
        raise InvalidRequestError(
            f"That plan does not bring a file into {target}",
            hint="Call again without `plan` for a preview; apply_plan carries out any other plan.",
        )


async def again(fleet: Fleet, request: Mapping[str, Any]) -> Plan:
    """The plan that the same request makes now."""
    terms = Terms(request["keep_ids"], request["settings"], request["deleted"], request["context_named"])
    return (await plan(fleet, Path(request[_FILE]), request["target"], terms)).plan


async def hosting(ground: Ground, plan: Plan) -> Ground:
    """The ground on which a plan is carried out: with its file as a guest, where it brings one in.

    Raises `StalePlanError` where the file is not what it was.
    """
    if not is_restoring(plan.request):
        return ground
    target, named = ground.fleet.get(plan.request["target"]), plan.request["context_named"]
    offer = await bundles.offered(Path(plan.request[_FILE]), target, named or DEFAULT_CONTEXT)
    if offer.sha256 != plan.request["sha256"]:
        raise StalePlanError(
            "The plan is stale: the file that it brings in is another one by now", hint="Plan again: import_schemas."
        )
    return replace(ground, fleet=HostingFleet(ground.fleet, offer.registry))
