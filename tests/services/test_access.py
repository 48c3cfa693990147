"""Why something may not be done: what is explained is what happens."""

import re
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fakes.confluent import FakeConfluent
from schema_mcp.domain.caller import Bound, Grant, Reach, Scope, with_implied
from schema_mcp.domain.errors import NotFoundError, SchemaMcpError
from schema_mcp.domain.schema import Mode, Subject
from schema_mcp.registries import permits
from schema_mcp.registries.contract import Capability
from schema_mcp.services import access
from schema_mcp.toolkit.rates import Rates
from schema_mcp.toolkit.surface import Choice
from schema_mcp.tools.registries.access import AccessExplained
from services.asking import ask
from services.confluent import answering, reached_over_rest
from services.conftest import OURS, kept_open
from services.world import ORDERS, V1, World, embedded


async def explained(world: World, tool: str, **more: Any) -> AccessExplained:
    return await ask(world, "explain_access", tool=tool, **more)


def closed(told: AccessExplained) -> list[str]:
    return [row.gate for row in told.gates if not row.opens]


def as_caller(world: World, scope: Scope) -> World:
    caller = replace(world.workspace.caller, scopes=with_implied([scope]))
    return World(replace(world.workspace, caller=caller))


async def test_a_grant_for_other_places_is_told_from_the_scope(world: World):
    grants = (Grant(Scope.ADMIN, Reach(frozenset({"dev"}), subjects=("payments-*",))),)
    caller = replace(world.workspace.caller, grants=grants)
    at_work = World(replace(world.workspace, caller=caller))

    told = await explained(at_work, "register_schema", subject="orders-value")
    elsewhere = await explained(at_work, "register_schema", subject="payments-value", registry="dev")
    unseen = await explained(at_work, "register_schema", subject="payments-value", registry="prod")

    assert (closed(told), closed(elsewhere), closed(unseen)) == (["grant"], [], ["grant"])


async def test_what_is_limited_for_everybody_is_told_from_what_was_granted(world: World):
    world.workspace.fleet.bounds = {"dev": Bound(Scope.WRITE, deny=("*-secret",))}

    secret = await explained(world, "register_schema", subject="orders-secret")
    too_much = await explained(world, "delete_subject", subject="orders-value")
    within = await explained(world, "register_schema", subject="orders-value")

    assert (closed(secret), closed(too_much), closed(within)) == (["limit"], ["limit"], [])
    assert "access.yaml" in secret.gates[0].who


SEALED = embedded("dev", "prod", prod="approvals: [permanent_delete, prune]")


@pytest.mark.parametrize(
    ("tool", "needs"),
    [
        pytest.param("delete_subject", ["permanent_delete (permanent: true)"], id="by an argument"),
        pytest.param("apply_plan", ["permanent_delete (a plan", "prune (a plan"], id="by a plan"),
        pytest.param("update_mode", ["needs no approval"], id="not what this registry asks for"),
        pytest.param("register_schema", ["needs no approval"], id="nothing that cannot be undone"),
    ],
)
async def test_what_would_need_somebody_elses_yes_is_told_with_who_may_give_it(
    tmp_path: Path, tool: str, needs: list[str]
):
    async with kept_open(tmp_path, SEALED) as sealed:
        told = await explained(sealed, tool, registry="prod")
        open_one = await explained(sealed, tool, registry="dev")

    row = next(row for row in told.gates if row.gate == "approval")
    assert told.allowed
    assert all(one in row.why for one in needs)
    assert ("review_approval" in row.who) == ("needs no approval" not in row.why)
    assert "approval" not in {row.gate for row in open_one.gates}


async def test_how_often_one_may_ask_is_told_where_that_is_limited(world: World):
    limited = World(replace(world.workspace, rates=Rates(30)))

    row = next(row for row in (await explained(limited, "list_subjects")).gates if row.gate == "rate")

    assert "30 calls a minute" in row.why
    assert "rate" not in {row.gate for row in (await explained(world, "list_subjects")).gates}


def test_every_layer_that_refuses_is_a_gate_that_is_explained():
    source = Path(access.__file__).parents[1]
    texts = [path.read_text(encoding="utf-8") for path in source.rglob("*.py")]
    layers = {one for text in texts for one in re.findall(r'"layer": "(\w+)"', text)} | set(permits._LAYERS)
    gates = {one for text in texts for one in re.findall(r'Gate\(\s*"(\w+)"', text)}

    assert len(layers) > 8
    assert layers - gates == set()


