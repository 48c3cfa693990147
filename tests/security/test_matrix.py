"""Role, tool, server and registry: what is let through, against a table that was written by hand."""

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from schema_mcp.domain.caller import Caller, Grant, Reach, Scope
from schema_mcp.domain.errors import NotPermittedError, SchemaMcpError
from schema_mcp.domain.schema import Mode, Schema, Subject
from schema_mcp.toolkit.call import call
from schema_mcp.toolkit.tool import Tool
from schema_mcp.tools import CATALOGUE
from services.conftest import world  # noqa: F401 - the fixture
from services.world import ORDERS, V1, V2, World

# The product's list of tools, by hand: whoever adds a tool, or changes what it asks for, says so here, too.
READ = frozenset(
    """
    list_registries get_registry_info test_registry_connection compare_registries get_statistics explain_access
    list_subjects get_schema search_schemas get_schema_versions get_subjects_by_schema_id lookup_schema validate_schema
    validate_data generate_example get_settings list_contexts get_references analyze_impact bundle_schema
    plan_reference_update list_stored_schemas get_schema_history plan_deployment get_plan detect_drift get_sync_status
    lookup_id audit_ids check_compatibility diff_schemas check_compatibility_bulk plan_compatibility_change
    analyze_evolution suggest_evolution suggest_improvements plan_migration export_schema export_schemas get_task
    list_tasks evaluate_policies scan_pii list_approvals find_tool
    """.split()  # noqa: SIM905 - a page to read
)
WRITE = frozenset(
    """
    register_schema update_config create_context store_schema update_stored_schema adopt_registry apply_plan
    reconcile_drift allocate_id promote_schema resume_task cancel_task request_approval
    """.split()  # noqa: SIM905
)
ADMIN = frozenset(
    """
    delete_schema_version delete_subject restore_subject delete_config update_mode delete_context clear_context_batch
    rollback_change reserve_id_block migrate_schemas import_schemas review_approval
    """.split()  # noqa: SIM905
)
READS_FOR_ADMINS = frozenset({"query_audit"})

ROLES: dict[str, frozenset[Scope]] = {
    "nobody": frozenset(),
    "reader": frozenset({Scope.READ}),
    "writer": frozenset({Scope.READ, Scope.WRITE}),
    "admin": frozenset(Scope),
}
LET_IN = {
    "nobody": frozenset[str](),
    "reader": READ,
    "writer": READ | WRITE,
    "admin": READ | WRITE | ADMIN | READS_FOR_ADMINS,
}
WRITING = WRITE | ADMIN


def test_the_table_knows_every_tool():
    assert set(CATALOGUE) <= LET_IN["admin"]


def verdict(role: str, tool: str, *, read_only: bool) -> str | None:
    """Which layer says no, by the table."""
    if tool not in LET_IN[role]:
        return "scope"
    return "server" if read_only and tool in WRITING else None


async def layer_of(world: World, tool: Tool[Any, Any], caller: Caller, *, read_only: bool = False) -> str | None:  # noqa: F811
    """Which layer says no; what fails for other reasons was let in."""
    listings = {name: replace(one, off="") for name, one in world.workspace.listings.items()}
    workspace = replace(world.workspace, read_only=read_only, listings=listings)
    try:
        await call(tool, {"no such argument": 1}, caller=caller, workspace=workspace)
    except NotPermittedError as error:
        return error.details["layer"] if error.hint else "no hint"
    except SchemaMcpError as error:
        assert error.code == "invalid_request"  # noqa: PT017 - it came as far as its arguments
    return None


@pytest.mark.parametrize("tool", CATALOGUE.values(), ids=lambda tool: tool.name)
async def test_each_role_is_let_in_where_the_table_says_so(tool: Tool[Any, Any], world: World):  # noqa: F811
    for role, read_only in product(ROLES, (False, True)):
        caller = Caller(role, f"{role}@example.com", ROLES[role], "http")
        found = await layer_of(world, tool, caller, read_only=read_only)
        assert (role, read_only, found) == (role, read_only, verdict(role, tool.name, read_only=read_only))


NAMED: dict[str, dict[str, Any]] = {
    "register_schema": {"subject": "s", "schema_text": '"string"'},
    "update_config": {"subject": "s", "level": "FULL"},
    "update_mode": {"subject": "s", "mode": "READONLY"},
    "create_context": {"context": "eu"},
}
WHERE = {"register_schema": "write", "update_config": "write", "create_context": "write"}


