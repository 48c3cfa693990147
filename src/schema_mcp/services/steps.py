"""Carry out a plan: journal each step before it happens, read back what it did, report honestly per registry.

A registry's steps run one after the other and stop at the first that fails; how registries follow each other is the
plan's strategy. What stood where a step goes is journalled before it, so that it can be undone. Versions that keep
their id are carried in with the subject in mode IMPORT: the mode it had is written down first and restored on success,
failure, cancellation and, by `recovery`, after a crash.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final

from schema_mcp.domain.errors import SchemaMcpError
from schema_mcp.domain.identity import schema_hash
from schema_mcp.domain.plan import Action, Plan, Step
from schema_mcp.domain.references import Place
from schema_mcp.domain.schema import Json, Subject
from schema_mcp.registries.guard import GuardedRegistry
from schema_mcp.services.acts import ACTS, DELETED, STORE, Scene, Seen, sets_level
from schema_mcp.services.glances import Found, Glance, glance, numbers_of, versions_at
from schema_mcp.services.ground import Ground, Report
from schema_mcp.services.importing import NotNewError, importing
from schema_mcp.services.strategy import roll_out
from schema_mcp.stores.journal import Run, StepState

KEPT: Final = "kept"
"""In the image of a step: the digest of what the registry made of it."""

_WINDOW: Final = 1_000
"""Steps for which the registries are read together; what they hold is in memory meanwhile."""


class StoppedError(Exception):
    """Somebody asked the run to stop, and it does, between two steps."""


@dataclass(frozen=True, slots=True)
class RegistryOutcome:
    """How far one registry came: steps done now, done before (on a resume), and the error or person that ended it."""

    registry: str
    done: int
    total: int
    before: int = 0
    error: SchemaMcpError | None = None
    failed: str = ""
    begun: bool = True
    stopped: bool = False

    @property
    def failed_there(self) -> bool:
        return self.error is not None

    def told(self) -> Json:
        """As the journal and replies carry it."""
        said: Json = {
            "registry": self.registry,
            "state": self._state,
            "done": self.done + self.before,
            "total": self.total,
        }
        if self.error is not None:
            said |= {"failed": self.failed, "code": self.error.code, "error": str(self.error), "hint": self.error.hint}
        return said

    @property
    def _state(self) -> str:
        if self.error:
            return "failed"
        if self.stopped:
            return "stopped"
        return "done" if self.begun else "not_started"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What carrying out a plan came to, per registry."""

    registries: tuple[RegistryOutcome, ...]

    @property
    def succeeded(self) -> bool:
        return all(one.error is None and one.begun and not one.stopped for one in self.registries)

    @property
    def stopped(self) -> bool:
        """Whether it ended because somebody asked for it, and not for an error."""
        return any(one.stopped for one in self.registries) and not any(one.error for one in self.registries)

    def raise_failure(self) -> None:
        """Raise the first registry's error, if any has one."""
        for one in self.registries:
            if one.error is not None:
                raise one.error


def failed_before(plan: Plan, error: SchemaMcpError) -> Outcome:
    """What a plan came to that could not even begin."""
    totals = Counter(step.registry for step in plan.steps)
    return Outcome(
        tuple(RegistryOutcome(name, 0, total, error=error, failed="commit") for name, total in totals.items())
    )


@dataclass(slots=True)
class Progress:
    """Counts steps over all registries and tells whoever asked."""

    total: int
    report: Report
    done: int = 0

    async def step(self, what: str) -> None:
        self.done += 1
        await self.report(self.done, self.total, what)


async def carry_out(ground: Ground, plan: Plan, run: Run, report: Report) -> Outcome:
    """Do the steps that the journal does not show as done. Never raises for a registry's failure: the outcome tells."""
    progress = Progress(len(plan.steps), report)
    finished = {record.key for record in await ground.journal.steps(run.task) if record.state is StepState.DONE}
    by_registry = {name: list(steps) for name, steps in groupby(plan.steps, key=lambda step: step.registry)}

    async def work(name: str) -> RegistryOutcome:
        return await _Worker(ground, run, name, by_registry[name], finished, progress).work()

    told = {one.registry: one for one in await roll_out(plan.rollout, list(by_registry), work)}
    return Outcome(tuple(told.get(name) or _not_begun(name, steps, finished) for name, steps in by_registry.items()))


def _not_begun(name: str, steps: Sequence[Step], finished: set[str]) -> RegistryOutcome:
    before = sum(step.key in finished for step in steps)
    return RegistryOutcome(name, 0, len(steps), before, begun=False)


