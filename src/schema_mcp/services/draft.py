"""One registry's part of a deployment while it is being planned, and on which terms."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from schema_mcp.domain.drift import Snapshot
from schema_mcp.domain.plan import Blocked, Plan, Rollout, Step
from schema_mcp.registries.contract import Capability, Registry
from schema_mcp.stores.schemastore import SchemaStore

ALL_AT_ONCE: Final = Rollout()

KEEPING: Final = frozenset({Capability.KEEPS_IDS, Capability.MODES})
"""What it takes to carry an id in."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How a deployment may go: over registries in which order; with `keep_ids` false, registries that cannot keep ids
    number by themselves; with `prune`, at most so many versions are deleted that the store does not send there."""

    rollout: Rollout = ALL_AT_ONCE
    keep_ids: bool = True
    prune: int = 0

    def as_request(self) -> dict[str, Any]:
        """The terms as a plan repeats them."""
        return {"keep_ids": self.keep_ids, "prune": self.prune}


def terms_of(plan: Plan) -> Terms:
    """The terms that a plan repeats."""
    request: Mapping[str, Any] = plan.request
    return Terms(plan.rollout, request.get("keep_ids", True), request.get("prune", 0))


@dataclass(slots=True)
class Draft:
    """One registry's part of a plan while it is being made; the highest ids are asked for once."""

    registry: Registry
    store: SchemaStore
    wanted: Snapshot
    found: Snapshot
    terms: Terms
    steps: list[Step] = field(default_factory=list[Step])
    blocked: list[Blocked] = field(default_factory=list[Blocked])
    warnings: list[str] = field(default_factory=list[str])
    highest: dict[str, int] = field(default_factory=dict[str, int])

    @property
    def keeps_ids(self) -> bool:
        """Can the registry's product carry a version in with its id?"""
        return self.registry.capabilities >= KEEPING

    @property
    def numbers_itself(self) -> bool:
        """Does the registry hand out ids of its own, because it cannot keep ours and the terms allow it?"""
        return not self.keeps_ids and not self.terms.keep_ids

    async def highest_id(self, context: str) -> int:
        """The highest id of a context."""
        if context not in self.highest:
            self.highest[context] = await self.registry.highest_id(context=context)
        return self.highest[context]
