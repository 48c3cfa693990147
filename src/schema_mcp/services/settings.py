"""Levels, modes and the rest of a scope's settings: read with their origin, change with the store first."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from schema_mcp.domain.errors import InvalidRequestError, NotFoundError, StalePlanError
from schema_mcp.domain.naming import GLOBAL_CONTEXT, shown_context
from schema_mcp.domain.schema import Json, Level, Mode, Subject
from schema_mcp.registries.contract import Capability, Registry, level_of
from schema_mcp.services import approvals, commits
from schema_mcp.services.ground import Ground, Signature
from schema_mcp.services.importing import refuse_closed
from schema_mcp.stores.schemastore import Change, SetContextWish, SetWish

LEVEL = "compatibilityLevel"
_WRITTEN_LEVEL = "compatibility"


@dataclass(frozen=True, slots=True)
class Setting:
    """One field in force, and the scope it comes from."""

    value: Any
    origin: str


@dataclass(frozen=True, slots=True)
class Settings:
    """A scope's own settings, and those in force."""

    own: Json
    own_mode: Mode | None
    in_force: Mapping[str, Setting]
    mode: Setting


@dataclass(frozen=True, slots=True)
class Changed:
    """What a change of settings came to; without a commit, the store does not know the scope."""

    before: Json
    after: Json
    commit: str


@dataclass(frozen=True, slots=True)
class Removal:
    """What taking a configuration away would change; its digest is what the second call has to name."""

    registry: str
    scope: Subject
    own: Json
    inherited: Json
    """What would be in force then, of a subject; what is behind a whole context, no registry tells."""

    @property
    def level(self) -> str:
        """The level that would be in force, in words."""
        return level_of(self.inherited) or "the server's default"

    @property
    def digest(self) -> str:
        said = [self.registry, self.scope.context, self.scope.name, self.own, self.inherited]
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def scope_name(scope: Subject) -> str:
    """A scope in words."""
    return f"subject {scope}" if scope.name else f"context {shown_context(scope.context)}"


async def read(registry: Registry, scope: Subject) -> Settings:
    """What a scope has of its own and what is in force there, each field with where it comes from."""
    own = await _own(registry, scope)
    config = await registry.config(scope, inherited=True) or {}
    whole = Subject("", scope.context)
    wider = await _own(registry, whole) if scope.name else {}
    own_mode = await registry.mode(scope) if Capability.MODES in registry.capabilities else None
    mode = await registry.mode(scope, inherited=True) if Capability.MODES in registry.capabilities else None
    in_force = {field: Setting(value, _origin(field, own, wider, scope)) for field, value in sorted(config.items())}
    return Settings(
        own, own_mode, in_force, Setting(mode or Mode.READWRITE, await _mode_origin(registry, scope, own_mode))
    )


async def _own(registry: Registry, scope: Subject) -> Json:
    return (await registry.config(scope) if Capability.CONFIG in registry.capabilities else None) or {}


def _origin(field: str, own: Json, wider: Json, scope: Subject) -> str:
    if field in own:
        return scope_name(scope)
    if field in wider:
        return scope_name(Subject("", scope.context))
    return f"{shown_context(GLOBAL_CONTEXT)} or the server's default"


async def _mode_origin(registry: Registry, scope: Subject, own: Mode | None) -> str:
    if own is not None:
        return scope_name(scope)
    whole = Subject("", scope.context)
    wider = scope.name and Capability.MODES in registry.capabilities and await registry.mode(whole) is not None
    return scope_name(whole) if wider else "the server's default"


def loosens(before: Json | None, fields: Mapping[str, Any]) -> bool:
    """Would these fields let through what is refused now? Unknown kinds of change count as loosening."""
    level = fields.get("level")
    others = set(fields) - {"level"}
    if others & {"compatibility_group", "policy", "alias"}:
        return True
    old = Level(level_of(before) or Level.BACKWARD)
    return level is not None and not Level(level).promises >= old.promises


