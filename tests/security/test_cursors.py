"""A cursor says where a page begins and nothing else: in other hands it shows what those may see, and no more."""

import json
from base64 import urlsafe_b64encode
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from schema_mcp.domain.caller import Caller, Grant, Reach, Scope
from schema_mcp.domain.errors import InvalidRequestError, SchemaMcpError
from schema_mcp.domain.schema import Schema, Subject
from schema_mcp.toolkit.call import call
from schema_mcp.tools import CATALOGUE
from services.conftest import kept_open
from services.world import V1, V2, World, embedded

MINE, THEIRS = ("mine-a", "mine-b"), ("theirs-a", "theirs-b")
ALL = Caller("root", "root@example.com", Scope.ADMIN.implied, "http")
SOME = Caller("ann", "ann@example.com", Scope.ADMIN.implied, "http", (Grant(Scope.ADMIN, Reach(subjects=("mine-*",))),))

LISTS: dict[str, dict[str, Any]] = {
    "list_subjects": {},
    "search_schemas": {"query": "note"},
    "list_stored_schemas": {},
    "plan_deployment": {"registries": ["prod"]},
    "get_sync_status": {},
    "compare_registries": {"source": "dev", "target": "prod"},
    "plan_migration": {"source": "dev", "target": "prod"},
}
"""Tools that list what belongs to many, with arguments of which both callers get several rows."""


@pytest.fixture
async def world(tmp_path: Path) -> AsyncGenerator[World]:
    async with kept_open(tmp_path, embedded("dev", "prod")) as opened:
        for name in (*MINE, *THEIRS):
            await opened.register(V1, Subject(name))
            await opened.registry().register(Subject(f"{name}-loose"), Schema(V2))
        yield opened


async def told(world: World, tool: str, who: Caller, **arguments: Any) -> Any:
    workspace = replace(world.workspace, listings={})
    wanted = {"limit": 1} if "limit" in CATALOGUE[tool].request.model_fields else {}
    return await call(CATALOGUE[tool], {**wanted, **arguments}, caller=who, workspace=workspace)


def rows(page: Any) -> set[str]:
    """Every row of every list of a reply."""
    lists = [value for value in page.model_dump(mode="json").values() if isinstance(value, list)]
    return {json.dumps(one, sort_keys=True) for several in lists for one in several}


async def pages(world: World, tool: str, who: Caller, arguments: dict[str, Any]) -> AsyncIterator[Any]:
    cursor: str | None = None
    while True:
        page = await told(world, tool, who, **arguments, **({"cursor": cursor} if cursor else {}))
        yield page
        if (cursor := page.cursor) is None:
            return


@pytest.mark.parametrize(("tool", "arguments"), LISTS.items(), ids=LISTS)
async def test_another_callers_cursor_shows_what_one_sees_without_it(
    tool: str, arguments: dict[str, Any], world: World
):
    given = [page.cursor async for page in pages(world, tool, ALL, arguments)][:-1]
    own = rows(await told(world, tool, SOME, **arguments, limit=100))

    for cursor in given:
        try:
            shown = rows(await told(world, tool, SOME, **arguments, cursor=cursor))
        except SchemaMcpError as error:
            assert error.code == "invalid_request"  # noqa: PT017 - a cursor of another list, said so
        else:
            assert shown <= own

    assert given


@pytest.mark.parametrize(
    "forged",
    [
        pytest.param(lambda cursor: cursor[:-2] + "xx", id="changed"),
        pytest.param(lambda _: urlsafe_b64encode(b"3:00000000").decode(), id="invented"),
        pytest.param(lambda _: urlsafe_b64encode(b"-3:00000000").decode(), id="negative"),
        pytest.param(lambda _: "../../etc/passwd", id="nonsense"),
    ],
)
async def test_a_cursor_that_we_did_not_give_for_this_list_is_refused(forged: Any, world: World):
    given = (await told(world, "list_subjects", SOME)).cursor

    with pytest.raises(InvalidRequestError):
        await told(world, "list_subjects", SOME, cursor=forged(given))
    with pytest.raises(InvalidRequestError):
        await told(world, "list_subjects", SOME, prefix="mine", cursor=given)
