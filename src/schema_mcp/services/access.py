"""Why somebody may, or may not, do something: every gate on the way to a registry, and who can open it.

The gates decide for themselves (`toolkit/call.py`, `registries/guard.py`, the registry); here they are only asked.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from schema_mcp.domain.approval import Irreversible
from schema_mcp.domain.caller import Caller, Scope
from schema_mcp.domain.schema import Mode, Subject
from schema_mcp.registries.contract import Capability
from schema_mcp.registries.fleet import Fleet
from schema_mcp.registries.guard import GuardedRegistry
from schema_mcp.services.settings import scope_name
from schema_mcp.stores.schemastore import SchemaStore

_OPERATOR = "Whoever runs this server"
_ADMIN = "A caller with the scope admin"
_REVIEWER = (
    "Call request_approval with the plan; somebody else with the scope admin there gives it: signed in over HTTP with "
    "review_approval, or by a commit on the shared branch with the trailer `Approves: DIGEST`"
)


@dataclass(frozen=True, slots=True)
class Deed:
    """What somebody wants to do: a tool, as far as access goes; `off` says what would switch it on.

    `carries_ids`: what it registers, it registers with an id of ours.
    """

    tool: str
    scope: Scope
    writes: bool
    touches_registries: bool
    off: str = ""
    carries_ids: bool = False


@dataclass(frozen=True, slots=True)
class Gate:
    """One thing that has to let a call through: does it, why, and who can change that."""

    name: str
    opens: bool
    why: str
    who: str
    sometimes: bool = False
    """It opens for the tool as such, and asks for more for some of what the tool can do."""


async def gates(deed: Deed, caller: Caller, fleet: Fleet, store: SchemaStore, place: tuple[str, Subject]) -> list[Gate]:
    """Every gate between a caller and a scope (a subject, a context) of a registry.

    Raises `RegistryError` where the registry has to be asked and does not answer.
    """
    name, scope = place
    found = [*_of_server(deed, caller, fleet)]
    if not deed.touches_registries:
        return found
    found += _of_grant(deed, caller, fleet, place)
    if not found[-1].opens:  # what goes on there is nothing for this caller
        return found
    registry = fleet.get(name)
    found += _of_kind(deed, registry)
    if deed.writes:
        found.append(_of_configuration(registry))
        found += _of_approval(deed, fleet, name)
        await store.refresh()
        found += _of_store(registry.name, store, scope)
        if Capability.MODES in registry.capabilities:
            found.append(_of_mode(deed, scope, await registry.mode(scope, inherited=True) or Mode.READWRITE))
    return found


def _of_server(deed: Deed, caller: Caller, fleet: Fleet) -> Iterator[Gate]:
    holds = ", ".join(sorted(caller.scopes)) or "none"
    why = f"{deed.tool} needs the scope {deed.scope}; {caller.name} holds: {holds}"
    yield Gate("scope", deed.scope in caller.scopes, why, f"{_OPERATOR} grants scopes (--scopes)")
    if deed.writes:
        why = "the server runs with --read-only" if fleet.read_only else "the server takes writes"
        yield Gate("server", not fleet.read_only, why, f"{_OPERATOR} (--read-only)")
    yield Gate("toolset", not deed.off, deed.off or "the tool is switched on", f"{_OPERATOR} (--toolsets, --tools)")


def _of_grant(deed: Deed, caller: Caller, fleet: Fleet, place: tuple[str, Subject]) -> Iterator[Gate]:
    """What was granted to the caller there; what is limited for everybody stands in the way of that only."""
    name, scope = place
    where = f"for {scope_name(scope)} in {name}"
    granted = caller.grants is None or deed.scope in caller.scopes_at(name, scope)
    yield Gate(
        "grant", granted, f"{deed.scope} is {'' if granted else 'not '}granted {where}", f"{_OPERATOR} (access.yaml)"
    )
    if granted and (bound := fleet.bounds.get(name)):
        within = deed.scope in bound.scope.implied and bound.covers(scope)
        said = "leave everybody" if within else "let nobody have"
        yield Gate("limit", within, f"limits {said} {deed.scope} {where}", f"{_OPERATOR} (limits in access.yaml)")


_NEEDS: Mapping[str, Capability] = {
    "update_config": Capability.CONFIG,
    "delete_config": Capability.CONFIG,
    "update_mode": Capability.MODES,
    "create_context": Capability.CONTEXTS,
    "delete_context": Capability.CONTEXTS,
    "clear_context_batch": Capability.CONTEXTS,
    "restore_subject": Capability.KEEPS_IDS,
}
"""What a tool cannot do without."""


def _of_kind(deed: Deed, registry: GuardedRegistry) -> Iterator[Gate]:
    needed = _NEEDS.get(deed.tool)
    if needed is not None:
        able = needed in registry.capabilities
        why = f"{registry.name} {'has' if able else 'is of a kind that lacks'} {needed}"
        yield Gate("capability", able, why, "Nobody: another kind of registry has it")


def _of_configuration(registry: GuardedRegistry) -> Gate:
    why = registry.closed_by or f"{registry.name} is open to writes"
    return Gate("registry", not registry.closed_by, why, f"{_OPERATOR} (registries.yaml)")


_PLANS = dict.fromkeys(Irreversible, "a plan with such a step")
_SEALED: Mapping[str, Mapping[Irreversible, str]] = {
    "delete_schema_version": {Irreversible.PURGE: "permanent: true"},
    "delete_subject": {Irreversible.PURGE: "permanent: true"},
    "clear_context_batch": {Irreversible.PURGE: "permanent: true"},
    "update_mode": {Irreversible.IMPORT: "mode: IMPORT"},
    "rollback_change": {**_PLANS, Irreversible.ROLLBACK: "taking back what somebody else did"},
    **dict.fromkeys(("apply_plan", "migrate_schemas", "promote_schema", "reconcile_drift", "resume_task"), _PLANS),
}
"""What of a tool's deeds cannot be undone, and by which call."""


