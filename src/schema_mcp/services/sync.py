"""How a whole estate stands against the store: every registry at once, also when one of them is away."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from schema_mcp.domain.drift import Kind
from schema_mcp.domain.errors import SchemaMcpError
from schema_mcp.domain.schema import Subject
from schema_mcp.registries.contract import Registry
from schema_mcp.services import drift, status
from schema_mcp.services.ground import Ground
from schema_mcp.services.selection import Selection
from schema_mcp.services.together import each
from schema_mcp.stores.journal import Run
from schema_mcp.stores.sightings import Sightings

_RUNS_LOOKED_AT = 200


@dataclass(frozen=True, slots=True)
class Standing:
    """How one registry stands against the store; with an error, nothing is known of it."""

    registry: str
    subjects: int = 0
    versions: int = 0
    counts: Mapping[Kind, int] = field(default_factory=dict[Kind, int])
    oldest: datetime | None = None
    """The first time that any of its drift was seen."""

    importing: Sequence[Subject] = ()
    """Contexts and subjects in mode IMPORT, as far as few requests tell."""

    last_apply: Run | None = None
    error: SchemaMcpError | None = None

    @property
    def in_sync(self) -> bool:
        """Is it known to hold what the store wants? A registry that is away is not."""
        return self.error is None and not any(count for kind, count in self.counts.items() if kind is not Kind.COSMETIC)


async def standings(
    ground: Ground, registries: Sequence[Registry], sightings: Sightings, selection: Selection
) -> list[Standing]:
    """How each registry stands. One that does not answer is told of and keeps no other from being told of."""
    await ground.store.refresh()
    runs = await ground.journal.runs(limit=_RUNS_LOOKED_AT)
    last = {registry.name: _last_of(runs, registry.name) for registry in registries}

    async def ask(registry: Registry) -> Standing:
        try:
            return await _standing(ground, registry, sightings, selection, last[registry.name])
        except SchemaMcpError as error:
            return Standing(registry.name, error=error, last_apply=last[registry.name])

    return await each(registries, ask, at_once=drift.AT_ONCE)


async def _standing(
    ground: Ground, registry: Registry, sightings: Sightings, selection: Selection, last: Run | None
) -> Standing:
    sides = await drift.between(registry, ground.store, selection)
    since = await drift.ages(sides, sightings, selection, ground.clock())
    return Standing(
        registry=registry.name,
        subjects=len(sides.found.versions),
        versions=sum(map(len, sides.found.versions.values())),
        counts=Counter(one.kind for one in sides.drift),
        oldest=min(since.values(), default=None),
        importing=await status.left_importing(registry, ground.journal),
        last_apply=last,
    )


def _last_of(runs: Sequence[Run], registry: str) -> Run | None:
    """The newest run that did something in a registry."""
    return next((run for run in runs if registry in _touched(run)), None)


def _touched(run: Run) -> set[str]:
    return {one["registry"] for one in run.result.get("registries", ())}
