"""The part of the contract about schemas: keep them, list them, find them, judge them, delete them."""

from uuid import uuid4

import pytest

from schema_mcp.domain.errors import IncompatibleError, InvalidSchemaError, NotFoundError, RegistryError
from schema_mcp.domain.identity import guid_of
from schema_mcp.domain.schema import Schema, SchemaType, Subject
from schema_mcp.registries.contract import Capability, Registry
from schema_mcp.testing.samples import (
    HOSTILE_NAMES,
    ODD_NAMES,
    UNUSED_ID,
    fresh,
    grown,
    is_same,
    needs,
    purge,
    record,
    there,
)


class KeepsSchemas:
    """What is registered is found again, and nothing else is."""

    async def test_it_says_what_it_is(self, registry: Registry) -> None:
        info = await registry.info()

        assert info.product
        assert info.version
        assert {"AVRO", "JSON", "PROTOBUF"} <= set(await registry.types())
        assert await registry.deployment() == await registry.deployment()

    async def test_a_registered_schema_is_read_back(self, registry: Registry) -> None:
        subject, schema = fresh(), record("id")

        registered = await registry.register(subject, schema)

        assert (registered.subject, registered.number) == (subject, 1)
        for read in (await registry.version(subject), await registry.version(subject, 1)):
            assert read is not None
            assert (read.subject, read.number, read.id) == (subject, 1, registered.id)
            assert is_same(read.schema, schema)
        assert is_same(await registry.schema(registered.id), schema)
        assert await registry.holders(registered.id) == [(subject, 1)]

    async def test_registering_twice_gives_the_same_version(self, registry: Registry) -> None:
        subject, schema = fresh(), record("id")

        first = await registry.register(subject, schema)
        again = await registry.register(subject, schema)

        assert (again.id, again.number) == (first.id, first.number)
        assert await registry.numbers(subject) == [1]

    async def test_versions_count_up_and_the_latest_is_the_newest(self, registry: Registry) -> None:
        subject, schema = fresh(), record("id")

        first = await registry.register(subject, schema)
        second = await registry.register(subject, grown(schema, "note="))

        assert await registry.numbers(subject) == [1, 2]
        assert second.id > first.id
        latest = await registry.version(subject)
        assert latest is not None
        assert (latest.number, latest.id) == (2, second.id)

    async def test_one_content_has_one_id(self, registry: Registry) -> None:
        one, other, schema = fresh("a"), fresh("b"), record("id")

        first = await registry.register(one, schema)
        second = await registry.register(other, schema)

        assert second.id == first.id
        assert sorted(await registry.holders(first.id)) == sorted([(one, 1), (other, 1)])

    async def test_what_is_not_there_is_none_or_empty(self, registry: Registry) -> None:
        unknown, known = fresh("unknown"), fresh("known")
        await registry.register(known, record("id"))

        assert await registry.version(unknown) is None
        assert await registry.version(known, 99) is None
        assert await registry.numbers(unknown) == []
        assert await registry.schema(UNUSED_ID) is None
        assert await registry.holders(UNUSED_ID) == []

    async def test_what_is_not_there_cannot_be_deleted(self, registry: Registry) -> None:
        known = fresh("known")
        await registry.register(known, record("id"))

        with pytest.raises(NotFoundError):
            await registry.delete_subject(fresh("unknown"))
        with pytest.raises(NotFoundError):
            await registry.delete_version(known, 99)

    async def test_a_text_that_is_no_schema_is_refused(self, registry: Registry) -> None:
        subject = fresh()

        with pytest.raises(InvalidSchemaError) as refused:
            await registry.register(subject, Schema("{nonsense"))

        assert refused.value.details["registry"] == registry.name
        assert await registry.numbers(subject) == []

    @pytest.mark.parametrize(
        "schema",
        [
            pytest.param(
                Schema('{"type":"object","properties":{"id":{"type":"integer"}}}', SchemaType.JSON), id="json"
            ),
            pytest.param(
                Schema('syntax = "proto3";\n\nmessage M {\n  int32 a = 1;\n}\n', SchemaType.PROTOBUF), id="proto"
            ),
        ],
    )
    async def test_the_type_of_a_schema_is_kept(self, registry: Registry, schema: Schema) -> None:
        subject = fresh()

        registered = await registry.register(subject, schema)

        read = await registry.version(subject)
        by_id = await registry.schema(registered.id)
        assert read is not None
        assert by_id is not None
        assert (read.schema.type, by_id.type) == (schema.type, schema.type)

    async def test_a_schema_is_found_by_its_guid(self, registry: Registry) -> None:
        subject, schema = fresh(), record("id")
        kept = await there(registry, await registry.register(subject, schema))
        guid, unknown = guid_of(kept.schema), str(uuid4())

        assert is_same(await registry.by_guid(guid), schema)
        assert await registry.ids(guid) == {".": kept.id}
        assert (await registry.by_guid(unknown), await registry.ids(unknown)) == (None, {})

    @needs(Capability.SOFT_DELETE, Capability.BULK_LISTING)
    async def test_a_soft_deleted_schema_is_found_by_its_guid(self, registry: Registry) -> None:
        subject, schema = fresh(), record("id")
        kept = await there(registry, await registry.register(subject, schema))

        await registry.delete_subject(subject)

        assert is_same(await registry.by_guid(guid_of(kept.schema)), schema)

    @pytest.mark.parametrize("name", HOSTILE_NAMES)
    async def test_any_name_stays_one_name(self, registry: Registry, name: str) -> None:
        await self._keeps_name(registry, name)

    @needs(Capability.ODD_NAMES)
    async def test_slashes_and_dots_are_ordinary_parts_of_a_name(self, registry: Registry) -> None:
        for name in ODD_NAMES:
            await self._keeps_name(registry, name)

    @needs(Capability.STARS)
    async def test_a_star_in_a_name_stands_for_itself(self, registry: Registry) -> None:
        plain, schema = fresh("orders-value"), record("id")
        starred = Subject(plain.name.removesuffix("value") + "*")
        for one in (schema, grown(schema, "note=")):
            await registry.register(plain, one)
        await registry.register(starred, schema)

        assert await registry.numbers(starred) == [1]
        await purge(registry, starred)
        assert await registry.numbers(plain) == [1, 2]

    async def _keeps_name(self, registry: Registry, name: str) -> None:
        subject, schema = Subject(name), record("id")

        registered = await registry.register(subject, schema)

        assert subject in await registry.subjects(prefix=name)
        assert subject in [holder for holder, _ in await registry.holders(registered.id)]
        read = await registry.version(subject, registered.number)
        assert read is not None
        assert (read.subject, is_same(read.schema, schema)) == (subject, True)
        await purge(registry, subject)
        assert subject not in await registry.subjects(prefix=name, deleted=True)

    # --- finding and judging -----------------------------------------------------------------------------------------

    @needs(Capability.LOOKUP)
    async def test_a_schema_is_found_under_its_subject(self, registry: Registry) -> None:
        subject, schema = fresh(), record("id")
        first = await registry.register(subject, schema)
        await registry.register(subject, grown(schema, "note="))

        found = await registry.lookup(subject, schema)

        assert found is not None
        assert (found.number, found.id) == (1, first.id)
        assert await registry.lookup(subject, record("other")) is None
        assert await registry.lookup(fresh("unknown"), schema) is None

    @needs(Capability.COMPATIBILITY, Capability.CONFIG)
    async def test_a_breaking_schema_is_refused_with_the_registrys_words(self, registry: Registry) -> None:
        subject, schema = fresh(), record("id")
        await registry.set_config(subject, {"compatibility": "BACKWARD"})
        await registry.register(subject, schema)
        breaking = grown(schema, "needed")

        verdict = await registry.check(subject, breaking)
        against_first = await registry.check(subject, breaking, number=1)
        with pytest.raises(IncompatibleError) as refused:
            await registry.register(subject, breaking)

        assert (verdict.compatible, against_first.compatible) == (False, False)
        assert refused.value.details["registry"] == registry.name
        assert await registry.numbers(subject) == [1]

    @needs(Capability.COMPATIBILITY, Capability.CONFIG, Capability.EXPLANATIONS)
    async def test_a_verdict_says_why(self, registry: Registry) -> None:
        subject, schema = fresh(), record("id")
        await registry.set_config(subject, {"compatibility": "BACKWARD"})
        await registry.register(subject, schema)

        assert (await registry.check(subject, grown(schema, "needed"))).messages

    @needs(Capability.COMPATIBILITY)
    async def test_what_fits_is_called_compatible(self, registry: Registry) -> None:
        subject, schema = fresh(), record("id")

        assert (await registry.check(fresh("unknown"), schema)).compatible
        await registry.register(subject, schema)
        assert (await registry.check(subject, grown(schema, "note="))).compatible
        assert (await registry.check(subject, grown(schema, "note="), number="latest")).compatible
        assert await registry.numbers(subject) == [1]

    # --- deleting ----------------------------------------------------------------------------------------------------

    @needs(Capability.SOFT_DELETE)
    async def test_a_soft_deleted_version_is_hidden_but_not_gone(self, registry: Registry) -> None:
        subject, schema = fresh(), record("id")
        first = await registry.register(subject, schema)
        await registry.register(subject, grown(schema, "note="))

        await registry.delete_version(subject, 1)

        assert await registry.numbers(subject) == [2]
        assert await registry.version(subject, 1) is None
        assert await registry.numbers(subject, deleted=True) == [1, 2]
        hidden = await registry.version(subject, 1, deleted=True)
        assert hidden is not None
        assert (hidden.id, hidden.deleted) == (first.id, True)
        assert is_same(await registry.schema(first.id), schema)
        assert await registry.holders(first.id) == []
        assert await registry.holders(first.id, deleted=True) == [(subject, 1)]

    @needs(Capability.SOFT_DELETE)
    async def test_listings_show_soft_deleted_versions_when_asked(self, registry: Registry) -> None:
        subject, schema = fresh(), record("id")
        await registry.register(subject, schema)
        await registry.register(subject, grown(schema, "note="))
        await registry.delete_version(subject, 1)

        live = [version async for version in registry.versions(prefix=subject.name)]
        everything = [version async for version in registry.versions(prefix=subject.name, deleted=True)]

        assert [(version.number, version.deleted) for version in live] == [(2, False)]
        assert sorted((version.number, version.deleted) for version in everything) == [(1, True), (2, False)]

    @needs(Capability.SOFT_DELETE)
    async def test_a_subject_is_deleted_softly_first_and_for_good_then(self, registry: Registry) -> None:
        subject, schema = fresh(), record("id")
        await registry.register(subject, schema)
        await registry.register(subject, grown(schema, "note="))

        with pytest.raises(RegistryError):
            await registry.delete_subject(subject, permanent=True)
        assert await registry.numbers(subject) == [1, 2]
        assert await registry.delete_subject(subject) == [1, 2]
        assert subject not in await registry.subjects(prefix=subject.name)
        assert subject in await registry.subjects(prefix=subject.name, deleted=True)
        assert await registry.delete_subject(subject, permanent=True) == [1, 2]
        assert subject not in await registry.subjects(prefix=subject.name, deleted=True)
        assert (await registry.register(subject, schema)).number == 1

    @needs(Capability.SOFT_DELETE)
    async def test_numbers_go_on_after_a_soft_delete(self, registry: Registry) -> None:
        subject = fresh()
        await registry.register(subject, record("id"))
        await registry.delete_version(subject, 1)

        assert (await registry.register(subject, record("id"))).number == 2  # noqa: PLR2004 - the next one
