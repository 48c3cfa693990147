"""From a number or a text to the versions that carry it, and the versions of a subject."""

import json
from typing import Any

import pytest

from fakes.confluent import FakeConfluent
from schema_mcp.domain.errors import InvalidRequestError, InvalidSchemaError, NotFoundError, SchemaMcpError
from schema_mcp.domain.schema import Mode, Reference, Schema, SchemaType, Subject
from schema_mcp.registries.contract import Capability
from services.asking import ask
from services.confluent import answering, dead, reached_over_rest
from services.world import ORDERS, V1, V2, V3, World

EU = ".eu"
CUSTOMER = '{"type":"record","name":"Customer","namespace":"shop","fields":[]}'
USER = '{"type":"record","name":"Use","namespace":"shop","fields":[{"name":"c","type":"shop.Customer"}]}'


async def put(world: World, subject: Subject, text: str, schema_id: int, number: int = 1) -> None:
    await world.registry().set_mode(subject, Mode.IMPORT, force=True)
    await world.registry().register(subject, Schema(text), schema_id=schema_id, number=number)


# --- versions of a subject


async def test_versions_are_listed_with_what_they_are(world: World):
    for text in (V1, V2, V3):
        await world.register(text)
    await world.registry().delete_version(ORDERS, 2)

    live = await ask(world, "get_schema_versions", subject="orders-value")
    every = await ask(world, "get_schema_versions", subject="orders-value", deleted=True)

    assert [(row.version, row.id) for row in live.versions] == [(1, 10_001), (3, 10_003)]
    assert [(row.version, row.deleted) for row in every.versions] == [(1, False), (2, True), (3, False)]
    assert all(row.characters and row.created_at.startswith("20") for row in every.versions)
    assert (live.total, every.total, live.source) == (2, 3, "dev")


async def test_versions_of_the_store_are_listed_too(world: World):
    for text in (V1, V2):
        await world.register(text)
    await world.retire(ORDERS, 1)

    told = await ask(world, "get_schema_versions", subject="orders-value", source="store")
    every = await ask(world, "get_schema_versions", subject="orders-value", source="store", deleted=True)

    assert ([row.version for row in told.versions], told.source) == ([2], "store")
    assert [row.version for row in every.versions] == [1, 2]


async def test_many_versions_come_in_pages(world: World):
    for number in range(1, 131):
        await put(world, ORDERS, json.dumps({"type": "record", "name": f"R{number}", "fields": []}), number, number)
    seen: list[int] = []
    cursor = None
    while True:
        told = await ask(world, "get_schema_versions", subject="orders-value", limit=60, cursor=cursor)
        seen += [row.version for row in told.versions]
        assert told.total == 130
        if (cursor := told.cursor) is None:
            break

    assert seen == list(range(1, 131))


@pytest.mark.parametrize("source", ["registry", "store"])
async def test_an_unknown_subject_is_refused(world: World, source: str):
    with pytest.raises(NotFoundError, match="nobody"):
        await ask(world, "get_schema_versions", subject="nobody", source=source)


# --- number to subjects


async def test_a_number_leads_to_every_version_that_carries_it(world: World):
    for subject in (ORDERS, Subject("copy"), Subject("orders-value", EU), Subject("gone")):
        await put(world, subject, V1 if subject.context == "." else V2, 7)
    await world.registry().delete_subject(Subject("gone"))

    every = await ask(world, "get_subjects_by_schema_id", id=7)
    here = await ask(world, "get_subjects_by_schema_id", id=7, context="default")

    assert [(row.subject, row.context, row.version, row.deleted) for row in every.subjects] == [
        ("copy", "default", 1, False),
        ("gone", "default", 1, True),
        ("orders-value", "default", 1, False),
        ("orders-value", "eu", 1, False),
    ]
    assert [row.subject for row in here.subjects] == ["copy", "gone", "orders-value"]


async def test_a_number_that_nobody_carries_is_refused(world: World):
    await world.register(V1)

    with pytest.raises(NotFoundError, match="id 99"):
        await ask(world, "get_subjects_by_schema_id", id=99)
    with pytest.raises(NotFoundError, match="context eu"):
        await ask(world, "get_subjects_by_schema_id", id=10_001, context="eu")


# --- text to number


async def test_a_text_leads_to_its_version_under_a_subject(world: World):
    await world.register(V1)
    await world.register(V2)

    told = await ask(world, "lookup_schema", schema_text=V1, subject="orders-value")

    (row,) = told.holders
    assert (row.subject, row.version, row.id, told.found) == ("orders-value", 1, 10_001, True)
    assert told.schema_hash == world.store.history(ORDERS)[0].schema_hash
    version = await world.registry().version(ORDERS, 1)
    assert version
    assert told.guid == version.guid


async def test_a_guid_leads_to_every_version_of_just_that_content(world: World):
    plain, owned = Schema(V1), Schema(V1, metadata={"properties": {"owner": "shop"}})
    for subject, schema in ((ORDERS, plain), (Subject("orders-value", EU), plain), (Subject("owned"), owned)):
        await world.registry().register(subject, schema)
    guid = (await ask(world, "lookup_schema", schema_text=V1, subject="orders-value")).guid

    told = await ask(world, "lookup_schema", guid=guid.upper())
    here = await ask(world, "lookup_schema", guid=guid, context="eu")

    assert [(row.context, row.subject) for row in told.holders] == [("default", "orders-value"), ("eu", "orders-value")]
    assert [row.context for row in here.holders] == ["eu"]
    assert told.guid == guid


