"""Levels over an estate: which histories keep them, from a registry and from the store."""

import csv
import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from schema_mcp.domain.schema import Reference, Schema, SchemaType, Subject
from services.conftest import OURS, kept_open
from services.world import V1, V2, World, record

LOOSE = {"compatibility": "NONE"}
PROTO = 'syntax = "proto3";\npackage shop;\n\nmessage Paid {\n  int64 id = 1;\n}\n'


@pytest.fixture
async def estate(tmp_path: Path) -> AsyncGenerator[World]:
    """Five subjects in `dev`: `orders-value` breaks BACKWARD, `orders-key` only its transitive form."""
    async with kept_open(tmp_path, OURS) as world:
        dev = world.registry()
        for name, texts in {
            "orders-value": [V1, record("id:long", "total:double")],
            "orders-key": [V1, V2, record("id:long", "note:string")],
            "customer": [record("id:long", name="Customer")],
        }.items():
            await dev.set_config(Subject(name), LOOSE)
            for text in texts:
                await dev.register(Subject(name), Schema(text))
        user = '{"type":"record","name":"User","namespace":"shop","fields":[{"name":"c","type":"shop.Customer"}]}'
        await dev.register(Subject("users"), Schema(user, references=(Reference("shop.Customer", "customer", 1),)))
        await dev.register(Subject("paid", ".eu"), Schema(PROTO, SchemaType.PROTOBUF))
        yield world


async def bulk(world: World, **arguments: Any) -> dict[str, Any]:
    return (await world.read("check_compatibility_bulk", arguments)).model_dump(mode="json", exclude_none=True)


def written(told: dict[str, Any]) -> str:
    return Path(told["file"]).read_text(encoding="utf-8")


async def test_an_estate_is_counted_by_level_and_by_the_beginning_of_names(estate: World):
    told = await bulk(estate, level="BACKWARD")
    assert (told["compatible"], told["subjects"], told["versions"], told["keeping"]) == (False, 5, 8, 4)
    assert told["would_keep"] == {
        "BACKWARD": 4, "BACKWARD_TRANSITIVE": 3, "FORWARD": 5, "FORWARD_TRANSITIVE": 5, "FULL": 4, "FULL_TRANSITIVE": 3,
        "NONE": 5,
    }  # fmt: skip
    assert told["prefixes"][0] == {"prefix": "orders", "subjects": 2, "breaking": 1}
    assert told["in_force"] == {"BACKWARD": 2, "NONE": 3}


async def test_a_broken_history_names_its_first_pair_and_reason(estate: World):
    (row,) = (await bulk(estate, level="BACKWARD"))["histories"]
    assert (row["subject"], row["at_version"], row["first"]["version"], row["strictest"]) == (
        "orders-value", 2, 1, "FORWARD_TRANSITIVE",
    )  # fmt: skip
    assert "total" in row["first"]["message"]


async def test_without_a_level_each_history_is_held_to_its_own(estate: World):
    told = await bulk(estate)
    assert told["compatible"]
    assert "level" not in told
    assert told["histories"] == []


async def test_a_history_that_keeps_the_level_is_shown_when_asked_for(estate: World):
    told = await bulk(estate, level="FULL_TRANSITIVE", prefix="u", breaking_only=False)
    assert [(row["subject"], row["keeps"], row["strictest"]) for row in told["histories"]] == [
        ("users", True, "FULL_TRANSITIVE")
    ]


@pytest.mark.parametrize(
    ("selection", "subjects"),
    [
        ({"prefix": "orders"}, 2),
        ({"context": ".eu"}, 1),
        ({"subjects": ["customer"]}, 1),
        ({"prefix": "nothing"}, 0),
    ],
)
async def test_only_what_was_selected_is_judged(estate: World, selection: dict[str, Any], subjects: int):
    assert (await bulk(estate, level="FULL", **selection))["subjects"] == subjects


async def test_the_store_is_judged_without_asking_a_registry(estate: World):
    await estate.register(V1, Subject("stored"))
    told = await bulk(estate, source="store", level="FULL_TRANSITIVE")
    assert (told["source"], told["subjects"]) == ("the store", 1)


async def test_every_row_goes_to_a_csv_file_that_no_spreadsheet_runs(estate: World):
    await estate.registry().register(Subject("=cmd()"), Schema('"string"'))
    told = await bulk(estate, to_file="csv", breaking_only=False, limit=1)
    rows = list(csv.DictReader(written(told).splitlines()))
    assert [row["subject"] for row in rows] == ["'=cmd()", "customer", "orders-key", "orders-value", "paid", "users"]
    assert len(told["histories"]) == 1


async def test_every_row_goes_to_a_json_file(estate: World):
    told = await bulk(estate, level="BACKWARD", to_file="json")
    (row,) = json.loads(written(told))
    assert (row["subject"], row["breaks"], "total" in row["reason"]) == ("orders-value", 1, True)


async def test_a_page_of_rows_leads_to_the_next(estate: World):
    first = await bulk(estate, breaking_only=False, limit=3)
    second = await bulk(estate, breaking_only=False, limit=3, cursor=first["cursor"])
    names = [row["subject"] for told in (first, second) for row in told["histories"]]
    assert names == ["customer", "orders-key", "orders-value", "paid", "users"]
    assert (first["total"], "cursor" in second) == (5, False)


async def test_judging_an_estate_writes_nothing(estate: World):
    before = await estate.traces()
    await bulk(estate, level="FULL_TRANSITIVE")
    assert await estate.traces() == before
