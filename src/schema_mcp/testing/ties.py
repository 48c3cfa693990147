"""The part of the contract about what hangs on a schema: references, metadata, rules."""

from dataclasses import replace

import pytest

from schema_mcp.domain.errors import ConflictError, InvalidSchemaError
from schema_mcp.domain.schema import Json, Reference, Schema, Subject
from schema_mcp.registries.contract import Capability, Registry
from schema_mcp.testing.samples import fresh, needs, record

OWNER: Json = {"properties": {"owner": "payments"}}
RULES: Json = {
    "domainRules": [
        {"name": "check", "kind": "CONDITION", "mode": "WRITE", "type": "CEL", "expr": "true", "disabled": False}
    ]
}


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
    name = address.text.partition('"name":"')[2].partition('"')[0]
    order = record("id")
    text = order.text.replace("}]}", f'}},{{"name":"to","type":"{name}"}}]}}')
    return replace(order, text=text, references=(Reference(name, str(target), 1),))
