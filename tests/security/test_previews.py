"""What a preview of something destructive tells is what then happens: which requests are sent, and what is gone."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from fakes.confluent import FakeConfluent
from schema_mcp.domain.errors import StalePlanError
from schema_mcp.domain.schema import Schema, Subject
from schema_mcp.toolkit.tool import Effect
from schema_mcp.tools import CATALOGUE
from services.asking import ask
from services.confluent import reached_over_rest
from services.conftest import world  # noqa: F401 - the fixture
from services.world import ORDERS, V1, V2, World

Version = tuple[str, int, int]
"""Subject, number, id."""

EU = Subject("payments", ".eu")


def live(fake: FakeConfluent, *, deleted: bool = False) -> set[Version]:
    return {(one.subject, one.version, one.id) for one in fake.matching(":*:", deleted=deleted)}


def writes(fake: FakeConfluent) -> list[tuple[str, str]]:
    """What was sent that changes something; deleting a context tidies its settings up, too."""
    changing = [one for one in fake.requests if one[0] in ("PUT", "DELETE") or one[1].endswith("/versions")]
    return [one for one in changing if one[0] != "GET" and not one[1].startswith("/compatibility")]


def of_versions(told: Any) -> set[Version]:
    return {(_wire(told.subject, told.context), row.version, row.id) for row in told.versions}


def _wire(subject: str, context: str) -> str:
    return subject if context == "default" else f":.{context}:{subject}"


async def _soft(there: World) -> dict[str, Any]:
    return {"subject": ORDERS.name}


async def _for_good(there: World) -> dict[str, Any]:
    await there.registry().delete_subject(ORDERS)
    return {"subject": ORDERS.name, "permanent": True}


async def _one_version(there: World) -> dict[str, Any]:
    return {"subject": ORDERS.name, "version": 1}


async def _one_version_for_good(there: World) -> dict[str, Any]:
    await there.registry().delete_version(ORDERS, 1)
    return {"subject": ORDERS.name, "version": 1, "permanent": True}


async def _batch(there: World) -> dict[str, Any]:
    return {"context": "eu"}


async def _batch_for_good(there: World) -> dict[str, Any]:
    for name in ("payments", "refunds"):
        await there.registry().delete_subject(Subject(name, ".eu"))
    return {"context": "eu", "permanent": True}


async def _deployed(there: World) -> dict[str, Any]:
    """A deployment to take back: two versions of a subject that only the store had."""
    await ask(there, "store_schema", subject="new", schema_text=V1)
    await ask(there, "store_schema", subject="new", schema_text=V2)
    plan = await ask(there, "plan_deployment", subjects=["new"], registries=["dev"])
    done = await ask(there, "apply_plan", plan=plan.plan, wait=30)
    assert done.status == "succeeded"
    return {"task": done.task}


Prepare = Callable[[World], Awaitable[dict[str, Any]]]
CASES: dict[str, tuple[str, Prepare, bool]] = {
    "subject": ("delete_subject", _soft, False),
    "subject for good": ("delete_subject", _for_good, True),
    "version": ("delete_schema_version", _one_version, False),
    "version for good": ("delete_schema_version", _one_version_for_good, True),
    "batch": ("clear_context_batch", _batch, False),
    "batch for good": ("clear_context_batch", _batch_for_good, True),
    "rollback": ("rollback_change", _deployed, True),
}


def expected(tool: str, told: Any, there: set[Version]) -> tuple[set[tuple[str, str]], set[Version]]:
    """What a preview says will be sent, and what will be gone; modes are switched around what carries ids."""
    match tool:
        case "delete_subject":
            return {("DELETE", f"/subjects/{told.subject}")}, of_versions(told)
        case "delete_schema_version":
            numbers = [row.version for row in told.versions]
            return {("DELETE", f"/subjects/{told.subject}/versions/{one}") for one in numbers}, of_versions(told)
        case "clear_context_batch":
            names = [f":.{told.context}:{name}" for name in told.subjects]
            gone = {one for one in there if one[0] in names}
            assert told.versions == len(gone)
            return {("DELETE", f"/subjects/{name.replace(':', '%3A')}") for name in names}, gone
        case _:
            rows = {(row.subject, row.version) for row in told.preview.steps}
            gone = {one for one in there if one[:2] in rows}
            paths = {f"/subjects/{name}/versions/{number}" for name, number in rows} | {"/subjects/new"}
            return {("DELETE", path) for path in paths}, gone  # with its last version the subject itself goes


@pytest.mark.parametrize(("tool", "prepare", "for_good"), CASES.values(), ids=CASES)
async def test_what_was_shown_is_what_happens(
    tool: str,
    prepare: Prepare,
    for_good: bool,
    world: World,  # noqa: F811
):
    fake = FakeConfluent()
    there = reached_over_rest(world, {"dev": fake})
    for subject, text in ((ORDERS, V1), (ORDERS, V2), (EU, V1), (Subject("refunds", ".eu"), V1)):
        await there.registry().register(subject, Schema(text))
    arguments = await prepare(there)
    before = live(fake, deleted=for_good)
    fake.requests.clear()

    told = await ask(there, tool, **arguments)
    assert writes(fake) == []
    plan = told.preview.plan if tool == "rollback_change" else told.plan
    await ask(there, tool, **arguments, plan=plan)

    sent, gone = expected(tool, told, before)
    assert before - live(fake, deleted=for_good) == gone != set()
    assert {one for one in writes(fake) if not one[1].startswith("/mode")} == sent


async def test_an_empty_context_goes_with_the_settings_that_were_shown(world: World):  # noqa: F811
    fake = FakeConfluent()
    there = reached_over_rest(world, {"dev": fake})
    await there.registry().register(EU, Schema(V1))
    await there.registry().set_config(Subject("", ".eu"), {"compatibility": "FULL"})
    await there.registry().delete_subject(EU)
    await there.registry().delete_subject(EU, permanent=True)
    fake.requests.clear()

    told = await ask(there, "delete_context", context="eu")
    assert (writes(fake), told.level, told.mode) == ([], "FULL", None)
    await ask(there, "delete_context", context="eu", plan=told.plan)

    assert fake.contexts == {"."}
    assert ("config", ":.eu:") not in fake.settings
    assert {path.split("/")[1] for _, path in writes(fake)} <= {"config", "mode", "contexts"}


async def test_settings_go_as_shown_and_only_with_the_preview_that_still_holds(world: World):  # noqa: F811
    fake = FakeConfluent()
    there = reached_over_rest(world, {"dev": fake})
    await there.registry().register(ORDERS, Schema(V1))
    await there.registry().set_config(ORDERS, {"compatibility": "FULL"})
    fake.requests.clear()

    told = await ask(there, "delete_config", subject=ORDERS.name)
    assert (writes(fake), told.before["compatibilityLevel"], told.after) == ([], "FULL", {})
    await there.registry().set_config(ORDERS, {"compatibility": "FORWARD"})
    fake.requests.clear()
    with pytest.raises(StalePlanError):
        await ask(there, "delete_config", subject=ORDERS.name, plan=told.plan)
    assert writes(fake) == []
    again = await ask(there, "delete_config", subject=ORDERS.name)
    done = await ask(there, "delete_config", subject=ORDERS.name, plan=again.plan)

    assert (done.before["compatibilityLevel"], done.plan) == ("FORWARD", None)
    assert writes(fake) == [("DELETE", "/config/orders-value")]
    assert ("config", "orders-value") not in fake.settings


def test_every_destructive_tool_is_looked_at():
    destroy = {tool.name for tool in CATALOGUE.values() if tool.effect is Effect.DESTROYS}
    without_plan = {name for name in destroy if "plan" not in CATALOGUE[name].request.model_fields}

    assert destroy == {tool for tool, *_ in CASES.values()} | {"delete_context", "delete_config"}
    assert without_plan == set()
