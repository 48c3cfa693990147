"""Carry out a plan: journal each step before it happens, read back what it did, report honestly per registry.

A registry's steps run one after the other and stop at the first that fails; registries run side by side and do not
stop each other. Versions that keep their id are carried in with the subject in mode IMPORT: the mode it had is written
down first and restored on success, failure, cancellation and, by `recovery`, after a crash.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import groupby
from typing import TypeAlias

import anyio

from schema_mcp.domain.engine import canonical
from schema_mcp.domain.errors import ConflictError, ReadOnlyError, RegistryError, SchemaMcpError
from schema_mcp.domain.identity import schema_hash
from schema_mcp.domain.plan import Action, Plan, Step
from schema_mcp.domain.schema import Json, Mode, Schema, Subject
from schema_mcp.registries.contract import Capability
from schema_mcp.registries.guard import GuardedRegistry
from schema_mcp.services.ground import Ground, Report
from schema_mcp.services.recovery import IMPORTING, NO_MODE, mode_key, restore_mode
from schema_mcp.services.resolution import in_registry, in_store, whole
from schema_mcp.services.together import each
from schema_mcp.stores.journal import Run, StepState

_CLOSED = frozenset({Mode.READONLY, Mode.READONLY_OVERRIDE})


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
            for subject, several in _grouped(todo):
                await self._group(registry, subject, several)
        except SchemaMcpError as error:
            return RegistryOutcome(self.name, self.done, len(self.steps), before, error, self.failed)
        return RegistryOutcome(self.name, self.done, len(self.steps), before)

    async def _group(self, registry: GuardedRegistry, subject: Subject | None, several: Sequence[Step]) -> None:
        if subject is None:
            for step in several:
                await self._do(registry, step)
            return
        async with importing(self.ground, self.run, registry, subject):
            for step in several:
                await self._do(registry, step)

    async def _do(self, registry: GuardedRegistry, step: Step) -> None:
        self.failed = step.key
        await self.ground.journal.step(self.run.task, step.key, "started")
        await _ACTIONS[step.action](self.ground, registry, step)
        await self.ground.journal.step(self.run.task, step.key, "done")
        self.failed = ""
        self.done += 1
        await self.progress.step(f"{step.registry}: {step.action} {step.subject} {step.number or ''}".rstrip())


def _grouped(steps: Sequence[Step]) -> Iterator[tuple[Subject | None, list[Step]]]:
    """Steps in their order, neighbours that carry ids into one subject together; other steps stand for themselves."""

    def importing_subject(step: Step) -> Subject | None:
        return step.subject if step.action is Action.REGISTER and step.id else None

    for subject, several in groupby(steps, key=importing_subject):
        yield subject, list(several)


@asynccontextmanager
async def importing(ground: Ground, run: Run, registry: GuardedRegistry, subject: Subject) -> AsyncGenerator[None]:
    """The subject in mode IMPORT, and afterwards in the mode it had, whatever happens.

    Raises `ReadOnlyError` where the mode in force closes the subject: IMPORT must not be a way around it.
    """
    registry.require_writable()
    key = mode_key(registry.name, subject)
    async with ground.journal.turns.of(IMPORTING, key):
        await refuse_closed(registry, subject)
        own = await registry.mode(subject)
        await ground.journal.step(run.task, key, "started", before={"mode": own or NO_MODE})
        try:
            # Without `force` a registry refuses live subjects, and purges soft-deleted ones.
            await registry.set_mode(subject, Mode.IMPORT, force=True)
            yield
        finally:
            with anyio.CancelScope(shield=True):
                await restore_mode(registry, subject, own)
                await ground.journal.step(run.task, key, "done")


async def refuse_closed(registry: GuardedRegistry, subject: Subject) -> None:
    """Raise `ReadOnlyError` where the mode in force closes a subject."""
    if Capability.MODES in registry.capabilities and await registry.mode(subject, inherited=True) in _CLOSED:
        raise ReadOnlyError(
            f"{registry.name} is in a read-only mode for {subject}",
            hint="Change the mode first, if that is meant; nothing was written.",
            details={"registry": registry.name},
        )


async def _register(ground: Ground, registry: GuardedRegistry, step: Step) -> None:
    schema = await _content(ground, step)
    there = await registry.version(step.subject, step.number, deleted=Capability.SOFT_DELETE in registry.capabilities)
    if there is not None and not await _is_same(ground, registry, step, there.schema):
        raise ConflictError(
            f"{registry.name} holds other content as {step.subject} version {step.number}",
            hint="Somebody registered in between. Plan again.",
            details={"registry": registry.name},
        )
    if there is not None and not there.deleted and there.id == step.id:
        return  # a kill came between doing it and writing that down
    if step.id:
        await registry.register(step.subject, schema, schema_id=step.id, number=step.number)
    else:
        await registry.register(step.subject, schema)
    await _verify(ground, registry, step)


async def _content(ground: Ground, step: Step) -> Schema:
    """What a step registers, from where the plan found it; refused when it is no longer that."""
    kind, _, name = step.origin.partition(":")
    if kind == "store":
        stored = ground.store.version(step.subject, step.number)
        version = stored.version if stored else None
        finders = [in_store(ground.store)]
    else:
        source = ground.fleet.get(name)
        version = await source.version(step.subject, step.number)
        finders = [in_registry(source)]
    schema = None
    if version is not None:
        schema = canonical(await whole(version.schema, step.subject, finders))
    if schema is None or schema_hash(schema) != step.digest:
        raise ConflictError(
            f"{step.subject} version {step.number} is no longer what the plan saw in {name or 'the store'}",
            hint="Plan again.",
        )
    return schema


async def _verify(ground: Ground, registry: GuardedRegistry, step: Step) -> None:
    """Read back what was registered: version, content, and the id where it had to be kept."""
    there = await registry.version(step.subject, step.number or "latest")
    kept = there is not None and (not step.id or there.id == step.id)
    if there is None or not kept or not await _is_same(ground, registry, step, there.schema):
        found = "nothing" if there is None else f"id {there.id}"
        raise RegistryError(
            f"{registry.name} took {step.subject} version {step.number} and gives back {found} instead of id {step.id}",
            hint="The registry does not keep what it is sent; do not deploy there with ids.",
            details={"registry": registry.name},
        )


async def _is_same(ground: Ground, registry: GuardedRegistry, step: Step, schema: Schema) -> bool:
    if schema_hash(schema) == step.digest:
        return True
    finders = [in_store(ground.store), in_registry(registry)]
    return schema_hash(canonical(await whole(schema, step.subject, finders))) == step.digest


async def _delete(_: Ground, registry: GuardedRegistry, step: Step) -> None:
    if await registry.version(step.subject, step.number) is not None:
        await registry.delete_version(step.subject, step.number)


async def _set_level(_: Ground, registry: GuardedRegistry, step: Step) -> None:
    await registry.set_config(step.subject, {"compatibility": step.value})


async def _set_mode(_: Ground, registry: GuardedRegistry, step: Step) -> None:
    await registry.set_mode(step.subject, Mode(step.value))


_Act: TypeAlias = Callable[[Ground, GuardedRegistry, Step], Awaitable[None]]

_ACTIONS: Mapping[Action, _Act] = {
    Action.LOOSEN: _set_level,
    Action.REGISTER: _register,
    Action.DELETE: _delete,
    Action.TIGHTEN: _set_level,
    Action.MODE: _set_mode,
}
