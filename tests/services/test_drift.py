"""Where store and registries disagree, each kind of it, and what never counts as "in sync"."""

from dataclasses import replace

import pytest

from schema_mcp.domain.drift import Drift, Kind
from schema_mcp.domain.errors import RegistryError
from schema_mcp.domain.schema import Level, Mode, Schema, SchemaType, Subject
from schema_mcp.services import drift
from schema_mcp.services.registration import Stop
from schema_mcp.services.selection import Selection
from schema_mcp.stores.schemastore import AddVersion
from services.world import ANN, ORDERS, V1, V2, World, record


async def found(world: World, *names: str) -> list[Drift]:
    registries = [world.registry(name) for name in names or ("dev",)]
    return [one for sides in await drift.swept(registries, world.store, Selection()) for one in sides.drift]


async def kinds(world: World, *names: str) -> list[Kind]:
    return [one.kind for one in await found(world, *names)]


async def put(world: World, schema: Schema, *, schema_id: int = 10_001, number: int = 1) -> None:
    dev = world.registry()
    await dev.set_mode(ORDERS, Mode.IMPORT, force=True)
    await dev.register(ORDERS, schema, schema_id=schema_id, number=number)
    await dev.delete_mode(ORDERS)


async def test_what_was_registered_is_in_sync(world: World):
    await world.register()

    assert await found(world) == []


async def test_a_version_the_registry_lacks_is_missing(world: World):
    await world.register(stop=Stop.COMMIT)

    assert await kinds(world) == [Kind.MISSING]


async def test_a_version_the_store_lacks_is_extra(world: World):
    await world.registry().register(ORDERS, Schema(V1))

    assert await kinds(world) == [Kind.EXTRA]


async def test_a_subject_beyond_its_targets_is_extra(world: World):
    await world.register()
    await world.wish(targets=("prod",))

    assert await kinds(world) == [Kind.EXTRA]
    assert await kinds(world, "prod") == [Kind.MISSING]


async def test_a_retired_version_that_still_stands_is_extra(world: World):
    await world.register()
    await world.register(V2)
    await world.retire(ORDERS, 1)

    assert [(one.kind, one.number) for one in await found(world)] == [(Kind.EXTRA, 1)]


async def test_another_id_is_told(world: World):
    await world.register(stop=Stop.COMMIT)
    await put(world, Schema(V1), schema_id=7)

    assert await kinds(world) == [Kind.IDENTITY]


@pytest.mark.parametrize(
    ("there", "kind", "detail"),
    [
        pytest.param(Schema(record("x:long")), Kind.CONTENT, "the text differs", id="text"),
        pytest.param(Schema('{"type":"object"}', SchemaType.JSON), Kind.CONTENT, "AVRO in the store", id="language"),
        pytest.param(
            Schema(V1, metadata={"properties": {"owner": "bob"}}), Kind.METADATA, "metadata or rule set", id="metadata"
        ),
    ],
)
async def test_other_content_is_told_exactly(world: World, there: Schema, kind: Kind, detail: str):
    await world.register(stop=Stop.COMMIT)
    await put(world, there)

    (one,) = await found(world)
    assert one.kind is kind
    assert detail in one.detail
    assert one.matters


async def test_another_spelling_is_cosmetic_and_fails_nobody(world: World):
    ours = '{"type":"object","title":"t","properties":{"b":{"type":"string"},"a":{"type":"string"}}}'
    theirs = '{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"}},"title":"t"}'
    await world.register(ours, kind=SchemaType.JSON, stop=Stop.COMMIT)
    await put(world, Schema(theirs, SchemaType.JSON))

    (one,) = await found(world)
    assert one.kind is Kind.COSMETIC
    assert not one.matters
    assert (await world.plan("dev")).blocked == ()


async def test_declared_settings_are_compared_and_others_are_not(world: World):
    await world.register()
    await world.registry().set_config(ORDERS, {"compatibility": "FULL"})
    assert await found(world) == []

    await world.wish(level=Level.BACKWARD_TRANSITIVE, mode=Mode.READONLY)
    assert await kinds(world) == [Kind.SETTINGS, Kind.SETTINGS]

    await world.apply(await world.plan("dev"))
    assert await found(world) == []


async def test_contexts_are_kept_apart(world: World):
    await world.register(V1, Subject("orders-value", ".eu"))
    await world.registry().register(ORDERS, Schema(V1))

    assert [(str(one.subject), one.kind) for one in await found(world)] == [("orders-value", Kind.EXTRA)]


async def test_a_registry_that_does_not_answer_is_an_error(world: World, monkeypatch: pytest.MonkeyPatch):
    await world.register()

    async def away(**_: object):
        raise RegistryError("prod does not answer")
        yield

    monkeypatch.setattr(world.registry("prod"), "versions", away)

    with pytest.raises(RegistryError, match="prod does not answer"):
        await found(world, "dev", "prod")
    with pytest.raises(RegistryError, match="prod does not answer"):
        await world.plan("dev", "prod")


async def test_a_commit_by_hand_is_seen_at_once(world: World):
    await world.register()
    stored = world.store.version(ORDERS, 1)
    assert stored
    version = replace(stored.version, subject=Subject("by-hand"))
    await world.store.commit([AddVersion(replace(stored, version=version))], "By hand", ANN)

    assert [(one.subject.name, one.kind) for one in await found(world)] == [("by-hand", Kind.MISSING)]


async def test_a_few_subjects_by_name_are_all_that_is_asked_for(world: World, monkeypatch: pytest.MonkeyPatch):
    await world.register()
    await world.register(V1, Subject("orders-value", ".eu"), stop=Stop.COMMIT)
    await world.registry().register(Subject("orders-value-2"), Schema(V1))
    dev, asked = world.registry(), list[dict[str, object]]()
    listing = dev.versions

    def versions(**wanted: object):
        asked.append(wanted)
        return listing(**wanted)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(dev, "versions", versions)
    chosen = Selection((ORDERS, Subject("orders-value", ".eu")))

    (seen,) = await drift.swept([dev], world.store, chosen)

    assert [(str(one.subject), one.kind) for one in seen.drift] == [(":.eu:orders-value", Kind.MISSING)]
    assert [(one["prefix"], one["context"]) for one in asked] == [("orders-value", "."), ("orders-value", ".eu")]
