"""Tools about registries, contexts and subjects as clients see them: within the budget at 10,000 subjects, honest."""

import json
from functools import cache
from typing import Any

import pytest

from fakes.confluent import FakeConfluent, Kept
from schema_mcp.domain.errors import SchemaMcpError
from schema_mcp.domain.schema import Mode, Schema, Subject
from schema_mcp.interfaces.mcp.replies import WIRE_BYTES, success
from schema_mcp.tools import CATALOGUE
from services.asking import ask
from services.confluent import answering, dead, reached_over_rest
from services.world import ORDERS, V1, V2, World

MANY = 10_000
NAME = "a-team-with-a-long-name.orders.and.payments-{:05}-value"


@cache
def crowded(doc: str = "") -> FakeConfluent:
    """10,000 subjects in 200 contexts, each text another one."""
    fake = FakeConfluent()
    for number in range(MANY):
        context = f".context-{number % 200:03}" if number % 2 else "."
        name = NAME.format(number) if context == "." else f":{context}:{NAME.format(number)}"
        text = f'{{"type":"record","name":"R{number}","doc":"{doc}","fields":[]}}'
        fake.subjects[name] = {1: Kept(name, 1, number + 1, {"schemaType": "AVRO", "schema": text})}
        fake.contexts.add(context)
        if number % 10 == 0:
            fake.settings["mode", name] = {"mode": "IMPORT"}
    return fake


def fits(tool: str, told: Any) -> bool:
    """A reply goes out as it is; one that is too large would be refused."""
    reply = success(CATALOGUE[tool], told)
    return not reply.get("isError") and len(json.dumps(reply, ensure_ascii=False).encode()) <= WIRE_BYTES


QUESTIONS: list[tuple[str, dict[str, Any]]] = [
    ("get_registry_info", {"modes_asked": 600}),
    ("test_registry_connection", {}),
    ("compare_registries", {"source": "west", "target": "east", "limit": 1_000}),
    ("compare_registries", {"source": "west", "target": "empty", "limit": 1_000}),
    ("get_statistics", {"levels_asked": 100}),
    ("explain_access", {"tool": "register_schema", "subject": "x" * 200}),
    ("list_contexts", {"limit": 100}),
    ("lookup_schema", {"schema_text": '"string"'}),
    ("delete_context", {"context": "context-001"}),
    ("clear_context_batch", {"context": "default", "limit": 1_000}),
]


@pytest.mark.parametrize(("tool", "arguments"), QUESTIONS, ids=[f"{name}-{n}" for n, (name, _) in enumerate(QUESTIONS)])
async def test_replies_about_ten_thousand_subjects_fit(world: World, tool: str, arguments: dict[str, Any]):
    fakes = {"west": crowded(), "east": crowded("edited"), "empty": FakeConfluent()}
    over = reached_over_rest(world, fakes)
    for fake in fakes.values():
        fake.requests.clear()

    told = await ask(over, tool, **arguments)

    assert fits(tool, told)
    sent = {method for fake in fakes.values() for method, _ in fake.requests}
    assert sent <= {"GET"}


async def test_a_number_with_ten_thousand_holders_comes_in_pages(world: World):
    fake = FakeConfluent()
    for number in range(MANY):
        name = NAME.format(number)
        fake.subjects[name] = {1: Kept(name, 1, 7, {"schemaType": "AVRO", "schema": '"string"'})}
    over = reached_over_rest(world, {"west": fake})

    told = await ask(over, "get_subjects_by_schema_id", id=7, limit=1_000)
    looked_up = await ask(over, "lookup_schema", schema_text='{"type":"string"}')

    for tool, reply in (("get_subjects_by_schema_id", told), ("lookup_schema", looked_up)):
        assert fits(tool, reply)
        assert reply.cursor
    assert told.total == MANY


async def test_exact_counts_of_a_crowd(world: World):
    over = reached_over_rest(world, {"west": crowded(), "east": crowded("edited")})

    info = await ask(over, "get_registry_info", modes_asked=100)
    compared = await ask(over, "compare_registries", source="west", target="east")
    counted = await ask(over, "get_statistics", levels_asked=0)

    assert (info.subjects, info.contexts_total, info.modes_unasked) == (MANY, 101, MANY - 100)
    assert (compared.counts, compared.same, compared.exit_code) == ({"content": MANY}, False, 3)
    assert (counted.subjects, counted.versions, counted.levels_unasked) == (MANY, MANY, MANY)


