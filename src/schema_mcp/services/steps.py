"""Carry out a plan: journal each step before it happens, read back what it did, report honestly per registry.

A registry's steps run one after the other and stop at the first that fails; registries run side by side and do not
stop each other. Versions that keep their id are carried in with the subject in mode IMPORT: the mode it had is written
down first and restored on success, failure, cancellation and, by `recovery`, after a crash.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final, TypeAlias

from anyio import to_thread

from schema_mcp.domain.engine import canonical
from schema_mcp.domain.errors import ConflictError, RegistryError, SchemaMcpError
from schema_mcp.domain.identity import schema_hash
from schema_mcp.domain.plan import Action, Plan, Step
from schema_mcp.domain.references import Place
from schema_mcp.domain.schema import Json, Mode, Schema, Subject
from schema_mcp.registries.guard import GuardedRegistry
from schema_mcp.services.glances import Found, Glance, glance, numbers_of, versions_at
from schema_mcp.services.ground import Ground, Report
from schema_mcp.services.importing import NotNewError, importing
from schema_mcp.services.resolution import Finder, in_registry, in_store, whole
from schema_mcp.services.together import each
from schema_mcp.stores.journal import Run, StepState

_WINDOW: Final = 1_000
"""Steps for which the registries are read together; what they hold is in memory meanwhile."""

_STORE: Final = "store"

DELETED: Final = "deleted"
"""Origin of what a registry has soft-deleted: `deleted:{registry}`."""


@dataclass(frozen=True, slots=True)
class RegistryOutcome:
    """How far one registry came: steps done now, done before (on a resume), and the error that stopped it."""

    registry: str
    done: int
    total: int
    before: int = 0
    error: SchemaMcpError | None = None
    failed: str = ""

    def told(self) -> Json:
        """As the journal and replies carry it."""
        said: Json = {"registry": self.registry, "done": self.done + self.before, "total": self.total}
        if self.error is not None:
            said |= {"failed": self.failed, "code": self.error.code, "error": str(self.error), "hint": self.error.hint}
        return said


@dataclass(frozen=True, slots=True)
class Outcome:
    """What carrying out a plan came to, per registry."""

    registries: tuple[RegistryOutcome, ...]

    @property
    def succeeded(self) -> bool:
        return all(one.error is None for one in self.registries)

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
    workers = [_Worker(ground, run, name, steps, finished, progress) for name, steps in by_registry.items()]
    return Outcome(tuple(await each(workers, lambda worker: worker.work())))


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
            # A run that was cut off may have written these without reading them back.
            finished = [step for step in self.steps if step.key in self.finished]
            await self._read_back(registry, finished, await _moved(self.ground, finished))
            for start in range(0, len(todo), _WINDOW):
                await self._window(registry, todo[start : start + _WINDOW])
        except SchemaMcpError as error:
            return RegistryOutcome(self.name, self.done, len(self.steps), before, error, self.failed)
        return RegistryOutcome(self.name, self.done, len(self.steps), before)

    async def _window(self, registry: GuardedRegistry, todo: Sequence[Step]) -> None:
        seen = await glance(registry, _places(todo))
        sources = await _moved(self.ground, todo)
        for subject, several in _grouped(todo):
            if subject is None:
                for step in several:
                    await self._do(_Scene(self.ground, registry, seen.versions, sources), step)
            else:
                await self._carried_in(registry, subject, several, seen, sources)
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
            scene = _Scene(self.ground, registry, seen.versions, sources)
            for step in several:
                await self._do(scene, step)

    async def _do(self, scene: "_Scene", step: Step) -> None:
        self.failed = step.key
        await self.ground.journal.step(self.run.task, step.key, "started")
        await _ACTIONS[step.action](scene, step)
        await self.ground.journal.step(self.run.task, step.key, "done")
        self.failed = ""
        self.done += 1
        await self.progress.step(f"{step.registry}: {step.action} {step.subject} {step.number or ''}".rstrip())

    async def _read_back(self, registry: GuardedRegistry, written: Sequence[Step], sources: Found) -> None:
        """See whether the registry holds what it took: version, content, and the id where it had to be kept."""
        found = await versions_at(registry, _places(written))
        for step in written:
            if step.action is Action.REGISTER:
                self.failed = step.key
                await _verify(_Scene(self.ground, registry, found, sources), step)
        self.failed = ""


@dataclass(frozen=True, slots=True)
class _Scene:
    """Where a step takes place: what the registry holds there, and what other registries hold of what is moved."""

    ground: Ground
    registry: GuardedRegistry
    there: Found
    sources: Found


def _places(steps: Sequence[Step]) -> list[Place]:
    return [(step.subject, step.number) for step in steps if step.action is Action.REGISTER]


async def _moved(ground: Ground, steps: Sequence[Step]) -> Found:
    """The versions that are moved, as the registries have them that they come from."""
    found: Found = {}
    for origin in sorted({step.origin for step in steps} - {_STORE}):
        kind, _, name = origin.partition(":")
        places = _places([step for step in steps if step.origin == origin])
        found |= await versions_at(ground.fleet.get(name), places, deleted=kind == DELETED)
    return found


def _grouped(steps: Sequence[Step]) -> Iterator[tuple[Subject | None, list[Step]]]:
    """Steps in their order, neighbours that carry ids into one subject together; other steps stand for themselves."""

    def importing_subject(step: Step) -> Subject | None:
        return step.subject if step.action is Action.REGISTER and step.id else None

    for subject, several in groupby(steps, key=importing_subject):
        yield subject, list(several)


async def _register(scene: _Scene, step: Step) -> None:
    registry = scene.registry
    schema = await _content(scene, step)
    there = scene.there.get((step.subject, step.number))
    if there is not None and not await _is_same(scene, step, there.schema):
        raise ConflictError(
            f"{registry.name} holds other content as {step.subject} version {step.number}",
            hint="Somebody registered in between. Plan again.",
            details={"registry": registry.name},
        )
    if there is not None and not there.deleted and step.id in (0, there.id):
        return  # a kill came between doing it and writing that down
    if step.id:
        await registry.register(step.subject, schema, schema_id=step.id, number=step.number)
    else:
        await registry.register(step.subject, schema)


async def _content(scene: _Scene, step: Step) -> Schema:
    """What a step registers, from where the plan found it; refused when it is no longer that."""
    store = scene.ground.store
    if step.origin == _STORE:
        stored = store.version(step.subject, step.number)
        version, finders = stored.version if stored else None, [in_store(store)]
    else:
        source = scene.ground.fleet.get(step.origin.partition(":")[2])
        version, finders = scene.sources.get((step.subject, step.number)), [in_registry(source)]
    schema = None
    if version is not None:
        schema = version.schema
        if schema_hash(schema) != step.digest:
            schema = await _canonical(schema, step, finders)
    if schema is None or schema_hash(schema) != step.digest:
        where = "the store" if step.origin == _STORE else step.origin.partition(":")[2]
        raise ConflictError(
            f"{step.subject} version {step.number} is no longer what the plan saw in {where}", hint="Plan again."
        )
    return schema


async def _verify(scene: _Scene, step: Step) -> None:
    registry, there = scene.registry, scene.there.get((step.subject, step.number))
    kept = there is not None and step.id in (0, there.id)
    if there is None or not kept or not await _is_same(scene, step, there.schema):
        found = "nothing" if there is None else f"id {there.id}" if not kept else "other content"
        raise RegistryError(
            f"{registry.name} took {step.subject} version {step.number} (id {step.id}) and gives back {found}",
            hint="Either the registry does not keep what it is sent, or somebody changed it meanwhile: detect_drift "
            "tells how it stands.",
            details={"registry": registry.name},
        )


async def _is_same(scene: _Scene, step: Step, schema: Schema) -> bool:
    if schema_hash(schema) == step.digest:
        return True
    found = await _canonical(schema, step, [in_store(scene.ground.store), in_registry(scene.registry)])
    if schema_hash(found) == step.digest:
        return True
    # A registry may give texts out that are not canonical: then what was moved is held against it in that form.
    moved = scene.sources.get((step.subject, step.number))
    if moved is None:
        return False
    finders = [in_registry(scene.ground.fleet.get(step.origin.partition(":")[2]))]
    return schema_hash(await _canonical(moved.schema, step, finders)) == schema_hash(found)


async def _canonical(schema: Schema, step: Step, finders: Sequence[Finder]) -> Schema:
    complete = await whole(schema, step.subject, finders)
    return await to_thread.run_sync(canonical, complete)


async def _delete(scene: _Scene, step: Step) -> None:
    if await scene.registry.version(step.subject, step.number) is not None:
        await scene.registry.delete_version(step.subject, step.number)


async def _set_level(scene: _Scene, step: Step) -> None:
    await scene.registry.set_config(step.subject, {"compatibility": step.value})


async def _set_mode(scene: _Scene, step: Step) -> None:
    await scene.registry.set_mode(step.subject, Mode(step.value))


_Act: TypeAlias = Callable[[_Scene, Step], Awaitable[None]]

_ACTIONS: Mapping[Action, _Act] = {
    Action.LOOSEN: _set_level,
    Action.REGISTER: _register,
    Action.DELETE: _delete,
    Action.TIGHTEN: _set_level,
    Action.MODE: _set_mode,
}
