"""Mend drift in either direction: bring the registry to the store, or take what the registry holds into the store.

Deploying goes by a plan, and adopting by a survey; each shows first what it comes to, under a digest, and what neither
of them mends, because a version is never replaced.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from schema_mcp.domain.drift import Drift, Kind
from schema_mcp.domain.plan import Plan, Step
from schema_mcp.domain.schema import Subject
from schema_mcp.registries.contract import Registry
from schema_mcp.services import adoption, deployment, drift
from schema_mcp.services.adoption import Adoption
from schema_mcp.services.adoption_wishes import Terms
from schema_mcp.services.ground import Ground, Report, Signature
from schema_mcp.services.kept import keep_plan
from schema_mcp.services.selection import Selection
from schema_mcp.stores.schemastore import AddVersion, Change, SetContextWish, SetWish, UpdateVersion, View


@dataclass(frozen=True, slots=True)
class Mending:
    """One thing that would be done."""

    subject: Subject
    number: int
    change: str
    reason: str


@dataclass(frozen=True, slots=True)
class Left:
    """Something that stays as it is, why, and what can be done about it."""

    subject: Subject
    number: int
    reason: str
    hint: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What reconciling comes to; without a digest there is nothing to do."""

    digest: str
    changes: Sequence[Mending]
    left: Sequence[Left]
    plan: Plan | None = None
    """What deploying would carry out."""

    adoption: Adoption | None = None
    """What adopting would commit."""


_EXTRA = "the store does not send it here, and deploying takes nothing away"
_EXTRA_HINT = (
    "Adopt it (direction: adopt), delete it (delete_schema_version), or let plan_deployment prune what we created."
)


async def to_deploy(ground: Ground, registry: Registry, selection: Selection, caller: str) -> Preview:
    """What would bring the registry to the store. Reads only; the plan is kept, so that it can be applied."""
    plan = await deployment.plan(ground.fleet, ground.store, [registry.name], selection)
    sides = await drift.between(registry, ground.store, selection)
    if plan.steps:
        await keep_plan(ground.journal, plan, caller)
    left = [
        *(Left(one.subject, one.number, one.reason, one.hint) for one in plan.blocked),
        *_extra(sides.drift, plan.steps),
    ]
    changes = [Mending(one.subject, one.number, one.action, one.reason) for one in plan.steps]
    return Preview(plan.digest if plan.steps else "", changes, left, plan=plan)


def _extra(found: Iterable[Drift], steps: Iterable[Step]) -> Iterator[Left]:
    """Versions that deploying does not touch."""
    mended = {(step.subject, step.number) for step in steps}
    for one in found:
        if one.kind is Kind.EXTRA and (one.subject, one.number) not in mended:
            yield Left(one.subject, one.number, _EXTRA, _EXTRA_HINT)


async def to_adopt(ground: Ground, registry: Registry, selection: Selection, report: Report) -> Preview:
    """What would take the registry's state into the store, new subjects meant for it alone. Reads only."""
    # Its word counts, a clash in one subject keeps no other back, and what is new has been seen in no other registry.
    terms = Terms(overwrite=True, skip_clashes=True, targets=(registry.name,))
    seen = await adoption.survey(ground, registry, selection, terms, report)
    sides = await drift.between(registry, ground.store, selection)
    seen = replace(seen, changes=tuple(_mending_only(ground.store, seen, sides.drift)))
    clashing = [Left(one.subject, one.number, one.reason, one.hint) for one in seen.clashes]
    staying = [Left(one.scope, 0, one.reason, "") for one in seen.left]
    changes = [_mending(ground.store, change) for change in seen.changes]
    return Preview(seen.digest if changes else "", changes, [*clashing, *staying], adoption=seen)


def _mending_only(store: View, seen: Adoption, found: Iterable[Drift]) -> Iterator[Change]:
    """Settings count where they drifted, and where a subject is new: others were never declared. That a subject is
    there at all counts, too."""
    scopes = {one.subject for one in found if one.kind is Kind.SETTINGS}
    scopes |= {stored.version.subject for stored in seen.added if not store.records(stored.version.subject)}
    for change in seen.changes:
        match change:
            case SetWish(subject, wish) if subject not in scopes:
                said = store.wish(subject)
                if wish.targets != said.targets:
                    yield SetWish(subject, replace(said, targets=wish.targets))
            case SetContextWish(context) if Subject("", context) not in scopes:
                pass
            case _:
                yield change


async def adopt(ground: Ground, preview: Preview, digest: str, signed: Signature) -> str:
    """Commit what the named preview showed, and give the commit. Raises `StalePlanError` where that has changed."""
    assert preview.adoption is not None  # noqa: S101 - `to_adopt` made it
    adoption.refuse_stale(preview.adoption, digest)
    return (await adoption.commit(ground, preview.adoption, signed)).commit


def _mending(store: View, change: Change) -> Mending:
    match change:
        case AddVersion(stored):
            return Mending(stored.version.subject, stored.version.number, "add", "the store lacks it")
        case UpdateVersion(stored) if stored.version.deleted:
            return Mending(stored.version.subject, stored.version.number, "retire", "it is not live in the registry")
        case UpdateVersion(stored):
            return Mending(stored.version.subject, stored.version.number, "revive", "it is live in the registry")
        case SetWish(subject, wish):
            is_sent = wish.targets == store.wish(subject).targets or not store.records(subject)
            why = "the registry has other ones" if is_sent else "the store does not send it to this registry"
            return Mending(subject, 0, "settings", why)
        case SetContextWish(context):
            return Mending(Subject("", context), 0, "settings", "the registry has other ones")
        case _:
            raise AssertionError(change)  # pragma: no cover - adopting makes no others
