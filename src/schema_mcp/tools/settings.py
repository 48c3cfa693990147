"""Tools about levels, modes and the other settings of a registry, a context or a subject."""

from typing import Any, Literal

from schema_mcp.domain.caller import Scope
from schema_mcp.domain.naming import checked_subject, parse_context
from schema_mcp.domain.schema import Level, Mode, Policy, Subject
from schema_mcp.services import settings
from schema_mcp.toolkit.tool import Effect, Shape, tool
from schema_mcp.toolkit.workspace import Workspace


class Scoped(Shape):
    """Whose settings: a subject's, a context's, or (neither named) the registry's own."""

    registry: str | None = None
    """If not the default."""

    subject: str | None = None
    """Subject."""

    context: str | None = None
    """Of the subject, or itself."""


class GetSettings(Scoped):
    """Whose settings to read."""


class SettingRow(Shape):
    """One setting in force."""

    name: str
    """The registry's name for it."""

    value: Any
    """Its value."""

    origin: str
    """The scope it comes from."""


class SettingsFound(Shape):
    """Settings of one scope."""

    scope: str
    """Whose."""

    level: Level
    """Compatibility level in force."""

    mode: Mode
    """Mode in force."""

    in_force: tuple[SettingRow, ...]
    """Every field in force, and where it comes from."""

    own: dict[str, Any]
    """What the scope has of its own."""

    own_mode: Mode | None = None
    """The mode the scope has of its own."""

    registry: str
    """The registry that was asked."""


@tool(scope=Scope.READ, effect=Effect.READS)
async def get_settings(workspace: Workspace, request: GetSettings) -> SettingsFound:
    """Read level, mode and all other settings of a registry, context or subject: own, in force, and from where."""
    registry = workspace.registry(request.registry)
    scope = scope_of(request)
    found = await settings.read(registry, scope)
    rows = [SettingRow(name=name, value=one.value, origin=one.origin) for name, one in found.in_force.items()]
    level = found.in_force.get(settings.LEVEL)
    return SettingsFound(
        scope=settings.scope_name(scope),
        level=Level(level.value) if level else Level.BACKWARD,
        mode=found.mode.value,
        in_force=(*rows, SettingRow(name="mode", value=found.mode.value, origin=found.mode.origin)),
        own=found.own,
        own_mode=found.own_mode,
        registry=registry.name,
    )


class UpdateConfig(Scoped):
    """What to set; what is left out stays as it is."""

    level: Level | None = None
    """Compatibility level."""

    policy: Policy | None = None
    """JSON Schema rules."""

    compatibility_group: str | None = None
    """Metadata property that groups versions."""

    normalize: bool | None = None
    """Normalise what is registered."""

    validate_fields: bool | None = None
    """Check field names."""

    alias: str | None = None
    """Subject that this one stands for."""

    default_metadata: dict[str, Any] | None = None
    """Put below new versions' own."""

    override_metadata: dict[str, Any] | None = None
    """Put above new versions' own."""

    default_rule_set: dict[str, Any] | None = None
    """Put below new versions' own."""

    override_rule_set: dict[str, Any] | None = None
    """Put above new versions' own."""

    reason: str = ""
    """Why."""


class SettingsChanged(Shape):
    """A change of settings."""

    scope: str
    """Whose."""

    before: dict[str, Any]
    """What the scope had of its own."""

    after: dict[str, Any]
    """What it has now, read back."""

    commit: str | None = None
    """Git commit that holds the wish, shortened."""

    registry: str
    """Registry that was written to."""

    notes: tuple[str, ...] = ()
    """What to know about it."""


@tool(scope=Scope.WRITE, effect=Effect.REPLACES)
async def update_config(workspace: Workspace, request: UpdateConfig) -> SettingsChanged:
    """Set the compatibility level or other configuration; loosening needs the scope admin."""
    registry = workspace.registry(request.registry)
    scope = scope_of(request)
    asked = request.model_dump(exclude_none=True, exclude={"registry", "subject", "context", "reason"})
    if settings.loosens(await registry.config(scope, inherited=True), asked):
        workspace.caller.require(Scope.ADMIN, "update_config, where it loosens,")
        registry.require(Scope.ADMIN, "update_config, where it loosens,", scope)
    signed = workspace.signature("update_config", reason=request.reason)
    done = await settings.change_config(workspace.ground, registry.name, scope, asked, signed)
    return _told(scope, registry.name, done)


class DeleteConfig(Scoped):
    """Whose configuration to take away."""

    plan: str | None = None
    """Digest; without it a preview."""

    reason: str = ""
    """Why."""


class ConfigRemoval(SettingsChanged):
    """A configuration taken away, or what that would change."""

    plan: str | None = None
    """Nothing is done yet: what to pass."""


@tool(scope=Scope.ADMIN, effect=Effect.DESTROYS)
async def delete_config(workspace: Workspace, request: DeleteConfig) -> ConfigRemoval:
    """Take away the own configuration of a scope, so that it inherits again; a preview first."""
    registry = workspace.registry(request.registry)
    seen = await settings.removal(registry, scope_of(request))
    if request.plan is None:
        return ConfigRemoval(
            scope=settings.scope_name(seen.scope),
            before=seen.own,
            after={},
            registry=registry.name,
            plan=seen.digest,
            notes=(_PREVIEWED.format(seen.level),),
        )
    signed = workspace.signature("delete_config", reason=request.reason, plan=request.plan)
    done = await settings.drop_config(workspace.ground, seen, request.plan, signed)
    return ConfigRemoval(**_told(seen.scope, registry.name, done).model_dump())


class UpdateMode(Scoped):
    """Which mode."""

    mode: Mode | Literal["inherit"]
    """The mode, or `inherit` to take the own one away."""

    force: bool = False
    """Into IMPORT although there are subjects."""

    reason: str = ""
    """Why."""


@tool(scope=Scope.ADMIN, effect=Effect.REPLACES)
async def update_mode(workspace: Workspace, request: UpdateMode) -> SettingsChanged:
    """Set the mode of a registry, context or subject: READWRITE, READONLY, IMPORT …, or inherit."""
    registry = workspace.registry(request.registry)
    scope = scope_of(request)
    mode = None if request.mode == "inherit" else Mode(request.mode)
    signed = workspace.signature("update_mode", reason=request.reason)
    done = await settings.change_mode(workspace.ground, registry.name, scope, mode, signed, force=request.force)
    return _told(scope, registry.name, done)


def scope_of(request: Scoped) -> Subject:
    """The scope a request names."""
    if request.subject is not None:
        return checked_subject(request.subject, request.context)
    return Subject("", parse_context(request.context or "default"))


_PREVIEWED = "Nothing was changed: call again with this plan. The level in force is then {}."
_NOT_STORED = "The store does not know this scope: only the registry was changed."
_ELSEWHERE = "The store wants this everywhere the subject goes; plan_deployment takes it to the other registries."


def _told(scope: Subject, registry: str, done: settings.Changed) -> SettingsChanged:
    return SettingsChanged(
        scope=settings.scope_name(scope),
        before=done.before,
        after=done.after,
        commit=done.commit[:10] or None,
        registry=registry,
        notes=(_ELSEWHERE,) if done.commit else (_NOT_STORED,),
    )
