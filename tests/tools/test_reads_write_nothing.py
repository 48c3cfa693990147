"""A read tool, a plan or a dry run leaves no trace in a registry, the store or the ledger, whatever it is asked."""

import types
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Literal, Union, get_args, get_origin

import pytest
from pydantic import BaseModel

from schema_mcp.domain.errors import SchemaMcpError
from schema_mcp.domain.schema import Schema, Subject
from schema_mcp.services.registration import Stop
from schema_mcp.toolkit.tool import Tool
from schema_mcp.tools import CATALOGUE
from services.world import BREAKING, ORDERS, V1, V2, World

READS = [tool for tool in CATALOGUE.values() if not tool.writes]
ROUNDS = 12
PLAIN: list[set[str]] = [set(), {"subject"}, {"subject", "schema_text"}]

KNOWN: Mapping[str, list[Any]] = {
    "registry": ["dev", "prod", "shut", None, "nope"],
    "registries": [[], ["dev"], ["dev", "prod"], ["dev", "nope"]],
    "source": ["dev", "store", "registry", "shut"],
    "target": ["prod", "shut"],
    "subject": ["orders-value", "committed", "nobody", "../x", "a/b", ":.eu:s", "%2F", "x" * 2_000],
    "subjects": [[], ["orders-value"], ["nobody"]],
    "schema_text": [V1, V2, BREAKING, "{", ""],
    "other_text": [None, V2, "{"],
    "version": ["latest", 1, 2, 99],
    "other_version": [None, 1, "latest"],
    "id": [10_001, 1, 0, None],
    "context": [None, "default", "eu", "a:b"],
    "prefix": ["", "ord"],
    "query": ["order", "id long", "remove a subject"],
    "cursor": [None, None, "nonsense"],
    "plan": [None, "0" * 64],
    "task": ["nope"],
    "tool": ["register_schema", "nope"],
    "to_file": [False],
}


def values(name: str, kind: Any) -> list[Any]:
    """Some values for an argument, legal ones and others."""
    if name in KNOWN:
        return KNOWN[name]
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return [None, *(value for one in get_args(kind) for value in values("", one))]
    if origin is Literal:
        return list(get_args(kind))
    if origin is tuple:
        return [[]]
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return [one.value for one in kind]
    return {bool: [True, False], int: [1, 5], float: [1.0], str: ["x"]}.get(kind, [])


def asked(request: type[BaseModel], turn: int) -> dict[str, Any]:
    """The n-th set of arguments: plain ones first, then each argument walks through its values at its own pace."""
    if turn < len(PLAIN):
        wanted = [name for name, field in request.model_fields.items() if field.is_required() or name in PLAIN[turn]]
        said = {name: values(name, request.model_fields[name].annotation) for name in wanted}
        return {name: next(one for one in legal if one is not None) for name, legal in said.items()}
    found: dict[str, Any] = {}
    for pace, (name, field) in enumerate(request.model_fields.items(), start=1):
        choices = [one for one in values(name, field.annotation) if one is not None or not field.is_required()]
        if choices and (field.is_required() or (turn + pace) % 3):
            value = choices[(turn * pace + pace) % len(choices)]
            if value is not None:
                found[name] = value
    return found


@pytest.mark.parametrize("tool", READS, ids=lambda tool: tool.name)
async def test_a_read_leaves_no_trace(tool: Tool[Any, Any], world: World):
    await world.register()
    await world.register(V2, stop=Stop.COMMIT)
    await world.register(V1, Subject("committed"), stop=Stop.COMMIT)
    await world.registry("prod").register(Subject("s", ".eu"), Schema(V1))
    await world.wish(ORDERS, targets=("dev", "prod"))
    before = await world.traces()

    answered = 0
    for turn in range(ROUNDS):
        try:
            await world.read(tool.name, asked(tool.request, turn))
            answered += 1
        except SchemaMcpError as error:
            assert error.code != "error"  # noqa: PT017 - each is a coded one

    assert answered or tool.name == "get_task"  # there is none
    assert await world.traces() == before
    assert await world.modes() == [None] * len(await world.modes())


@pytest.mark.parametrize("text", [V1, V2, BREAKING])
async def test_a_dry_run_leaves_no_trace(text: str, world: World):
    await world.register()
    before = await world.traces()

    try:
        await world.call("register_schema", subject="orders-value", schema_text=text, dry_run=True)
    except SchemaMcpError as error:
        assert error.code == "incompatible"  # noqa: PT017

    assert await world.traces() == before