async def test_pages_of_a_comparison_hold_every_difference_once(world: World):
    dev, prod = world.registry("dev"), world.registry("prod")
    for number in range(250):
        await dev.register(Subject(f"s{number:03}"), Schema(V1))
    for number in range(100, 120):
        await prod.register(Subject(f"s{number:03}"), Schema(V2))
    seen: list[tuple[str, int | None]] = []
    cursor = None
    while True:
        told = await ask(world, "compare_registries", source="dev", target="prod", cursor=cursor)
        seen += [(row.subject, row.version) for row in told.differences]
        if (cursor := told.cursor) is None:
            break

    assert len(seen) == len(set(seen)) == told.total == 250
    assert (told.missing_subjects, told.source.subjects, told.target.subjects) == (230, 250, 20)
    assert "plan_migration" in told.next


async def test_contexts_are_compared_under_two_names(world: World):
    for context in (".eu", ".us"):
        await world.registry().register(Subject("orders-value", context), Schema(V1))

    told = await ask(world, "compare_registries", source="dev", target="dev", context="eu", target_context="us")

    assert (told.same, told.exit_code, told.source.name) == (True, 0, "dev, context eu")
    with pytest.raises(SchemaMcpError, match="half"):
        await ask(world, "compare_registries", source="dev", target="prod", target_context="us")


async def test_info_says_what_was_left_behind_and_what_puts_it_back(world: World):
    await world.register(V1)
    await world.registry().set_mode(ORDERS, Mode.IMPORT, force=True)

    told = await ask(world, "get_registry_info")

    assert (told.in_import, told.in_import_total, told.writable) == (("subject orders-value",), 1, True)
    assert "update_mode" in told.next
    assert (await ask(world, "get_registry_info", registry="shut")).closed_by


async def test_every_address_tells_how_it_does_and_no_password(world: World):
    over = reached_over_rest(world, {"west": dead()})
    for _ in range(6):
        with pytest.raises(SchemaMcpError):
            await ask(over, "list_subjects")

    (address,) = over.registry("west").health

    assert (address.host, address.rests_for > 0) == ("west.example.com", True)
    assert "refused" in address.problem


async def test_each_registry_answers_for_itself(world: World):
    over = reached_over_rest(world, {"fine": FakeConfluent(), "gone": dead(), "closed": answering(401)})

    told = await ask(over, "test_registry_connection")
    alone = await ask(over, "test_registry_connection", registry="fine")

    assert [(row.registry, row.ok) for row in told.registries] == [("gone", False), ("closed", False), ("fine", True)]
    assert all(row.error and row.hint and row.code for row in told.registries if not row.ok)
    assert (told.ok, told.failed, told.total, told.exit_code) == (False, 2, 3, 1)
    assert (alone.ok, alone.exit_code) == (True, 0)
    assert "secret" not in told.model_dump_json()


ASKED: list[tuple[str, dict[str, Any]]] = [
    ("get_registry_info", {}),
    ("compare_registries", {"source": "west", "target": "east"}),
    ("get_statistics", {}),
    ("list_contexts", {}),
    ("create_context", {"context": "eu"}),
    ("clear_context_batch", {"context": "eu"}),
    ("restore_subject", {"subject": "orders-value"}),
]


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(answering(500), id="500"),
        pytest.param(answering(401), id="401"),
        pytest.param(answering(404), id="404"),
        pytest.param(answering(200, "<html>"), id="nonsense"),
        pytest.param(dead(), id="dead"),
    ],
)
@pytest.mark.parametrize(("tool", "arguments"), ASKED, ids=[name for name, _ in ASKED])
async def test_a_registry_that_does_not_answer_is_an_error_of_the_tool(
    world: World,
    broken: Any,
    tool: str,
    arguments: dict[str, Any],
):
    over = reached_over_rest(world, {"west": broken, "east": broken})

    with pytest.raises(SchemaMcpError):
        await ask(over, tool, **arguments)

    assert world.store.head is None
