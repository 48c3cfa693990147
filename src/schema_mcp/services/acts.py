"""What each kind of step does to a registry: look what stands there, change it, see that it was kept.

Looking comes first and goes into the journal, so that whoever undoes the step knows what to put back. Doing is
idempotent: what is there already, because a kill came between doing it and writing that down, is not sent again.
"""

import json
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from anyio import to_thread

from schema_mcp.domain.engine import canonical
from schema_mcp.domain.errors import ConflictError, RegistryError
from schema_mcp.domain.identity import schema_hash
from schema_mcp.domain.plan import Action, Step
from schema_mcp.domain.schema import Json, Mode, Schema, Subject, Version
from schema_mcp.registries.contract import LEVEL_KEYS, Capability, Registry, level_of
from schema_mcp.registries.guard import GuardedRegistry
from schema_mcp.services.glances import Found, numbers_of
from schema_mcp.services.ground import Ground
from schema_mcp.services.recovery import restore_mode
from schema_mcp.services.resolution import Finder, in_registry, in_store, whole

STORE: Final = "store"

DELETED: Final = "deleted"
"""Origin of what a registry has soft-deleted: `deleted:{registry}`."""

_LEVEL: Final = "compatibility"


@dataclass(frozen=True, slots=True)
class Scene:
    """Where a step takes place: what the registry holds there, and what other registries hold of what is moved."""

    ground: Ground
    registry: GuardedRegistry
    there: Found
    sources: Found
    numbers: Mapping[Subject, Collection[int]] = field(default_factory=dict[Subject, Collection[int]])


class Seen(NamedTuple):
    """What stands where a step goes now, and what stood there when it was begun for the first time."""

    now: Json
    first: Json


class Act(NamedTuple):
    """One kind of step: look what is there, change it, and raise `RegistryError` where that was not kept."""

    look: Callable[[Scene, Step], Awaitable[Json]]
    do: Callable[[Scene, Step, Seen], Awaitable[None]]
    check: Callable[[Scene, Step], Awaitable[None]]


# --- versions --------------------------------------------------------------------------------------------------------


async def _look_where_it_goes(scene: Scene, step: Step) -> Json:
    there = scene.there.get((step.subject, step.number))
    highest = max(scene.numbers.get(step.subject, ()), default=0)
    return _stands(there) | {"highest": highest, "digest": step.digest}


def _stands(there: Version | None) -> Json:
    if there is None:
        return {"stands": "nothing"}
    return {"stands": "deleted" if there.deleted else "live", "id": there.id}


async def _register(scene: Scene, step: Step, _: Seen) -> None:
    registry = scene.registry
    schema = await _content(scene, step)
    there = scene.there.get((step.subject, step.number))
    if there is not None and not await is_same(scene, step, there.schema):
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


async def _content(scene: Scene, step: Step) -> Schema:
    """What a step registers, from where the plan found it; refused when it is no longer that."""
    store = scene.ground.store
    if step.origin == STORE:
        stored = store.version(step.subject, step.number)
        version, finders = stored.version if stored else None, [in_store(store)]
    else:
        source = scene.ground.fleet.get(step.source[1])
        version, finders = scene.sources.get((step.subject, step.number)), [in_registry(source)]
    schema = None
    if version is not None:
        schema = step.sent(version.schema)
        if schema_hash(schema) != step.digest:
            schema = step.sent(await _canonical(version.schema, version.subject, finders))
    if schema is None or schema_hash(schema) != step.digest:
        where = "the store" if step.origin == STORE else step.source[1]
        raise ConflictError(
            f"{step.subject} version {step.number} is no longer what the plan saw in {where}", hint="Plan again."
        )
    return schema


async def _check_registered(scene: Scene, step: Step) -> None:
    registry, there = scene.registry, scene.there.get((step.subject, step.number))
    kept = there is not None and step.id in (0, there.id)
    if there is None or not kept or not await is_same(scene, step, there.schema):
        found = "nothing" if there is None else f"id {there.id}" if not kept else "other content"
        what = f"took {step.subject} version {step.number} (id {step.id}) and gives back {found}"
        raise _not_kept(registry, what)


def _not_kept(registry: Registry, what: str) -> RegistryError:
    return RegistryError(
        f"{registry.name} {what}",
        hint="Either the registry does not keep what it is sent, or somebody changed it meanwhile: detect_drift "
        "tells how it stands.",
        details={"registry": registry.name},
    )


async def is_same(scene: Scene, step: Step, schema: Schema) -> bool:
    """Is this the content that the step speaks of, as far as a registry lets texts be what they were?"""
    if schema_hash(schema) == step.digest:
        return True
    found = await _canonical(schema, step.subject, [in_store(scene.ground.store), in_registry(scene.registry)])
    if schema_hash(found) == step.digest:
        return True
    # A registry may give texts out that are not canonical: then what was moved is held against it in that form.
    moved = scene.sources.get((step.subject, step.number))
    if moved is None:
        return False
    finders = [in_registry(scene.ground.fleet.get(step.source[1]))]
    ours = step.sent(await _canonical(moved.schema, moved.subject, finders))
    return schema_hash(ours) == schema_hash(found)


async def _canonical(schema: Schema, subject: Subject, finders: Sequence[Finder]) -> Schema:
    complete = await whole(schema, subject, finders)
    return await to_thread.run_sync(canonical, complete)


