"""Contexts: which there are, how one begins and how it ends.

A registry lists a context from its first schema on and lets go of it only when it is empty; what can be said before
that is its level, and the wish for it in the store.
"""

import hashlib
import json
from collections import Counter
from dataclasses import asdict, dataclass, replace

from schema_mcp.domain.errors import ConflictError, InvalidRequestError, NotFoundError, ReadOnlyError, StalePlanError
from schema_mcp.domain.naming import ALL_CONTEXTS, GLOBAL_CONTEXT, shown_context
from schema_mcp.domain.schema import DEFAULT_CONTEXT, Json, Level, Mode, Subject
from schema_mcp.registries.contract import Capability, Registry, level_of
from schema_mcp.services.ground import Ground, Signature
from schema_mcp.stores.schemastore import ContextWish, SchemaStore, SetContextWish


@dataclass(frozen=True, slots=True)
class Context:
    """A context of a registry or of the store, with its live subjects in each; `listed` where the registry knows it."""

    name: str
    subjects: int
    stored: int
    listed: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """Level and mode in force in a context, for subjects that say nothing themselves."""

    level: str
    mode: Mode


async def of(registry: Registry, store: SchemaStore) -> list[Context]:
    """Every context of a registry and of the store, sorted."""
    await store.refresh()
    listed = set(await _listed(registry))
    subjects = Counter(subject.context for subject in await registry.subjects())
    stored = Counter(subject.context for subject in store.subjects() if _is_live(store, subject))
    names = sorted(listed | subjects.keys() | set(store.contexts()))
    return [Context(name, subjects[name], stored[name], name in listed) for name in names]


async def in_force(registry: Registry, context: str) -> Standing:
    """What holds in a context for subjects that say nothing themselves."""
    scope, can = Subject("", context), registry.capabilities
    config = await registry.config(scope, inherited=True) if Capability.CONFIG in can else None
    mode = await registry.mode(scope, inherited=True) if Capability.MODES in can else None
    return Standing(level_of(config) or Level.BACKWARD, mode or Mode.READWRITE)


async def _listed(registry: Registry) -> list[str]:
    return await registry.contexts() if Capability.CONTEXTS in registry.capabilities else [DEFAULT_CONTEXT]


def _is_live(store: SchemaStore, subject: Subject) -> bool:
    return any(not record.deleted for record in store.records(subject))


def require_own(registry: Registry, context: str) -> None:
    """Raise `InvalidRequestError` where the registry has no contexts, or this is none that can come and go."""
    if Capability.CONTEXTS not in registry.capabilities:
        raise InvalidRequestError(
            f"{registry.name} is of a kind that has no contexts",
            hint="Give the subjects a prefix instead, or use a registry that has contexts: list_registries.",
        )
    if context in (DEFAULT_CONTEXT, GLOBAL_CONTEXT, f".{ALL_CONTEXTS}"):
        raise InvalidRequestError(
            f"The context {shown_context(context)} always exists", hint="Name another one, for example `eu`."
        )


@dataclass(frozen=True, slots=True)
class Created:
    """A context as it begins; where it was there before, nothing was done."""

    existed: bool
    level: str
    commit: str = ""


async def create(ground: Ground, registry_name: str, context: str, level: Level | None, signed: Signature) -> Created:
    """Give a context its level, in the store first and then in the registry; its first schema makes it appear.

    Without a level, the one the store wishes for, or the one in force, becomes its own.
    """
    registry = ground.fleet.get(registry_name)
    registry.require_writable()
    require_own(registry, context)
    held = (await in_force(registry, context)).level
    if context in await registry.contexts():
        return Created(existed=True, level=held)
    await ground.store.refresh()
    wish = ground.store.context_wish(context)
    own = level or wish.level or Level(held)
    message = f"Create context {shown_context(context)} ({own})"
    change = SetContextWish(context, replace(wish, level=own))
    commit = await ground.store.commit([change], message, signed.author, signed.trailers)
    if Capability.CONFIG in registry.capabilities:
        await registry.set_config(Subject("", context), {"compatibility": own})
    return Created(existed=False, level=own, commit=commit)


