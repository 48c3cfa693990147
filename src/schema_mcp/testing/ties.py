"""The part of the contract about what hangs on a schema: references, metadata, rules."""

from base64 import b64decode
from dataclasses import replace

import pytest

from schema_mcp.domain.errors import ConflictError, InvalidSchemaError
from schema_mcp.domain.schema import Json, Reference, Schema, SchemaType, Subject
from schema_mcp.registries.contract import Capability, Form, Registry, Tag, TagChange
from schema_mcp.testing.samples import fresh, needs, record

PROTO = Schema('syntax = "proto3";\n\nmessage Shipment {\n  int32 a = 1;\n}\n', SchemaType.PROTOBUF)
OWNER: Json = {"properties": {"owner": "payments"}}
CHECK: Json = {"name": "check", "kind": "CONDITION", "mode": "WRITE", "type": "CEL", "expr": "true", "disabled": False}
RULES: Json = {"domainRules": [CHECK]}


class KeepsTies:
    """What hangs on a schema is kept with it and is part of it."""

    @needs(Capability.REFERENCES)
    async def test_references_are_kept_and_known_from_both_ends(self, registry: Registry) -> None:
        address, order = fresh("address"), fresh("order")
        schema = await _referring(registry, address)

        registered = await registry.register(order, schema)

        read = await registry.version(order)
        assert read is not None
        assert read.schema.references == schema.references
        by_id = await registry.schema(registered.id)
        assert by_id is not None
        assert by_id.references == schema.references
        assert set(await registry.referrers(address, 1)) == {registered.id}
        assert set(await registry.referrers(address)) == {registered.id}
        assert await registry.referrers(order) == []

    @needs(Capability.REFERENCES)
    async def test_what_is_referenced_cannot_be_deleted(self, registry: Registry) -> None:
        address, order = fresh("address"), fresh("order")
        await registry.register(order, await _referring(registry, address))

        with pytest.raises(ConflictError):
            await registry.delete_version(address, 1)
        with pytest.raises(ConflictError):
            await registry.delete_subject(address)

        assert await registry.numbers(address) == [1]

    @needs(Capability.REFERENCES)
    async def test_a_reference_to_nothing_is_refused(self, registry: Registry) -> None:
        order = fresh("order")
        schema = replace(record("id"), references=(Reference("Address", fresh("nobody").name, 1),))

        with pytest.raises(InvalidSchemaError):
            await registry.register(order, schema)

        assert await registry.numbers(order) == []

    @needs(Capability.REFERENCES, Capability.SOFT_DELETE, Capability.PAST_REFERRERS)
    async def test_a_soft_deleted_referrer_is_named_when_it_is_asked_for(self, registry: Registry) -> None:
        address, order = fresh("address"), fresh("order")
        registered = await registry.register(order, await _referring(registry, address))

        await registry.delete_subject(order)

        assert await registry.referrers(address, 1, deleted=True) == [registered.id]

    @needs(Capability.REFERENCES, Capability.FORMS)
    async def test_a_schema_is_given_with_what_it_references_put_in(self, registry: Registry) -> None:
        address, order = fresh("address"), fresh("order")
        schema = await _referring(registry, address)
        await registry.register(order, schema)

        resolved = await registry.text(order, Form.RESOLVED)

        assert "street" not in schema.text
        assert resolved
        assert "street" in resolved
        assert await registry.text(fresh("unknown"), Form.RESOLVED) is None

    @needs(Capability.FORMS)
    async def test_a_protobuf_schema_is_given_as_a_descriptor(self, registry: Registry) -> None:
        subject = fresh()
        await registry.register(subject, PROTO)

        serialized = await registry.text(subject, Form.SERIALIZED, 1)

        assert serialized
        assert b"Shipment" in _decoded(serialized)

    @needs(Capability.METADATA)
    async def test_a_version_is_found_by_its_metadata(self, registry: Registry) -> None:
        subject, schema = fresh(), record("id")
        wanted = {"owner": "payments", "domain": "a & b"}
        await registry.register(subject, replace(schema, metadata={"properties": wanted}))
        await registry.register(subject, replace(schema, metadata={"properties": {"owner": "orders"}}))

        found = await registry.by_metadata(subject, wanted)
        newest = await registry.by_metadata(subject, {})

        assert found
        assert newest
        assert (found.number, newest.number) == (1, 2)
        assert await registry.by_metadata(subject, {"owner": "nobody"}) is None
        assert await registry.by_metadata(fresh("unknown"), wanted) is None

    @needs(Capability.TAGS)
    async def test_a_version_is_registered_anew_with_other_tags(self, registry: Registry) -> None:
        subject, schema = fresh(), record("id")
        await registry.register(subject, schema)
        tag = Tag(f"{_name(schema)}.id", "sr_field", ("PII",))

        tagged = await registry.amend(subject, 1, TagChange(added=(tag,)))
        bare = await registry.amend(subject, 2, TagChange(removed=(tag,)))

        assert (tagged.subject, tagged.number, bare.number) == (subject, 2, 3)
        texts = [version.schema.text async for version in registry.versions(prefix=subject.name)]
        assert ["PII" in text for text in texts] == [False, True, False]

    @needs(Capability.TAGS, Capability.METADATA, Capability.RULES)
    async def test_metadata_and_rules_of_a_version_are_changed(self, registry: Registry) -> None:
        subject, extra = fresh(), {**CHECK, "name": "extra"}
        await registry.register(subject, replace(record("id"), rule_set=RULES))

        await registry.amend(subject, 1, TagChange(metadata=OWNER, rules_to_merge={"domainRules": [extra]}))
        await registry.amend(subject, 2, TagChange(rules_to_remove=("check",)))

        merged, left = await registry.version(subject, 2), await registry.version(subject, 3)
        assert merged
        assert merged.schema.metadata
        assert merged.schema.metadata["properties"].items() >= OWNER["properties"].items()
        assert merged.schema.rule_set == {"domainRules": [CHECK, extra]}
        assert left
        assert left.schema.rule_set == {"domainRules": [extra]}

    @needs(Capability.METADATA)
    async def test_metadata_is_kept_and_makes_another_version(self, registry: Registry) -> None:
        subject, schema = fresh(), record("id")
        first = await registry.register(subject, replace(schema, metadata=OWNER))

        second = await registry.register(subject, replace(schema, metadata={"properties": {"owner": "orders"}}))

        assert (second.number, second.id != first.id) == (2, True)
        read = await registry.version(subject, 1)
        assert read is not None
        assert read.schema.metadata == OWNER
        by_id = await registry.schema(first.id)
        assert by_id is not None
        assert by_id.metadata == OWNER

    @needs(Capability.RULES)
    async def test_rules_are_kept(self, registry: Registry) -> None:
        subject = fresh()

        registered = await registry.register(subject, replace(record("id"), rule_set=RULES))

        read = await registry.version(subject)
        assert read is not None
        assert read.schema.rule_set == RULES
        by_id = await registry.schema(registered.id)
        assert by_id is not None
        assert by_id.rule_set == RULES


async def _referring(registry: Registry, target: Subject) -> Schema:
    """A schema that uses the one under `target`, which it registers."""
    address = record("street")
    await registry.register(target, address)
    name = _name(address)
    order = record("id")
    text = order.text.replace("}]}", f'}},{{"name":"to","type":"{name}"}}]}}')
    return replace(order, text=text, references=(Reference(name, str(target), 1),))


def _decoded(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except ValueError:
        return b""


def _name(record: Schema) -> str:
    return record.text.partition('"name":"')[2].partition('"')[0]
