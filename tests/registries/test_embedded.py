"""What only our own registry does, or does on purpose otherwise; the rest is in the contract and the recordings."""

import pytest

from schema_mcp.domain.errors import (
    ConfigurationError,
    ConflictError,
    InvalidRequestError,
    InvalidSchemaError,
    NotFoundError,
    ReadOnlyError,
    RegistryError,
)
from schema_mcp.domain.schema import Level, Mode, Reference, Schema, SchemaType, Subject
from schema_mcp.registries.backends.embedded import EmbeddedRegistry
from schema_mcp.registries.contract import Connection

ORDERS = Subject("orders")
ORDER = Schema('{"type":"record","name":"Order","fields":[{"name":"id","type":"long"}]}')


@pytest.fixture
async def registry():
    registry = EmbeddedRegistry(Connection("dev"))
    yield registry
    await registry.close()


async def test_it_says_what_it_is(registry):
    info = await registry.info()

    assert info.product == "schema-mcp embedded"
    assert info.version


@pytest.mark.parametrize("level", ["NONE", "full_transitive"])
async def test_its_level_can_be_set_where_it_is_configured(level):
    registry = EmbeddedRegistry(Connection("dev", options={"level": level}))

    assert await registry.config(Subject("")) == {"compatibilityLevel": Level(level.upper())}
    await registry.close()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"level": "bakward"}, "dev: 'BAKWARD'", id="level"),
        pytest.param({"mutable_modes": "false"}, "mutable_modes is 'false'", id="flag-as-text"),
        pytest.param({"levle": "NONE"}, "unknown option 'levle'", id="unknown"),
    ],
)
def test_a_wrong_option_stops_the_start(options, message):
    with pytest.raises(ConfigurationError, match=message) as wrong:
        EmbeddedRegistry(Connection("dev", options=options))
    assert wrong.value.hint


async def test_modes_can_be_frozen_where_it_is_configured():
    registry = EmbeddedRegistry(Connection("dev", options={"mutable_modes": False}))

    with pytest.raises(RegistryError, match="not allowed"):
        await registry.set_mode(ORDERS, Mode.IMPORT)
    await registry.close()


async def test_errors_keep_the_registrys_code_and_name(registry):
    with pytest.raises(InvalidSchemaError) as refused:
        await registry.register(ORDERS, Schema("nonsense"))

    assert refused.value.details == {"registry": "dev", "status": 422, "error_code": 42201}


async def test_a_read_only_scope_is_a_read_only_error(registry):
    await registry.set_mode(ORDERS, Mode.READONLY)

    with pytest.raises(ReadOnlyError):
        await registry.register(ORDERS, ORDER)


async def test_what_is_used_cannot_be_deleted(registry):
    await registry.register(ORDERS, ORDER)
    basket = Schema('{"type":"array","items":"Order"}', references=(Reference("Order", "orders", 1),))
    used_by = await registry.register(Subject("baskets"), basket)

    with pytest.raises(ConflictError, match="references exist"):
        await registry.delete_version(ORDERS, 1)
    assert await registry.referrers(ORDERS, 1) == [used_by.id]


async def test_referrers_of_nothing_are_an_error(registry):
    with pytest.raises(NotFoundError):
        await registry.referrers(Subject("nobody"))


async def test_the_default_context_cannot_be_deleted(registry):
    with pytest.raises(RegistryError):
        await registry.delete_context(".")


async def test_a_purged_text_is_gone_from_the_file(registry):
    secret = Schema('{"type":"enum","name":"Secret","symbols":["TOPSECRET"]}')
    await registry.register(ORDERS, secret)
    await registry.delete_subject(ORDERS)
    await registry.delete_subject(ORDERS, permanent=True)

    assert registry.core.read(lambda session: session.sql.execute("SELECT count(*) FROM contents").fetchone()) == (0,)


async def test_a_circle_of_references_is_refused(registry):
    """Only an import can make one: it replaces what others already use."""
    first, second = Subject("first"), Subject("second")
    text = '{"type":"record","name":"%s","fields":[]}'
    await registry.register(first, Schema(text % "First"))
    await registry.register(second, Schema(text % "Second", references=(Reference("First", "first", 1),)))
    await registry.set_mode(first, Mode.IMPORT, force=True)
    circle = Schema(text % "Circle", references=(Reference("Second", "second", 1),))
    await registry.register(first, circle, schema_id=9, number=1)

    with pytest.raises(InvalidSchemaError, match="circle"):
        await registry.register(Subject("third"), Schema(text % "Third", references=(Reference("First", "first", 1),)))


async def test_ids_end_where_the_wire_format_does(registry):
    await registry.set_mode(Subject("last"), Mode.IMPORT)
    await registry.register(Subject("last"), ORDER, schema_id=2**31 - 1)

    with pytest.raises(RegistryError, match="No id is left"):
        await registry.register(ORDERS, Schema('"string"'))


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param(Schema('"\ud800"'), id="text"),
        pytest.param(Schema('"int"', references=(Reference("\ud800", "s", 1),)), id="reference"),
        pytest.param(Schema('"int"', metadata={"properties": {"\ud800": "x"}}), id="metadata"),
    ],
)
async def test_half_a_character_is_refused(registry, schema):
    with pytest.raises((InvalidSchemaError, InvalidRequestError), match="half a character"):
        await registry.register(ORDERS, schema)


async def test_a_bad_rule_is_refused_before_anything_else(registry):
    with pytest.raises(InvalidRequestError, match="Missing rule name"):
        await registry.register(ORDERS, Schema("nonsense", rule_set={"domainRules": [{}]}))


async def test_two_languages_with_one_text_do_not_share_an_id(registry):
    text = '{"type":"string","x":"y"}'
    await registry.register(Subject("a"), Schema(text))

    with pytest.raises(RegistryError, match="Overwrite new schema with id 1"):
        await registry.register(Subject("j"), Schema(text, SchemaType.JSON))


async def test_an_id_leads_to_what_replaced_its_version_until_that_is_purged(registry):
    await registry.set_mode(ORDERS, Mode.IMPORT)
    await registry.register(ORDERS, ORDER, schema_id=10, number=1)
    other = Schema('"string"')
    await registry.register(ORDERS, other, schema_id=11, number=1)
    assert await registry.schema(10) == other

    await registry.delete_subject(ORDERS)
    await registry.delete_subject(ORDERS, permanent=True)

    assert await registry.schema(10) is None
    await registry.set_mode(ORDERS, Mode.IMPORT)
    assert (await registry.register(ORDERS, ORDER, schema_id=10, number=1)).id == 10


async def test_texts_made_to_share_a_hash_are_told_apart(registry, monkeypatch):
    monkeypatch.setattr("schema_mcp.registries.embedded.stored.md5_of", lambda *_: b"x" * 16)
    await registry.register(Subject("a"), Schema('"int"'))

    with pytest.raises(RegistryError, match="same hash"):
        await registry.register(Subject("b"), Schema('"long"'))
    assert await registry.subjects() == [Subject("a")]


async def test_an_unknown_id_after_a_purge_stays_unknown(registry):
    version = await registry.register(ORDERS, ORDER)
    await registry.delete_subject(ORDERS)
    assert await registry.schema(version.id) == ORDER

    await registry.delete_subject(ORDERS, permanent=True)

    assert await registry.schema(version.id) is None
    assert (await registry.register(ORDERS, ORDER)).id == version.id + 1