@dataclass(slots=True)
class _Worker:
    """One registry's part of a plan."""

    ground: Ground
    run: Run
    name: str
    steps: Sequence[Step]
    finished: set[str]
    progress: Progress
    done: int = 0
    failed: str = field(default="")

    async def work(self) -> RegistryOutcome:
        registry = self.ground.fleet.get(self.name)
        todo = [step for step in self.steps if step.key not in self.finished]
        before = len(self.steps) - len(todo)
        try:
            await self._go_on()
            # A run that was cut off may have written these without reading them back.
            finished = [step for step in self.steps if step.key in self.finished]
            await self._read_back(registry, finished, await moved(self.ground, finished))
            for start in range(0, len(todo), _WINDOW):
                await self._window(registry, todo[start : start + _WINDOW])
        except SchemaMcpError as error:
            return RegistryOutcome(self.name, self.done, len(self.steps), before, error, self.failed)
        except StoppedError:
            return RegistryOutcome(self.name, self.done, len(self.steps), before, stopped=True)
        return RegistryOutcome(self.name, self.done, len(self.steps), before)

    async def _go_on(self) -> None:
        """Raise `StoppedError` once somebody asked the run to stop; asked between steps, so that none is half done."""
        if not await self.ground.journal.goes_on(self.run.task):
            raise StoppedError(self.run.task)

    async def _window(self, registry: GuardedRegistry, todo: Sequence[Step]) -> None:
        seen = await glance(registry, _places(todo))
        sources = await moved(self.ground, todo)
        before = self.done
        try:
            for subject, several in _grouped(todo):
                if subject is None:
                    for step in several:
                        await self._do(Scene(self.ground, registry, seen.versions, sources, seen.numbers), step)
                else:
                    await self._carried_in(registry, subject, several, seen, sources)
        except StoppedError:
            await self._read_back(registry, todo[: self.done - before], sources)
            raise
        await self._read_back(registry, todo, sources)

    async def _carried_in(
        self, registry: GuardedRegistry, subject: Subject, several: Sequence[Step], seen: Glance, sources: Found
    ) -> None:
        try:
            await self._carry_in(registry, subject, several, seen, sources)
        except NotNewError:
            await self._carry_in(registry, subject, several, await glance(registry, _places(several)), sources)

    async def _carry_in(
        self, registry: GuardedRegistry, subject: Subject, several: Sequence[Step], seen: Glance, sources: Found
    ) -> None:
        self.failed = several[0].key
        async with importing(self.ground, self.run, registry, subject, is_new=seen.is_new(subject)):
            # From now on nobody else can register there: what came since we looked must not be written over.
            if not seen.is_new(subject) and set(await numbers_of(registry, subject)) != set(seen.numbers[subject]):
                seen = await glance(registry, _places(several))
            scene = Scene(self.ground, registry, seen.versions, sources, seen.numbers)
            for step in several:
                await self._do(scene, step)

    async def _do(self, scene: Scene, step: Step) -> None:
        await self._go_on()
        self.failed = step.key
        act = ACTS[step.action]
        now = await act.look(scene, step)
        first = await self.ground.journal.step(self.run.task, step.key, "started", image=now)
        await self.ground.journal.turns.still_mine()
        await act.do(scene, step, Seen(now, first or now))
        await self.ground.journal.step(self.run.task, step.key, "done")
        self.failed = ""
        self.done += 1
        await self.progress.step(f"{step.registry}: {step.action} {step.subject} {step.number or ''}".rstrip())

    async def _read_back(self, registry: GuardedRegistry, written: Sequence[Step], sources: Found) -> None:
        """See whether the registry holds what it took: version, content, and the id where it had to be kept."""
        places = _places(written)
        doomed = {(step.subject, step.number) for step in self.steps if step.action is Action.DELETE}
        there = await versions_at(registry, places, deleted=not doomed.isdisjoint(places))
        kept = {place: version for place, version in there.items() if not version.deleted or place in doomed}
        scene = Scene(self.ground, registry, kept, sources)
        for step in _lasting(written, self.steps):
            self.failed = step.key
            await ACTS[step.action].check(scene, step)
        self.failed = ""
        await self.ground.journal.note(self.run.task, dict(_spelled_otherwise(written, kept)))


def _spelled_otherwise(written: Sequence[Step], kept: Found) -> Iterator[tuple[str, Json]]:
    """What a registry keeps in another spelling, so that whoever undoes the step knows it without its source."""
    for step in written:
        found = kept.get((step.subject, step.number))
        if step.action is Action.REGISTER and found and (digest := schema_hash(found.schema)) != step.digest:
            yield step.key, {KEPT: digest}


def _lasting(written: Sequence[Step], steps: Sequence[Step]) -> Iterator[Step]:
    """Steps whose effect stands in the end: a level that was loosened for a while is set again later."""
    closed = {step.subject for step in steps if step.action is Action.TIGHTEN or sets_level(step)}
    yield from (step for step in written if step.action is not Action.LOOSEN or step.subject not in closed)


def _places(steps: Sequence[Step]) -> list[Place]:
    return [(step.subject, step.number) for step in steps if step.action is Action.REGISTER]


async def moved(ground: Ground, steps: Sequence[Step]) -> Found:
    """What is moved, as the registries have it that it comes from, by the places where it goes."""
    asked: dict[tuple[str, str], dict[Place, Place]] = {}
    for step in steps:
        if step.action is Action.REGISTER and step.origin != STORE:
            kind, name, subject = step.source
            asked.setdefault((kind, name), {})[subject, step.number] = (step.subject, step.number)
    found: Found = {}
    for (kind, name), places in sorted(asked.items()):
        there = await versions_at(ground.fleet.get(name), places.keys(), deleted=kind == DELETED)
        found |= {places[place]: version for place, version in there.items()}
    return found


def _grouped(steps: Sequence[Step]) -> Iterator[tuple[Subject | None, list[Step]]]:
    """Steps in their order, neighbours that carry ids into one subject together; other steps stand for themselves."""

    def importing_subject(step: Step) -> Subject | None:
        return step.subject if step.action is Action.REGISTER and step.id else None

    for subject, several in groupby(steps, key=importing_subject):
        yield subject, list(several)
