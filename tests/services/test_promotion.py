"""From stage to stage: the same versions under the same ids, each stage by its own rules, all of it or nothing."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from fakes.confluent import FakeConfluent
from schema_mcp.domain.errors import NotFoundError, ReadOnlyError
from schema_mcp.domain.schema import Mode, Reference, Schema, SchemaType, Subject
from schema_mcp.registries.contract import Capability, Registry
from services.confluent import reached_over_rest
from services.conftest import kept_open
from services.moves import dump, fill, put, using
from services.world import BREAKING, ORDERS, V1, V2, V3, World, embedded, record

STAGES = embedded("dev", "staging", "prod", "shut", shut="readonly: true")
CUSTOMER = Subject("customer")


@pytest.fixture
async def stages(tmp_path: Path) -> AsyncGenerator[World]:
    async with kept_open(tmp_path, STAGES) as opened:
        yield opened


async def promoted(world: World, source: str, target: str, subject: Subject = ORDERS, **more: Any) -> dict[str, Any]:
    told = await world.read("promote_schema", {"source": source, "target": target, "subject": subject.name, **more})
    return {**told.model_dump(), "exit_code": getattr(told, "exit_code", 0)}


async def in_dev(world: World, *texts: str, level: str = "BACKWARD") -> None:
    dev = world.registry("dev")
    await dev.set_config(ORDERS, {"compatibility": level})
    for text in texts:
        await dev.register(ORDERS, Schema(text))


async def test_versions_go_from_stage_to_stage_each_when_it_is_told_to(stages: World):
    await in_dev(stages, V1, V2)

    early = await promoted(stages, "dev", "staging", version=1)
    late = await promoted(stages, "dev", "staging")
    last = await promoted(stages, "staging", "prod", version=1)

    assert [one["status"] for one in (early, late, last)] == ["succeeded"] * 3
    assert [list(await stages.held(name)) for name in ("dev", "staging", "prod")] == [[1, 2], [1, 2], [1]]
    assert await stages.held("staging") == await stages.held("dev")
    assert await stages.registry("staging").config(ORDERS) is None  # a stage keeps its own rules
    with pytest.raises(NotFoundError, match="version 3"):
        await promoted(stages, "staging", "prod", version=3)


async def test_what_a_stage_skipped_is_not_in_the_way_of_the_next(stages: World):
    await in_dev(stages, V1)
    await promoted(stages, "dev", "staging")
    await in_dev(stages, V2, V3)

    await promoted(stages, "dev", "staging")
    told = await promoted(stages, "staging", "prod")

    assert (told["status"], told["done"]) == ("succeeded", 3)
    assert await stages.held("prod") == await stages.held("dev")


async def test_a_subject_is_promoted_with_what_it_references(stages: World):
    await fill(stages.registry("dev"), 2, 3, (".",))
    subject = Subject("orders.001-value")

    shown = await promoted(stages, "dev", "prod", subject, version=2, dry_run=True)
    assert (shown["status"], shown["total"], stages.registry("prod").writes) == (None, 3, 0)
    first = await promoted(stages, "dev", "prod", subject, version=2)
    second = await promoted(stages, "dev", "prod", subject)

    assert [(one["status"], one["done"]) for one in (first, second)] == [("succeeded", 3), ("succeeded", 1)]
    assert await stages.held("prod", subject) == await stages.held("dev", subject)
    assert await stages.held("prod", Subject("orders.000-value")) == {}
    assert (await promoted(stages, "dev", "prod", subject))["next"] == "Nothing to do."


async def test_where_the_store_does_not_send_a_subject_is_told(stages: World):
    await stages.register()
    await stages.wish(targets=("dev",))

    told = await promoted(stages, "dev", "prod")

    assert told["status"] == "succeeded"
    assert "extra" in told["warnings"][0]


async def stricter(target: Registry) -> None:
    await put(target, ORDERS, V1, 1)
    await target.set_config(ORDERS, {"compatibility": "FULL"})


async def closed_subject(target: Registry) -> None:
    await put(target, ORDERS, V1, 1)
    await target.set_mode(ORDERS, Mode.READONLY)


async def closed(target: Registry) -> None:
    await target.set_mode(Subject(""), Mode.READONLY)


async def other_content(target: Registry) -> None:
    await put(target, ORDERS, record("name:string", name="Other"), 1)


async def id_taken(target: Registry) -> None:
    await put(target, Subject("others"), record("name:string", name="Other"), 2)


async def nothing(target: Registry) -> None:
    pass


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        pytest.param(nothing, "by BACKWARD, with version 1", id="the level that it inherits"),
        pytest.param(stricter, "by FULL, with version 1", id="its own level"),
        pytest.param(closed_subject, "READONLY", id="its mode"),
        pytest.param(closed, "READONLY", id="the mode of its registry"),
        pytest.param(other_content, "other content", id="another content under the number"),
        pytest.param(id_taken, "id 2, of others v1", id="another content under the id"),
    ],
)
async def test_a_stage_that_refuses_gets_nothing(
    stages: World, found: Callable[[Registry], Awaitable[None]], reason: str
):
    await in_dev(stages, V1, BREAKING, level="NONE")
    staging = stages.registry("staging")
    await found(staging)
    before = await dump(staging)

    told = await promoted(stages, "dev", "staging")

    assert (told["status"], told["exit_code"]) == (None, 4)
    assert reason in " ".join(row["found"] for row in told["rows"])
    assert all(row["detail"] for row in told["rows"][: told["blocked"]])  # the way on
    assert await dump(staging) == before


async def test_a_stage_that_is_closed_by_configuration_is_not_even_planned(stages: World):
    await in_dev(stages, V1)

    with pytest.raises(ReadOnlyError, match="shut"):
        await promoted(stages, "dev", "shut", dry_run=True)


@pytest.mark.parametrize(
    ("lacks", "said"),
    [
        pytest.param(Capability.REFERENCES, "references", id="references"),
        pytest.param(Capability.METADATA, "metadata", id="metadata"),
    ],
)
async def test_a_stage_whose_product_cannot_keep_it_gets_nothing(world: World, lacks: Capability, said: str):
    stages = {"dev": FakeConfluent(), "staging": FakeConfluent(lacks=frozenset({lacks}))}
    there = reached_over_rest(world, stages)
    dev = there.registry("dev")
    await dev.register(CUSTOMER, Schema(record("id:long", name="Customer")))
    used = (Reference("shop.Customer", CUSTOMER.name, 1),)
    await dev.register(ORDERS, Schema(using("Order").text, SchemaType.AVRO, used, {"properties": {"owner": "ann"}}))

    told = await promoted(there, "dev", "staging")

    assert (told["status"], told["exit_code"]) == (None, 4)
    assert said in told["rows"][0]["found"]
    assert {method for method, _ in stages["staging"].requests} == {"GET"}