async def _look_at_doomed(scene: Scene, step: Step) -> Json:
    there = await scene.registry.version(step.subject, step.number, deleted=step.action is Action.PURGE)
    if there is not None and step.digest and not await is_same(scene, step, there.schema):
        raise ConflictError(
            f"{scene.registry.name} holds other content as {step.subject} version {step.number} than the plan saw",
            hint="Plan again.",
            details={"registry": scene.registry.name},
        )
    return _stands(there) | {"digest": step.digest}


async def _delete(scene: Scene, step: Step, seen: Seen) -> None:
    if seen.now["stands"] == "live":
        await scene.registry.delete_version(step.subject, step.number)


async def _look_at_purged(scene: Scene, step: Step) -> Json:
    """With its last version a subject loses its settings, which were there before that version came."""
    stands = await _look_at_doomed(scene, step)
    numbers, registry = await numbers_of(scene.registry, step.subject), scene.registry
    if stands["stands"] == "nothing" and step.number in numbers:
        stands["stands"] = "deleted"  # some products list what they no longer show
    if numbers == [step.number]:
        can = registry.capabilities
        stands["last"] = True
        stands |= {"config": await _config(scene, step)} if Capability.CONFIG in can else {}
        stands |= {"mode": await registry.mode(step.subject)} if Capability.MODES in can else {}
    return stands


async def _purge(scene: Scene, step: Step, seen: Seen) -> None:
    registry = scene.registry
    await _delete(scene, step, seen)
    if seen.now.get("last"):  # purged by its last version alone, some products go on listing the subject
        await registry.delete_subject(step.subject, permanent=True)
    elif seen.now["stands"] != "nothing":
        await registry.delete_version(step.subject, step.number, permanent=True)
    if seen.first.get("config") and await _config(scene, step) is None:
        await registry.set_config(step.subject, as_written(seen.first["config"]))
    if seen.first.get("mode") and await registry.mode(step.subject) is None:
        await restore_mode(registry, step.subject, Mode(seen.first["mode"]))


async def _check_gone(scene: Scene, step: Step) -> None:
    purged = step.action is Action.PURGE
    left = await (numbers_of(scene.registry, step.subject) if purged else scene.registry.numbers(step.subject))
    if step.number in left:
        raise _not_kept(scene.registry, f"deleted {step.subject} version {step.number} and still has it")


# --- settings --------------------------------------------------------------------------------------------------------


async def _look_at_config(scene: Scene, step: Step) -> Json:
    return {"config": await _config(scene, step)}


async def _config(scene: Scene, step: Step) -> Json | None:
    return await scene.registry.config(step.subject)


def fields_of(step: Step) -> Json | None:
    """What a step sets of a configuration, by the names that are written; None takes all of it away."""
    if step.action in (Action.LOOSEN, Action.TIGHTEN):
        return {_LEVEL: step.value}
    return json.loads(step.value)


def sets_level(step: Step) -> bool:
    """Does a step on a configuration give the level another value, or take it away?"""
    if step.action is not Action.CONFIG:
        return False
    fields = fields_of(step)
    return fields is None or _LEVEL in fields


def field_in(config: Json | None, name: str) -> Any:
    """A field of a configuration as it was read, by the name under which it is written."""
    return level_of(config) if name in LEVEL_KEYS else (config or {}).get(name)


def as_written(config: Json) -> Json:
    """A configuration as it was read, under the names by which it is written."""
    fields = {name: value for name, value in config.items() if name not in LEVEL_KEYS}
    level = level_of(config)
    return fields | ({_LEVEL: level} if level else {})


def _stands_so(config: Json | None, wanted: Json | None) -> bool:
    if wanted is None:
        return config is None
    return all(field_in(config, name) == value for name, value in wanted.items())


async def _set_config(scene: Scene, step: Step, seen: Seen) -> None:
    wanted = fields_of(step)
    if _stands_so(seen.now["config"], wanted):
        return
    if wanted is None:
        await scene.registry.delete_config(step.subject)
    else:
        await scene.registry.set_config(step.subject, wanted)


async def _check_config(scene: Scene, step: Step) -> None:
    if not _stands_so(await _config(scene, step), fields_of(step)):
        raise _not_kept(scene.registry, f"took a configuration for {step.subject} and does not have it")


async def _look_at_mode(scene: Scene, step: Step) -> Json:
    return {"mode": await scene.registry.mode(step.subject)}


async def _set_mode(scene: Scene, step: Step, seen: Seen) -> None:
    if (seen.now["mode"] or "") != step.value:
        await restore_mode(scene.registry, step.subject, Mode(step.value) if step.value else None)


async def _check_mode(scene: Scene, step: Step) -> None:
    if (await scene.registry.mode(step.subject) or "") != step.value:
        raise _not_kept(scene.registry, f"took a mode for {step.subject} and does not have it")


_CONFIGURE = Act(_look_at_config, _set_config, _check_config)

ACTS: Mapping[Action, Act] = {
    Action.LOOSEN: _CONFIGURE,
    Action.LOOSEN_CONFIG: _CONFIGURE,
    Action.REGISTER: Act(_look_where_it_goes, _register, _check_registered),
    Action.DELETE: Act(_look_at_doomed, _delete, _check_gone),
    Action.PURGE: Act(_look_at_purged, _purge, _check_gone),
    Action.TIGHTEN: _CONFIGURE,
    Action.CONFIG: _CONFIGURE,
    Action.MODE: Act(_look_at_mode, _set_mode, _check_mode),
}