@pytest.mark.parametrize(
    ("granted", "at", "tool"), list(product(("read", "write", "admin"), ("dev", "prod", "shut"), NAMED))
)
async def test_a_grant_at_one_registry_opens_that_one_as_far_as_it_goes(
    granted: str,
    at: str,
    tool: str,
    world: World,  # noqa: F811
):
    await world.register(subject=Subject("kept"))
    grants = (Grant(Scope(granted), Reach(frozenset({"dev"}))), Grant(Scope.READ, Reach(frozenset({"prod", "shut"}))))
    scopes = frozenset[Scope]().union(*(one.scope.implied for one in grants))
    caller = Caller("ann", "ann@example.com", scopes, "http", grants)
    workspace = replace(world.workspace, listings={})
    order = ["read", "write", "admin"]
    enough = at == "dev" and order.index(granted) >= order.index(WHERE.get(tool, "admin"))

    layer = ""
    try:
        await call(CATALOGUE[tool], {"registry": at, **NAMED[tool]}, caller=caller, workspace=workspace)
        permitted = True
    except NotPermittedError as error:
        permitted = False
        layer = error.details["layer"]

    assert permitted is enough
    assert layer in (("",) if enough else ("scope", "grant", "registry") if at == "shut" else ("scope", "grant"))
    assert world.registry("shut").writes == 0


# What a mode closes, by hand: whoever may do it at all is told of the mode, and the way out of it stays open.
CLOSING = (Mode.READONLY, Mode.READONLY_OVERRIDE)
IN_A_MODE: dict[str, tuple[str, dict[str, Any], bool]] = {
    "register_schema": ("write", {"subject": "orders-value", "schema_text": V2}, True),
    "update_config": ("write", {"subject": "orders-value", "level": "FULL"}, True),
    "delete_config": ("admin", {"subject": "orders-value"}, True),
    "delete_schema_version": ("admin", {"subject": "orders-value", "version": 1}, True),
    "delete_subject": ("admin", {"subject": "orders-value"}, True),
    "clear_context_batch": ("admin", {"context": "default"}, True),
    "restore_subject": ("admin", {"subject": "gone"}, True),
    "update_mode": ("admin", {"subject": "orders-value", "mode": "READONLY"}, False),
}


async def ended(world: World, tool: str, role: str, arguments: dict[str, Any]) -> str:  # noqa: F811
    """Which layer says no, if any; what asks for a preview first gets it."""
    caller = Caller(role, f"{role}@example.com", ROLES[role], "http")
    workspace = replace(world.workspace, listings={})
    try:
        told = await call(CATALOGUE[tool], arguments, caller=caller, workspace=workspace)
        if "plan" in CATALOGUE[tool].request.model_fields and (plan := getattr(told, "plan", None)):
            await call(CATALOGUE[tool], {**arguments, "plan": plan}, caller=caller, workspace=workspace)
    except NotPermittedError as error:
        return error.details["layer"]
    return ""


@pytest.mark.parametrize(
    ("tool", "needs", "arguments", "closes"), [(name, *row) for name, row in IN_A_MODE.items()], ids=IN_A_MODE
)
async def test_a_mode_lets_through_what_the_table_says(
    tool: str,
    needs: str,
    arguments: dict[str, Any],
    closes: bool,
    world: World,  # noqa: F811
):
    await world.register(V1)
    await world.registry().register(Subject("gone"), Schema(V1))
    await world.registry().delete_subject(Subject("gone"))
    await world.registry().set_config(ORDERS, {"compatibility": "BACKWARD"})
    order = ["nobody", "reader", "writer", "admin"]
    enough = {"write": ("writer", "admin"), "admin": ("admin",)}[needs]

    for mode, role in product(CLOSING, order):
        await world.registry().set_mode(Subject(""), mode)
        before = await world.traces()
        verdict = "scope" if role not in enough else "mode" if closes else ""
        assert (mode, role, await ended(world, tool, role, arguments)) == (mode, role, verdict)
        assert not verdict or await world.traces() == before
    for scope in (Subject(""), ORDERS):
        await world.registry().set_mode(scope, Mode.READWRITE)
    assert await ended(world, tool, enough[0], arguments) == ""
