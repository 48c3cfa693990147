"""The one road of every call: who may, what is valid, and what the audit trail says afterwards."""

import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from schema_mcp.domain.caller import Caller, Scope
from schema_mcp.domain.errors import (
    InvalidRequestError,
    NotPermittedError,
    ReadOnlyError,
    SchemaMcpError,
    StoreError,
)
from schema_mcp.logs import JsonLines
from schema_mcp.stores.audit import Entry
from schema_mcp.toolkit.call import call
from schema_mcp.toolkit.request import serving
from schema_mcp.toolkit.tool import Effect, Shape, Tool, tool
from schema_mcp.toolkit.workspace import Workspace
from toolkit.world import opened, trail

READER = Caller("Ann", "ann@example.com", Scope.READ.implied)
ADMIN = Caller("Bob", "bob@example.com", Scope.ADMIN.implied)


class Asked(Shape):
    subject: str = ""
    """What it is about."""

    schema_text: str = ""
    """A long text."""


class Answered(Shape):
    asked_by: str
    """Who asked."""


@tool(scope=Scope.READ, effect=Effect.READS)
async def look(workspace: Workspace, request: Asked) -> Answered:
    """Look."""
    return Answered(asked_by=workspace.caller.name)


@tool(scope=Scope.WRITE, effect=Effect.ADDS)
async def write(workspace: Workspace, request: Asked) -> Answered:
    """Write, after looking whether the intent was kept."""
    lines = await workspace.audit.recent(1)
    assert [(one.tool, one.outcome) for one in lines] == [("write", "started")]
    return Answered(asked_by=workspace.caller.name)


@tool(scope=Scope.WRITE, effect=Effect.ADDS)
async def fail(workspace: Workspace, request: Asked) -> Answered:
    """Fail in a way that a caller can understand."""
    raise StoreError("no", hint="Try again.")


@tool(scope=Scope.READ, effect=Effect.READS)
async def hand_on(workspace: Workspace, request: Asked) -> Answered:
    """Say something, and something more after the answer."""

    async def later() -> None:
        await anyio.lowlevel.checkpoint()
        logging.getLogger("schema_mcp.tool").warning("later")

    logging.getLogger("schema_mcp.tool").warning("now")
    assert workspace.background
    workspace.background.start_soon(later)
    return Answered(asked_by=workspace.caller.name)