def _of_approval(deed: Deed, fleet: Fleet, name: str) -> Iterator[Gate]:
    sealed = fleet.whole.connection(name).approvals
    if not sealed:
        return
    needed = [f"{one} ({call})" for one, call in _SEALED.get(deed.tool, {}).items() if one in sealed]
    what = f"the approval of another person is needed for: {', '.join(needed)}" if needed else "it needs no approval"
    yield Gate("approval", opens=True, why=f"in {name} {what}", who=_REVIEWER, sometimes=bool(needed))


def _of_store(registry: str, store: SchemaStore, scope: Subject) -> Iterator[Gate]:
    targets = store.wish(scope).targets if scope.name else None
    if targets is not None:
        why = f"the store sends {scope} to: {', '.join(targets) or 'no registry'}"
        yield Gate("targets", registry in targets, why, "A caller with the scope write (update_stored_schema)")


_SHUT: Mapping[Mode, str] = {
    Mode.READONLY: "takes no writes",
    Mode.READONLY_OVERRIDE: "takes no writes",
    Mode.IMPORT: "takes only schemas with given ids",
    Mode.FORWARD: "takes only what is forwarded",
}


def _of_mode(deed: Deed, scope: Subject, mode: Mode) -> Gate:
    # Modes can be changed in every mode; only what registers without an id is refused in IMPORT and FORWARD.
    shut = mode in _SHUT and deed.tool != "update_mode"
    if mode in (Mode.IMPORT, Mode.FORWARD):
        shut = deed.tool == "register_schema" and not (deed.carries_ids and mode is Mode.IMPORT)
    why = f"mode {mode} is in force for {scope_name(scope)}" + (f": it {_SHUT[mode]}" if shut else "")
    return Gate("mode", not shut, why, f"{_ADMIN} (update_mode)")
