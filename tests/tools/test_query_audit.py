"""The audit trail answers who did what, to whom it may concern, a page at a time."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from schema_mcp.domain.caller import Caller, Grant, Reach, Scope
from schema_mcp.domain.errors import InvalidRequestError, NotPermittedError
from schema_mcp.stores import audit as audit_store
from schema_mcp.stores.audit import Entry, Outcome
from schema_mcp.stores.clock import utc_now
from schema_mcp.toolkit.call import call
from schema_mcp.toolkit.workspace import Workspace
from schema_mcp.tools import CATALOGUE
from schema_mcp.tools.governance.trail import AuditLines
from services.world import World

ADMIN = Caller("Ada", "ada@example.com", Scope.ADMIN.implied)
PLAN = "a" * 64

TOLD = [
    Entry("register_schema", Outcome.OK, caller="ann", registry="dev", subject="orders-value"),
    Entry("delete_subject", Outcome.REFUSED, caller="bob", registry="prod", subject="orders-key", code="read_only"),
    Entry("apply_plan", Outcome.FAILED, caller="ann", registries=("dev", "prod"), plan=PLAN, code="registry_error"),
    Entry("store_schema", Outcome.OK, caller="eve", subjects=("users-value", "orders-value")),
]


@pytest.fixture
async def workspace(world: World) -> Workspace:
    for entry in TOLD:
        await world.workspace.audit.record(entry)
    return replace(world.workspace, listings={})


async def asked(workspace: Workspace, who: Caller = ADMIN, /, **arguments: Any) -> AuditLines:
    found = await call(CATALOGUE["query_audit"], arguments, caller=who, workspace=workspace)
    assert isinstance(found, AuditLines)
    return found


CASES = [
    pytest.param({"caller": "ann"}, ["apply_plan", "register_schema"], id="caller"),
    pytest.param({"tool": "delete_*"}, ["delete_subject"], id="tool by pattern"),
    pytest.param({"registry": "prod"}, ["apply_plan", "delete_subject"], id="registry, one of several too"),
    pytest.param({"subject": "orders-*"}, ["store_schema", "delete_subject", "register_schema"], id="subject"),
    pytest.param({"subject": "users-value"}, ["store_schema"], id="one subject of several"),
    pytest.param({"outcome": "failed"}, ["apply_plan"], id="outcome"),
    pytest.param({"code": "read_only"}, ["delete_subject"], id="code"),
    pytest.param({"plan": PLAN}, ["apply_plan"], id="plan"),
    pytest.param({"caller": "ann", "outcome": "ok"}, ["register_schema"], id="two filters"),
    pytest.param({"caller": "nobody"}, [], id="nothing fits"),
]


@pytest.mark.parametrize(("arguments", "tools"), CASES)
async def test_a_filter_finds_what_it_names(arguments: dict[str, Any], tools: list[str], workspace: Workspace):
    found = await asked(workspace, **arguments)

    assert [one.tool for one in found.lines] == tools
    assert found.cursor is None


async def test_time_is_a_filter(workspace: Workspace):
    now = utc_now()

    assert (await asked(workspace, since=(now + timedelta(hours=1)).isoformat())).lines == ()
    assert (await asked(workspace, until=(now - timedelta(hours=1)).isoformat())).lines == ()
    assert len((await asked(workspace, since=(now - timedelta(hours=1)).isoformat(), caller="ann")).lines) == 2


async def test_pages_go_through_all_lines_once_while_new_ones_come(workspace: Workspace):
    seen: list[int] = []
    cursor = None
    while True:
        page = await asked(workspace, limit=1, **({"cursor": cursor} if cursor else {}))
        seen += [one.seq for one in page.lines if one.tool != "query_audit"]
        if (cursor := page.cursor) is None:
            break

    assert seen == sorted(seen, reverse=True)
    assert len(seen) == len(TOLD)


async def test_one_call_looks_at_so_many_lines_and_says_where_to_go_on(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(audit_store, "MOST_LOOKED_AT", 2)

    first = await asked(workspace, subject="orders-key")
    second = await asked(workspace, subject="orders-key", cursor=first.cursor)

    assert (first.lines, first.looked_at) == ((), 2)
    assert [one.tool for one in second.lines] == ["delete_subject"]


async def test_an_admin_of_one_registry_sees_what_was_done_there_and_nothing_else(workspace: Workspace):
    local = replace(ADMIN, name="loc", grants=(Grant(Scope.ADMIN, Reach(frozenset({"dev"}))),))

    found = await asked(workspace, local)

    assert [one.tool for one in found.lines] == ["register_schema"]


async def test_the_trail_is_for_admins(workspace: Workspace):
    with pytest.raises(NotPermittedError):
        await asked(workspace, Caller("Wim", "w@example.com", Scope.WRITE.implied))


@pytest.mark.parametrize("cursor", ["0", "-1", "x", "9" * 30])
async def test_a_cursor_of_something_else_is_refused(cursor: str, workspace: Workspace):
    with pytest.raises(InvalidRequestError):
        await asked(workspace, cursor=cursor)


async def test_a_line_names_the_default_registry_and_several_subjects_and_the_interface(workspace: Workspace):
    caller = replace(ADMIN, name="Zoe", via="http", client="ide")
    await call(CATALOGUE["list_subjects"], {}, caller=caller, workspace=workspace)
    await call(CATALOGUE["detect_drift"], {"registries": ["dev", "shut"]}, caller=caller, workspace=workspace)

    drift, listed = (await asked(workspace, caller="Zoe")).lines

    assert (listed.registry, listed.via, listed.client) == ("dev", "http", "ide")
    assert drift.registries == ("dev", "shut")