_NAMES: Mapping[str, str] = {
    "level": _WRITTEN_LEVEL,
    "policy": "compatibilityPolicy",
    "compatibility_group": "compatibilityGroup",
    "normalize": "normalize",
    "validate_fields": "validateFields",
    "alias": "alias",
    "default_metadata": "defaultMetadata",
    "override_metadata": "overrideMetadata",
    "default_rule_set": "defaultRuleSet",
    "override_rule_set": "overrideRuleSet",
}
"""A tool's word for each field, and the registry's."""


async def change_config(
    ground: Ground, registry_name: str, scope: Subject, fields: Mapping[str, Any], signed: Signature
) -> Changed:
    """Change fields of a scope: first the wish in the store, where it knows the scope, then the registry."""
    registry = ground.fleet.get(registry_name)
    registry.require_writable()
    if not fields:
        raise InvalidRequestError("There is nothing to change", hint=f"Give one of: {', '.join(_NAMES)}.")
    await refuse_closed(registry, scope)
    before = await registry.config(scope) or {}
    level = fields.get("level")
    commit = await _wish(ground, scope, signed, f"level {level}", level=Level(level)) if level else ""
    with commits.telling(commit, f"{registry_name} is as it was"):
        await registry.set_config(scope, {_NAMES[name]: value for name, value in fields.items()})
    return Changed(before, await registry.config(scope) or {}, commit)


async def removal(registry: Registry, scope: Subject) -> Removal:
    """What taking a scope's own configuration away would change. Reads only.

    Raises `NotFoundError` where it has none.
    """
    own = await registry.config(scope)
    if own is None:
        raise NotFoundError(
            f"{scope_name(scope)} has no configuration of its own in {registry.name}",
            hint="There is nothing to take away: get_settings tells what it inherits.",
        )
    wider = await registry.config(Subject("", scope.context), inherited=True) if scope.name else None
    return Removal(registry.name, scope, own, wider or {})


async def drop_config(ground: Ground, seen: Removal, digest: str, signed: Signature) -> Changed:
    """Take a scope's own configuration away as previewed, so that it inherits again.

    Raises `StalePlanError` when the preview is not the one that was named.
    """
    registry = ground.fleet.get(seen.registry)
    registry.require_writable()
    if seen.digest != digest:
        raise StalePlanError(
            "What would be taken away is not what the named preview showed",
            hint="Call again without `plan`, look at the preview, and pass its digest.",
        )
    await refuse_closed(registry, seen.scope)
    commit = await _wish(ground, seen.scope, signed, "no level of its own", level=None)
    with commits.telling(commit, f"{registry.name} is as it was"):
        await registry.delete_config(seen.scope)
    return Changed(seen.own, await registry.config(seen.scope) or {}, commit)


async def change_mode(
    ground: Ground, registry_name: str, scope: Subject, mode: Mode | None, signed: Signature, *, force: bool
) -> Changed:
    """Give a scope a mode of its own, or (None) take it away."""
    registry = ground.fleet.get(registry_name)
    registry.require_writable()
    before = await registry.mode(scope)
    commit = ""
    if mode is Mode.IMPORT:
        await ground.store.refresh()
        act = approvals.of_import_mode(ground.store, registry_name, scope, before, force=force)
        await approvals.required(ground, act, signed)
    else:  # IMPORT is a state to pass through, never a wish
        commit = await _wish(ground, scope, signed, f"mode {mode}" if mode else "no mode of its own", mode=mode)
    with commits.telling(commit, f"{registry_name} is as it was"):
        if mode is None:
            await registry.delete_mode(scope)
        else:
            await registry.set_mode(scope, mode, force=force)
    return Changed({"mode": before}, {"mode": await registry.mode(scope)}, commit)


async def _wish(ground: Ground, scope: Subject, signed: Signature, what: str, **wish: Level | Mode | None) -> str:
    """Commit a wish where the store knows the scope; the empty string where it does not."""
    await ground.store.refresh()
    change: Change
    if scope.name and ground.store.records(scope):
        change = SetWish(scope, replace(ground.store.wish(scope), **wish))
    elif not scope.name and scope.context in ground.store.contexts():
        change = SetContextWish(scope.context, replace(ground.store.context_wish(scope.context), **wish))
    else:
        return ""
    return await ground.store.commit([change], f"Give {scope_name(scope)} {what}", signed.author, signed.trailers)
