"""Tags inside an Avro schema: put on, taken off, found; and what a bad request gets instead."""

import pytest

from schema_mcp.domain.schema import Subject
from schema_mcp.registries.contract import Tag, TagChange
from schema_mcp.registries.embedded import registration, tags
from schema_mcp.registries.embedded.database import Database
from schema_mcp.registries.embedded.drafts import Draft
from schema_mcp.registries.embedded.refusals import Refusal
from schema_mcp.registries.embedded.session import ServerSettings, Session
from schema_mcp.registries.embedded.tagging import found_tags

ORDERS = Subject("orders")
ORDER = """{"type":"record","name":"Order","namespace":"shop","fields":[
  {"name":"buyer","type":["null",{"type":"record","name":"Person","fields":[{"name":"name","type":"string"}]}]},
  {"name":"lines","type":{"type":"array","items":{"type":"record","name":"stock.Line","fields":[]}}}]}"""


@pytest.fixture
def session():
    database = Database(None)
    with database.writing() as sql:
        yield Session(sql, ServerSettings(), 0)
    database.close()


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        pytest.param("shop.Order", "sr_record", id="record"),
        pytest.param("shop.Order.buyer", "sr_field", id="field"),
        pytest.param("shop.Person.name", "sr_field", id="field-of-a-record-in-a-union"),
        pytest.param("stock.Line", "sr_record", id="record-in-an-array-of-its-own-namespace"),
    ],
)
def test_a_tag_is_found_where_it_was_put_until_it_is_taken_off(session, path, kind):
    tag = Tag(path, kind, ("PII",))
    registration.register(session, ORDERS, Draft(ORDER))

    added = tags.change(session, ORDERS, 1, TagChange(added=(tag,)))
    removed = tags.change(session, ORDERS, 2, TagChange(removed=(tag,)))

    assert found_tags(added.schema.text, "AVRO", ["PII"]) == found_tags(added.schema.text, "AVRO", ["*"]) == [tag]
    assert found_tags(added.schema.text, "AVRO", ["OTHER"]) == []
    assert found_tags(removed.schema.text, "AVRO", ["*"]) == []
    assert [added.number, removed.number] == [2, 3]


def test_a_schema_can_be_registered_with_tags_of_the_request(session):
    tag = Tag("shop.Order", "sr_record", ("R",))

    version = registration.register(session, ORDERS, Draft(ORDER, tags_to_add=(tag,)))

    assert found_tags(version.schema.text, "AVRO", ["R"]) == [tag]


@pytest.mark.parametrize(
    "draft",
    [
        pytest.param(Draft("nonsense"), id="no-schema"),
        pytest.param(Draft('{"type":"record","fields":[{}]}'), id="invalid-schema"),
        pytest.param(Draft('"string"'), id="no-such-place"),
        pytest.param(Draft('{"type":"object"}', "JSON"), id="another-language"),
    ],
)
def test_what_cannot_be_tagged_is_42201(session, draft):
    tagged = Draft(draft.text, draft.type, tags_to_add=(Tag("shop.Order", "sr_record", ("R",)),))

    with pytest.raises(Refusal) as refused:
        registration.register(session, ORDERS, tagged)
    assert refused.value.error_code == 42201


def test_a_property_of_the_same_name_that_is_no_list_is_no_tag():
    assert found_tags('{"type":"record","name":"R","fields":[],"confluent:tags":"PII"}', "AVRO", ["*"]) == []
