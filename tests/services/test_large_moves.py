"""What thousands of subjects take to plan and to look at, with all of them using one: other calls go on meanwhile."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from schema_mcp.domain.schema import Reference, Subject, Version
from schema_mcp.registries.embedded import registration
from schema_mcp.registries.embedded.core import Core
from schema_mcp.registries.embedded.drafts import Draft
from schema_mcp.registries.embedded.session import Session
from schema_mcp.services.digests import stored_digest
from schema_mcp.stores.schemastore import AddVersion, StoredVersion
from services.test_large_plans import stretches
from services.world import ANN, World, embedded, world_at

USERS = 2_000
LONGEST = 0.08
"""Seconds of computing that nobody may keep the event loop for; a third of it is usual."""

MONEY = Subject("money")
MONEY_1 = '{"type":"record","name":"Money","namespace":"shop","fields":[]}'
MONEY_2 = '{"type":"record","name":"Money","namespace":"shop","doc":"Cents.","fields":[]}'


def user(number: int) -> tuple[Subject, Draft]:
    record = {"type": "record", "name": f"R{number}", "namespace": "shop"}
    text = json.dumps({**record, "fields": [{"name": "price", "type": "shop.Money"}]})
    return Subject(f"orders-{number:05}"), Draft(text, references=(Reference("shop.Money", MONEY.name, 1),))


def fill(session: Session) -> list[Version]:
    subjects = [(MONEY, Draft(MONEY_1)), *map(user, range(USERS))]
    return [registration.register(session, subject, draft) for subject, draft in subjects]


@asynccontextmanager
async def large(folder: Path) -> AsyncGenerator[World]:
    core = Core(folder / "dev.sqlite")
    made = await core.change(fill)
    core.close()
    async with world_at(folder, embedded("dev", "prod")) as world:
        records = [StoredVersion(one, None, (), "", "Ann", "", (), stored_digest(one.schema)) for one in made]
        await world.store.commit([AddVersion(one) for one in records], "Fill", ANN)
        yield world


async def test_plans_and_questions_about_many_users_keep_no_other_call_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    longest: dict[str, float] = {}

    async def measured(world: World, tool: str, **arguments: Any) -> dict[str, Any]:
        with stretches(monkeypatch) as found:
            told = await world.read(tool, arguments)
        longest[tool] = max(found)
        return told.model_dump()

    async with large(tmp_path) as world:
        bumped = await measured(world, "plan_reference_update", subject="money", schema_text=MONEY_2)
        moved = await measured(world, "plan_migration", source="dev", target="prod")
        await measured(world, "plan_compatibility_change", level="FULL_TRANSITIVE", registry="dev")
        await measured(world, "audit_ids")
        await measured(world, "get_references", subject="money", direction="used_by")
        await measured(world, "delete_subject", subject="money")

    assert (bumped["total"], moved["total"] >= USERS) == (2 * (USERS + 1), True)
    assert {tool: taken for tool, taken in longest.items() if taken > LONGEST} == {}