async def test_what_is_logged_for_a_call_has_its_name_also_after_its_answer(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    caplog.handler.setFormatter(JsonLines())
    async with opened(tmp_path) as workspace:
        await call(hand_on, {}, caller=READER, workspace=workspace)
        lines = await trail(workspace)
        await anyio.wait_all_tasks_blocked()
    logging.getLogger("schema_mcp.tool").warning("outside")

    said = {line["event"]: line.get("request_id") for line in map(json.loads, caplog.text.splitlines())}
    assert said == {"now": lines[0].request_id, "later": lines[0].request_id, "outside": None}


async def test_a_read_leaves_one_line(tmp_path: Path):
    async with opened(tmp_path) as workspace:
        with serving("r1"):
            result = await call(look, {"subject": "s"}, caller=READER, workspace=workspace)
        lines = await trail(workspace)

    assert result == Answered(asked_by="Ann")
    assert [(one.tool, one.caller, one.scopes, one.subject, one.outcome, one.request_id) for one in lines] == [
        ("look", "Ann", ("read",), "s", "ok", "r1")
    ]
    assert lines[0].duration_ms is not None


async def test_the_intent_of_a_write_is_kept_before_it_happens(tmp_path: Path):
    async with opened(tmp_path) as workspace:
        await call(write, {}, caller=ADMIN, workspace=workspace)
        lines = await trail(workspace)

    assert [one.outcome for one in lines] == ["started", "ok"]
    assert len({one.request_id for one in lines}) == 1


async def test_a_failure_is_on_the_trail_with_its_code(tmp_path: Path):
    async with opened(tmp_path) as workspace:
        with pytest.raises(StoreError):
            await call(fail, {}, caller=ADMIN, workspace=workspace)
        lines = await trail(workspace)

    assert [(one.outcome, one.code) for one in lines] == [("started", ""), ("failed", "store_error")]


@pytest.mark.parametrize(
    ("one", "arguments", "caller", "options", "error"),
    [
        pytest.param(write, {}, READER, {}, NotPermittedError, id="scope"),
        pytest.param(write, {}, ADMIN, {"read_only": True}, ReadOnlyError, id="read-only"),
        pytest.param(look, {"subjet": "s"}, ADMIN, {}, InvalidRequestError, id="unknown-argument"),
        pytest.param(look, {"subject": 5}, ADMIN, {}, InvalidRequestError, id="wrong-type"),
    ],
)
async def test_a_refusal_does_nothing_and_leaves_one_line(
    tmp_path: Path,
    one: Tool[Any, Any],
    arguments: dict[str, Any],
    caller: Caller,
    options: dict[str, Any],
    error: type[SchemaMcpError],
):
    async with opened(tmp_path, **options) as workspace:
        with pytest.raises(error) as refused:
            await call(one, arguments, caller=caller, workspace=workspace)
        lines = await trail(workspace)

    assert refused.value.hint
    assert [(line.outcome, line.code) for line in lines] == [("refused", error.code)]


async def test_texts_are_not_kept_but_can_be_matched(tmp_path: Path):
    async with opened(tmp_path) as workspace:
        for text in ("secret-1", "secret-1", "secret-2"):
            await call(look, {"schema_text": text}, caller=READER, workspace=workspace)
        lines = await trail(workspace)

    first, second, third = (one.arguments_digest for one in lines)
    assert first == second != third
    kept = b"".join(path.read_bytes() for path in (tmp_path / ".schema-mcp/audit").iterdir())
    assert b"secret" not in kept


async def test_a_write_whose_intent_cannot_be_kept_does_not_happen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    async def full(entry: Entry) -> None:
        raise StoreError("the disk is full")

    did: list[str] = []

    async def act(workspace: Workspace, request: Asked) -> Answered:
        """Act."""
        did.append("it")
        return Answered(asked_by="")

    acting = tool(scope=Scope.WRITE, effect=Effect.ADDS)(act)
    async with opened(tmp_path) as workspace:
        monkeypatch.setattr(workspace.audit, "intent", full)
        with pytest.raises(StoreError, match="full"):
            await call(acting, {}, caller=ADMIN, workspace=workspace)

    assert did == []


async def test_a_tool_that_is_switched_off_says_what_turns_it_on(tmp_path: Path):
    async with opened(tmp_path) as workspace:
        listing = replace(workspace.listings["list_tasks"], name="look", off="Start with --tools look.")
        narrowed = replace(workspace, listings={"look": listing})
        with pytest.raises(NotPermittedError) as refused:
            await call(look, {}, caller=ADMIN, workspace=narrowed)

    assert refused.value.hint == "Start with --tools look."


async def test_a_call_cannot_see_another_callers_name(tmp_path: Path):
    async with opened(tmp_path) as workspace:
        first = await call(look, {}, caller=READER, workspace=workspace)
        second = await call(look, {}, caller=ADMIN, workspace=workspace)

    assert (first, second) == (Answered(asked_by="Ann"), Answered(asked_by="Bob"))


async def test_texts_never_stand_in_the_trail(tmp_path: Path):
    async with opened(tmp_path) as workspace:
        await call(look, {"subject": "s", "schema_text": "CANARY-TEXT"}, caller=READER, workspace=workspace)
        (line,) = await trail(workspace)

    kept = (tmp_path / ".schema-mcp" / "audit" / "audit.jsonl").read_text(encoding="utf-8")
    assert line.arguments_digest in kept
    assert "CANARY" not in kept