@pytest.fixture
async def read_only(tmp_path: Path) -> AsyncGenerator[World]:
    async with kept_open(tmp_path, OURS) as opened:
        fleet = opened.workspace.fleet
        fleet.read_only = True
        yield World(replace(opened.workspace, read_only=True))


async def test_what_is_open_is_allowed_and_happens(world: World):
    told = await explained(world, "register_schema", subject="orders-value")

    assert (told.allowed, told.registry, closed(told)) == (True, "dev", [])
    assert all(row.why for row in told.gates)


@pytest.mark.parametrize(
    ("tool", "scope", "gates"),
    [
        pytest.param("register_schema", Scope.READ, ["scope"], id="a-reader-writes"),
        pytest.param("delete_subject", Scope.WRITE, ["scope"], id="a-writer-destroys"),
        pytest.param("list_subjects", Scope.READ, [], id="a-reader-reads"),
    ],
)
async def test_a_scope_that_is_not_held_is_named(world: World, tool: str, scope: Scope, gates: list[str]):
    told = await explained(as_caller(world, scope), tool)

    assert closed(told) == gates
    assert all(row.who for row in told.gates if not row.opens)


async def test_a_registry_that_the_configuration_closes_is_named(world: World):
    told = await explained(world, "register_schema", registry="shut")

    assert closed(told) == ["registry"]
    assert "registries.yaml" in told.gates[0].who
    assert (await explained(world, "get_schema", registry="shut")).allowed


async def test_a_read_only_server_is_named(read_only: World):
    assert "server" in closed(await explained(read_only, "register_schema"))
    assert (await explained(read_only, "list_subjects")).allowed


@pytest.mark.parametrize(
    ("mode", "tool", "opens"),
    [
        pytest.param(Mode.READONLY, "register_schema", False, id="readonly-register"),
        pytest.param(Mode.READONLY, "delete_subject", False, id="readonly-delete"),
        pytest.param(Mode.READONLY, "update_mode", True, id="readonly-and-its-way-out"),
        pytest.param(Mode.IMPORT, "register_schema", True, id="import-register-with-an-id-of-ours"),
        pytest.param(Mode.IMPORT, "delete_subject", True, id="import-delete"),
    ],
)
async def test_the_mode_in_force_is_looked_at(world: World, mode: Mode, tool: str, opens: bool):
    await world.registry().set_mode(ORDERS, mode, force=True)

    told = await explained(world, tool, subject="orders-value")

    assert closed(told) == ([] if opens else ["mode"])
    assert (await explained(world, tool, subject="payments")).allowed


async def test_where_the_registry_numbers_by_itself_import_is_closed_to_what_has_no_id(tmp_path: Path):
    async with kept_open(tmp_path, embedded("dev")) as world:
        await world.registry().set_mode(ORDERS, Mode.IMPORT, force=True)
        told = await explained(world, "register_schema", subject="orders-value")
        with pytest.raises(SchemaMcpError):
            await ask(world, "register_schema", subject="orders-value", schema_text=V1)

    assert closed(told) == ["mode"]


async def test_a_subject_that_is_not_meant_for_the_registry_is_named(world: World):
    await world.register(V1)
    await world.wish(targets=("prod",))

    assert closed(await explained(world, "register_schema", subject="orders-value")) == ["targets"]
    assert (await explained(world, "register_schema", subject="orders-value", registry="prod")).allowed


async def test_a_tool_that_is_switched_off_is_named_with_what_turns_it_on(world: World):
    choice = Choice(toolsets=("core", "registries"))
    told = await explained(world, "delete_subject", choice=choice)

    off = next(row for row in told.gates if row.gate == "toolset")
    assert not off.opens
    assert "--toolsets" in off.why


async def test_what_the_kind_of_registry_lacks_is_named(world: World):
    over = reached_over_rest(world, {"plain": FakeConfluent(lacks=frozenset({Capability.MODES}))})

    assert "capability" in closed(await explained(over, "update_mode"))


async def test_an_unknown_tool_is_refused_with_the_nearest_name(world: World):
    with pytest.raises(NotFoundError) as refused:
        await explained(world, "delete_subjet")

    assert "delete_subject" in refused.value.hint


async def test_a_registry_that_does_not_answer_is_an_error_and_never_a_yes(world: World):
    over = reached_over_rest(world, {"west": answering(500)})

    with pytest.raises(SchemaMcpError):
        await explained(over, "register_schema", subject=str(Subject("orders-value")))