@dataclass(frozen=True, slots=True)
class Preview:
    """What deleting a context takes away, and what stands in the way; its digest is what the second call names."""

    registry: str
    context: str
    listed: bool
    live: int
    soft_deleted: int
    stored: int
    """Live subjects that the store wants there."""

    wish: str
    """What the store declares for the context."""

    config: Json | None
    """The configuration it has of its own."""

    mode: Mode | None
    """The mode it has of its own."""

    @property
    def digest(self) -> str:
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


async def preview(registry: Registry, store: SchemaStore, context: str) -> Preview:
    """What would go. Reads only; raises `NotFoundError` where neither registry nor store knows the context."""
    require_own(registry, context)
    await store.refresh()
    live = await registry.subjects(context=context)
    every = await registry.subjects(context=context, deleted=True)
    scope, wish = Subject("", context), store.context_wish(context)
    seen = Preview(
        registry=registry.name,
        context=context,
        listed=context in await registry.contexts(),
        live=len(live),
        soft_deleted=len(every) - len(live),
        stored=sum(_is_live(store, subject) for subject in store.subjects(context)),
        wish="" if wish == ContextWish() else json.dumps(asdict(wish), sort_keys=True),
        config=await registry.config(scope) if Capability.CONFIG in registry.capabilities else None,
        mode=await registry.mode(scope) if Capability.MODES in registry.capabilities else None,
    )
    if not (seen.listed or seen.wish or seen.config or seen.mode):
        known = ", ".join(map(shown_context, (await registry.contexts())[:50]))
        raise NotFoundError(f"{registry.name} has no context {shown_context(context)}", hint=f"Known: {known}.")
    return seen


async def delete(ground: Ground, seen: Preview, digest: str, signed: Signature) -> str:
    """Let go of an empty context, of its wish and of its own settings; gives the commit, empty without a wish.

    Raises `StalePlanError` when it is not as previewed, `ConflictError` while it holds anything.
    """
    registry = ground.fleet.get(seen.registry)
    registry.require_writable()
    if seen.digest != digest:
        raise StalePlanError(
            "The context is not as the named preview showed it",
            hint="Call again without `plan`, look at the preview, and pass its digest.",
        )
    _refuse_full(seen)
    _refuse_closed(seen, (await in_force(registry, seen.context)).mode)
    commit = await _without_wish(ground, seen, signed)
    scope = Subject("", seen.context)
    if seen.listed:
        await registry.delete_context(seen.context)
    # The registry keeps them, and a context of the same name would begin with them.
    if seen.config is not None:
        await registry.delete_config(scope)
    if seen.mode is not None:
        await registry.delete_mode(scope)
    return commit


def _refuse_full(seen: Preview) -> None:
    if seen.live or seen.soft_deleted:
        raise ConflictError(
            f"{shown_context(seen.context)} holds {seen.live} live and {seen.soft_deleted} soft-deleted subjects",
            hint="clear_context_batch empties it: softly first, then with permanent: true.",
            details={"registry": seen.registry},
        )


def _refuse_closed(seen: Preview, mode: Mode) -> None:
    if mode in (Mode.READONLY, Mode.READONLY_OVERRIDE):
        raise ReadOnlyError(
            f"{seen.registry} is in mode {mode} for {shown_context(seen.context)}",
            hint="update_mode changes it, if that is meant; nothing was written.",
            details={"registry": seen.registry},
        )


async def _without_wish(ground: Ground, seen: Preview, signed: Signature) -> str:
    if not seen.wish:
        return ""
    message = f"Delete context {shown_context(seen.context)}"
    change = SetContextWish(seen.context, ContextWish())
    return await ground.store.commit([change], message, signed.author, signed.trailers)