@pytest.mark.parametrize(
    ("given", "error"),
    [
        pytest.param({"guid": "00000000-0000-0000-0000-000000000000"}, NotFoundError, id="unknown"),
        pytest.param({"guid": "../config"}, NotFoundError, id="no-guid"),
        pytest.param({}, InvalidRequestError, id="nothing"),
        pytest.param({"guid": "0", "schema_text": V1}, InvalidRequestError, id="both"),
    ],
)
async def test_a_guid_that_names_nothing_is_refused(world: World, given: dict[str, str], error: type[Exception]):
    with pytest.raises(error):
        await ask(world, "lookup_schema", **given)


async def test_a_text_leads_to_every_subject_that_holds_it(world: World):
    for subject in (ORDERS, Subject("copy"), Subject("orders-value", EU), Subject("gone")):
        await world.registry().register(subject, Schema(V1))
    await world.registry().register(Subject("other"), Schema(V2))
    await world.registry().delete_subject(Subject("gone"))

    told = await ask(world, "lookup_schema", schema_text=json.dumps(json.loads(V1), indent=4))
    here = await ask(world, "lookup_schema", schema_text=V1, context="eu")

    assert [(row.subject, row.context, row.deleted) for row in told.holders] == [
        ("copy", "default", False),
        ("gone", "default", True),
        ("orders-value", "default", False),
        ("orders-value", "eu", False),
    ]
    assert [(row.subject, row.context) for row in here.holders] == [("orders-value", "eu")]


async def test_metadata_counts_only_when_it_is_given(world: World):
    owner = {"properties": {"owner": "ann"}}
    await world.registry().register(ORDERS, Schema(V1, metadata=owner))

    plain = await ask(world, "lookup_schema", schema_text=V1)
    same = await ask(world, "lookup_schema", schema_text=V1, metadata=owner)
    other = await ask(world, "lookup_schema", schema_text=V1, metadata={"properties": {"owner": "bob"}})

    assert (plain.found, same.found, other.found) == (True, True, False)


async def test_another_spelling_is_found_when_asked_for(world: World):
    text = '{"type":"object","title":"a","description":"b"}'
    other = '{"description":"b","title":"a","type":"object"}'
    await world.registry().register(ORDERS, Schema(text, SchemaType.JSON))

    exact = await ask(world, "lookup_schema", schema_text=other, schema_type="JSON")
    loose = await ask(world, "lookup_schema", schema_text=other, schema_type="JSON", normalize=True)

    assert (exact.found, loose.found) == (False, True)


async def test_a_text_with_references_is_found(world: World):
    await world.registry().register(Subject("customer"), Schema(CUSTOMER))
    uses = (Reference("shop.Customer", "customer", 1),)
    await world.registry().register(Subject("use"), Schema(USER, references=uses))
    references = [{"name": "shop.Customer", "subject": "customer", "version": 1}]

    assert (await ask(world, "lookup_schema", schema_text=USER, references=references)).found
    assert (await ask(world, "lookup_schema", schema_text=USER, references=references, subject="use")).found


async def test_what_is_not_registered_is_an_answer_and_what_is_no_schema_an_error(world: World):
    told = await ask(world, "lookup_schema", schema_text=V1, subject="orders-value")

    assert (told.found, told.total, told.holders) == (False, 0, ())
    with pytest.raises(InvalidSchemaError):
        await ask(world, "lookup_schema", schema_text='{"type":"no-such-type"}')


async def test_a_registry_without_lookup_is_read_instead(world: World):
    fake = FakeConfluent(lacks=frozenset({Capability.LOOKUP}))
    over = reached_over_rest(world, {"west": fake})
    stored = json.dumps(json.loads(V1), separators=(",", ":"))
    await over.registry("west").register(ORDERS, Schema(stored))
    await over.registry("west").register(Subject("orders-value-2"), Schema(stored))

    told = await ask(over, "lookup_schema", schema_text=V1, subject="orders-value")

    assert [row.subject for row in told.holders] == ["orders-value"]


QUESTIONS: list[tuple[str, dict[str, Any]]] = [
    ("get_schema_versions", {"subject": "orders-value"}),
    ("get_subjects_by_schema_id", {"id": 1}),
    ("lookup_schema", {"schema_text": V1}),
    ("lookup_schema", {"schema_text": V1, "subject": "orders-value"}),
]


@pytest.mark.parametrize("broken", [answering(500), answering(401), answering(200, "no"), dead()])
@pytest.mark.parametrize(("tool", "arguments"), QUESTIONS)
async def test_a_registry_that_does_not_answer_is_an_error_and_never_nothing(
    world: World, broken: Any, tool: str, arguments: dict[str, Any]
):
    over = reached_over_rest(world, {"west": broken})

    with pytest.raises(SchemaMcpError) as refused:
        await ask(over, tool, **arguments)

    assert not isinstance(refused.value, NotFoundError)
