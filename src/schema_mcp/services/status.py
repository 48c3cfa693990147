"""How registries are: do they answer, what do they hold, what is in force, and was anything left in mode IMPORT."""

from collections.abc import Sequence
from dataclasses import dataclass

import anyio

from schema_mcp.domain.errors import RegistryError, SchemaMcpError
from schema_mcp.domain.naming import parse_subject
from schema_mcp.domain.schema import DEFAULT_CONTEXT, Level, Mode, Subject
from schema_mcp.registries.contract import Capability, Info, Registry, level_of
from schema_mcp.registries.fleet import Fleet
from schema_mcp.services.recovery import mode_key
from schema_mcp.services.together import each
from schema_mcp.stores.journal import Journal

MODES_ASKED = 1_000
"""Subjects asked for their own mode unless the caller wants more: registries list no modes."""

_NOBODY = "schema-mcp asks whether it may read"
"""A prefix that no subject has, so that the answer is short."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One attempt to reach a registry: what it is, or why not, and how long that took."""

    registry: str
    seconds: float
    info: Info | None = None
    error: SchemaMcpError | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """A registry at one moment."""

    info: Info
    mode: Mode
    level: Level | str
    contexts: tuple[str, ...]
    subjects: int
    soft_deleted: int
    """Subjects of which nothing is live."""

    importing: tuple[Subject, ...]
    """Contexts and subjects that are in mode IMPORT themselves."""

    unasked: int
    """Subjects whose mode nobody asked for."""


async def probe(fleet: Fleet, names: Sequence[str], patience: float) -> list[Probe]:
    """Ask registries whether they are there and let us in, all at once, each for at most `patience` seconds.

    An error is part of the answer here, because it is what was asked for; an unknown name is one of the caller's.
    """
    for name in names:
        fleet.connection(name)
    return await each(names, lambda name: _probe(fleet, name, patience))


async def _probe(fleet: Fleet, name: str, patience: float) -> Probe:
    began = anyio.current_time()
    info, error = None, None
    with anyio.move_on_after(patience) as limit:
        try:
            info = await _greeted(fleet.get(name))
        except SchemaMcpError as said:
            error = said
    if limit.cancelled_caught:
        error = RegistryError(
            f"{name} did not answer within {patience:g} s", hint="Is it up, and is nothing in between dropping packets?"
        )
    return Probe(name, anyio.current_time() - began, None if error else info, error)


async def _greeted(registry: Registry) -> Info:
    """Product and version, and the proof that we may read: some tell their version to everybody."""
    info = await registry.info()
    await registry.subjects(prefix=_NOBODY)
    return info


async def of(registry: Registry, journal: Journal, *, modes_asked: int = MODES_ASKED) -> Status:
    """What a registry says of itself. Raises `RegistryError` where it does not answer."""
    info = await registry.info()
    live = await registry.subjects()
    soft = Capability.SOFT_DELETE in registry.capabilities
    every = await registry.subjects(deleted=True) if soft else live
    contexts = await registry.contexts() if Capability.CONTEXTS in registry.capabilities else [DEFAULT_CONTEXT]
    scopes = [Subject("", context) for context in contexts]
    chosen = await _suspects_first(registry.name, journal, every) if modes_asked else []
    asked = [*scopes, *chosen[:modes_asked]]
    return Status(
        info=info,
        mode=await _mode(registry),
        level=await _level(registry),
        contexts=tuple(contexts),
        subjects=len(live),
        soft_deleted=len(every) - len(live),
        importing=tuple(await _importing(registry, asked)),
        unasked=len(every) - min(len(every), modes_asked),
    )


async def left_importing(registry: Registry, journal: Journal) -> list[Subject]:
    """What is in mode IMPORT, as far as few requests tell: whole contexts, and subjects that runs of ours left open."""
    contexts = await registry.contexts() if Capability.CONTEXTS in registry.capabilities else [DEFAULT_CONTEXT]
    scopes = [*(Subject("", context) for context in contexts), *await _suspects_first(registry.name, journal, ())]
    return await _importing(registry, scopes)


async def _suspects_first(registry: str, journal: Journal, subjects: Sequence[Subject]) -> list[Subject]:
    """All subjects, those first that a run of ours switched to IMPORT and has not switched back yet."""
    ours = mode_key(registry, Subject(""))
    left = [
        parse_subject(step.key.removeprefix(ours)) for step in await journal.open_steps() if step.key.startswith(ours)
    ]
    return list(dict.fromkeys([*left, *subjects]))


async def _importing(registry: Registry, scopes: Sequence[Subject]) -> list[Subject]:
    if Capability.MODES not in registry.capabilities:
        return []
    modes = await each(scopes, registry.mode)
    return sorted(scope for scope, mode in zip(scopes, modes, strict=True) if mode is Mode.IMPORT)


async def _mode(registry: Registry) -> Mode:
    known = Capability.MODES in registry.capabilities
    return (await registry.mode(Subject(""), inherited=True) if known else None) or Mode.READWRITE


async def _level(registry: Registry) -> str:
    known = Capability.CONFIG in registry.capabilities
    return (level_of(await registry.config(Subject(""), inherited=True)) if known else None) or Level.BACKWARD
