"""Contexts: listed, begun, emptied and deleted, in the registry and in the store."""

from typing import Any

import pytest

from fakes.confluent import FakeConfluent, Kept, Refused
from schema_mcp.domain.caller import Scope
from schema_mcp.domain.errors import (
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    NotPermittedError,
    ReadOnlyError,
    SchemaMcpError,
    StalePlanError,
)
from schema_mcp.domain.schema import Level, Mode, Reference, Schema, Subject
from schema_mcp.registries.contract import Capability
from schema_mcp.services import clearing, contexts
from schema_mcp.services.clearing import Chosen
from services.asking import ask
from services.confluent import answering, dead, reached_over_rest
from services.test_access import as_caller
from services.world import ORDERS, V1, V2, World, silent

EU = ".eu"
CUSTOMER = '{"type":"record","name":"Customer","namespace":"shop","fields":[]}'


def user(subject: str = "customer", version: int = 1) -> Schema:
    text = '{"type":"record","name":"Use","namespace":"shop","fields":[{"name":"c","type":"shop.Customer"}]}'
    return Schema(text, references=(Reference("shop.Customer", subject, version),))


async def subjects_of(world: World, context: str = EU, *, deleted: bool = False) -> list[str]:
    return [one.name for one in await world.registry().subjects(context=context, deleted=deleted)]


# --- list


async def test_contexts_of_registry_and_store_are_listed_with_counts(world: World):
    await world.register(V1)
    await world.register(V1, Subject("orders-value", EU))
    await world.registry().register(Subject("alone", EU), Schema(V2))
    await world.registry().set_config(Subject("", EU), {"compatibility": "FULL"})
    await world.registry().set_mode(Subject("", EU), Mode.READONLY)
    await world.register(V1, Subject("later", ".us"), stop=None, registry="prod")

    told = await ask(world, "list_contexts")

    rows = {row.context: (row.subjects, row.stored, row.level, row.mode, row.listed) for row in told.contexts}
    assert rows == {
        "default": (1, 1, "BACKWARD", Mode.READWRITE, True),
        "eu": (2, 1, "FULL", Mode.READONLY, True),
        "us": (0, 1, "BACKWARD", Mode.READWRITE, False),
    }
    assert (told.total, told.registry) == (3, "dev")


async def test_a_page_of_many_contexts_asks_for_its_own_settings_only(world: World):
    fake = FakeConfluent(contexts={".", *(f".c{number:04}" for number in range(1_000))})
    over = reached_over_rest(world, {"west": fake})

    told = await ask(over, "list_contexts", limit=20)
    more = await ask(over, "list_contexts", limit=20, cursor=told.cursor)

    assert (told.total, len(told.contexts)) == (1_001, 20)
    assert not {row.context for row in told.contexts} & {row.context for row in more.contexts}
    assert len(fake.requests) <= 2 * (2 + 2 * 20) + 1


async def test_a_registry_without_contexts_has_the_default_one(world: World):
    lacks = frozenset({Capability.CONTEXTS, Capability.MODES, Capability.CONFIG})
    over = reached_over_rest(world, {"plain": FakeConfluent(lacks=lacks)})

    assert [row.context for row in (await ask(over, "list_contexts")).contexts] == ["default"]


@pytest.mark.parametrize("broken", [answering(500), answering(401), answering(200, "<p>"), dead()])
async def test_a_registry_that_does_not_answer_is_an_error(world: World, broken: Any):
    over = reached_over_rest(world, {"west": broken})

    for tool, arguments in (("list_contexts", {}), ("delete_context", {"context": "eu"})):
        with pytest.raises(SchemaMcpError):
            await ask(over, tool, **arguments)


# --- create


async def test_a_new_context_is_declared_in_the_store_and_has_its_level_there(world: World):
    told = await ask(world, "create_context", context="eu", level="FULL", reason="new region")

    assert (told.existed, told.level, told.registry) == (False, "FULL", "dev")
    assert world.store.context_wish(EU).level is Level.FULL
    assert await world.registry().config(Subject("", EU)) == {"compatibilityLevel": "FULL"}
    assert told.commit
    assert "register_schema" in told.next
    (commit,) = await world.store.log()
    assert commit.message.startswith("Create context eu (FULL)\n")


async def test_its_first_schema_makes_it_appear(world: World):
    await ask(world, "create_context", context="eu")
    before = await world.registry().contexts()

    await world.register(V1, Subject("orders-value", EU))

    assert (before, await world.registry().contexts()) == (["."], [".", EU])


async def test_a_context_that_exists_is_left_alone(world: World):
    await world.register(V1, Subject("orders-value", EU))
    before = await world.traces()

    told = await ask(world, "create_context", context="eu", level="FULL")

    assert told.existed
    assert (await world.traces())[:2] == before[:2]


async def test_a_level_looser_than_the_one_in_force_needs_an_admin(world: World):
    writer = as_caller(world, Scope.WRITE)

    with pytest.raises(NotPermittedError, match="looser"):
        await ask(writer, "create_context", context="eu", level="NONE")

    assert world.store.head is None
    assert not (await ask(writer, "create_context", context="eu", level="FULL")).existed


@pytest.mark.parametrize("name", ["default", ".", "__GLOBAL", "*"])
async def test_contexts_that_always_exist_can_neither_begin_nor_end(world: World, name: str):
    for tool in ("create_context", "delete_context"):
        with pytest.raises(InvalidRequestError):
            await ask(world, tool, context=name)


async def test_a_closed_registry_and_one_without_contexts_refuse_before_the_commit(world: World):
    with pytest.raises(ReadOnlyError):
        await ask(world, "create_context", context="eu", registry="shut")
    plain = reached_over_rest(world, {"plain": FakeConfluent(lacks=frozenset({Capability.CONTEXTS}))})
    with pytest.raises(InvalidRequestError, match="no contexts"):
        await ask(plain, "create_context", context="eu")

    assert world.store.head is None


# --- delete


async def test_an_empty_context_goes_with_its_wish_and_its_settings(world: World):
    dev, there = world.registry(), Subject("orders-value", EU)
    await ask(world, "create_context", context="eu", level="FULL")
    await dev.register(there, Schema(V1))
    for permanent in (False, True):
        await dev.delete_subject(there, permanent=permanent)

    seen = await ask(world, "delete_context", context="eu")
    assert (seen.done, seen.level, seen.wish, seen.subjects) == (False, "FULL", True, 0)
    assert await dev.contexts() == [".", EU]
    told = await ask(world, "delete_context", context="eu", plan=seen.plan)

    assert told.done
    assert told.commit
    assert await dev.contexts() == ["."]
    assert await dev.config(Subject("", EU)) is None
    assert world.store.contexts() == []


@pytest.mark.parametrize("deleted", [False, True], ids=["live", "soft-deleted"])
async def test_a_context_that_holds_anything_stays(world: World, deleted: bool):
    there = Subject("orders-value", EU)
    await world.registry().register(there, Schema(V1))
    if deleted:
        await world.registry().delete_subject(there)
    seen = await ask(world, "delete_context", context="eu")

    with pytest.raises(ConflictError, match="holds"):
        await ask(world, "delete_context", context="eu", plan=seen.plan)

    assert "clear_context_batch" in seen.next
    assert await world.registry().contexts() == [".", EU]


async def test_what_moved_since_the_preview_is_not_deleted(world: World):
    await ask(world, "create_context", context="eu")
    seen = await ask(world, "delete_context", context="eu")
    await world.registry().set_config(Subject("", EU), {"compatibility": "NONE"})

    with pytest.raises(StalePlanError):
        await ask(world, "delete_context", context="eu", plan=seen.plan)


async def test_a_context_in_a_read_only_mode_stays(world: World):
    await ask(world, "create_context", context="eu")
    await world.registry().set_mode(Subject("", EU), Mode.READONLY)
    seen = await ask(world, "delete_context", context="eu")

    with pytest.raises(ReadOnlyError):
        await ask(world, "delete_context", context="eu", plan=seen.plan)

    assert world.store.context_wish(EU).level


async def test_an_unknown_context_is_refused_with_the_known_ones(world: World):
    await world.registry().register(Subject("a", ".us"), Schema(V1))

    with pytest.raises(NotFoundError) as refused:
        await ask(world, "delete_context", context="eu")

    assert "us" in refused.value.hint


# --- clear


async def a_full_context(world: World) -> None:
    for name in ("b", "a", "c"):
        await world.register(V1, Subject(name, EU))
    await world.register(CUSTOMER, Subject("customer", EU))
    schema = user()
    await world.register(schema.text, Subject("use", EU), references=schema.references)
    await world.register(V1, ORDERS)


async def test_a_context_is_cleared_softly_and_then_for_good(world: World):
    await a_full_context(world)
    for permanent in (False, True):
        seen = await ask(world, "clear_context_batch", context="eu", permanent=permanent)
        assert (seen.done, seen.batch, seen.total, seen.versions) == (False, 5, 5, 5)
        told = await ask(world, "clear_context_batch", context="eu", permanent=permanent, plan=seen.plan)
        assert (told.done, told.deleted, told.failed) == (True, 5, ())

    assert await subjects_of(world, deleted=True) == []
    assert await subjects_of(world, ".") == ["orders-value"]


async def test_the_store_retires_a_batch_in_one_commit_first(world: World):
    await a_full_context(world)
    before = len(await world.store.log())

    seen = await ask(world, "clear_context_batch", context="eu")
    told = await ask(world, "clear_context_batch", context="eu", plan=seen.plan)

    assert len(await world.store.log()) == before + 1
    assert told.commit
    assert all(record.deleted for one in world.store.subjects(EU) for record in world.store.records(one))
    assert not any(record.deleted for record in world.store.records(ORDERS))


async def test_referrers_go_before_what_they_use_whatever_the_batch(world: World):
    await a_full_context(world)
    gone: list[str] = []

    while await subjects_of(world):
        seen = await ask(world, "clear_context_batch", context="eu", limit=1)
        gone += seen.subjects
        done = await ask(world, "clear_context_batch", context="eu", limit=1, plan=seen.plan)
        assert not done.failed

    assert gone.index("use") < gone.index("customer")
    assert len(gone) == 5


async def test_a_subject_that_another_context_references_stands_in_the_way(world: World):
    await world.registry().register(Subject("customer", EU), Schema(CUSTOMER))
    await world.registry().register(Subject("use"), user(":.eu:customer"))

    seen = await ask(world, "clear_context_batch", context="eu")
    with pytest.raises(ConflictError, match="referenced"):
        await ask(world, "clear_context_batch", context="eu", plan=seen.plan)

    assert seen.referenced == (":.eu:customer",)
    assert await subjects_of(world) == ["customer"]


async def test_live_versions_are_never_deleted_for_good_at_once(world: World):
    await a_full_context(world)

    with pytest.raises(InvalidRequestError, match="live"):
        await ask(world, "clear_context_batch", context="eu", permanent=True)


async def test_a_batch_that_moved_is_not_deleted(world: World):
    await a_full_context(world)
    seen = await ask(world, "clear_context_batch", context="eu")
    await world.registry().register(Subject("b", EU), Schema(V2))

    with pytest.raises(StalePlanError):
        await ask(world, "clear_context_batch", context="eu", plan=seen.plan)

    assert len(await subjects_of(world)) == 5


async def test_an_empty_context_has_nothing_to_clear(world: World):
    with pytest.raises(NotFoundError, match="no live subject"):
        await ask(world, "clear_context_batch", context="eu")


async def test_a_preview_writes_nothing(world: World):
    await a_full_context(world)
    before = await world.traces()

    await ask(world, "clear_context_batch", context="eu")
    await ask(world, "delete_context", context="eu")
    await ask(world, "list_contexts")

    assert await world.traces() == before


async def test_what_could_not_be_deleted_is_said_and_can_be_tried_again(world: World):
    class Stubborn(FakeConfluent):
        open = False

        def route(self, method: str, path: list[str], query: dict[str, str], body: Any) -> Any:
            if method == "DELETE" and path[1].endswith(":b") and not self.open:
                raise Refused(50001, "disk full")
            return super().route(method, path, query, body)

    fake = Stubborn()
    over = reached_over_rest(world, {"west": fake})
    for name in "abc":
        await over.registry("west").register(Subject(name, EU), Schema(V1))
    chosen = Chosen(EU, "", permanent=False, most=10)

    seen = await clearing.preview(over.registry("west"), chosen)
    done = await clearing.carry_out(over.ground, seen, seen.digest, over.signed, silent)
    fake.open = True
    rest = await clearing.preview(over.registry("west"), chosen)
    again = await clearing.carry_out(over.ground, rest, rest.digest, over.signed, silent)

    assert (done.deleted, [str(subject) for subject, _ in done.failed]) == (2, [":.eu:b"])
    assert (again.deleted, again.failed) == (1, ())


async def test_many_subjects_are_cleared_in_bounded_batches_with_progress(world: World):
    fake, said = FakeConfluent(), list[float]()
    for number in range(1_500):
        name = f":.eu:s{number:05}"
        fake.subjects[name] = {1: Kept(name, 1, 1, {"schemaType": "AVRO", "schema": V1})}
    over = reached_over_rest(world, {"west": fake})

    async def report(done: float, total: float | None, message: str) -> None:
        said.append(done)

    seen = await clearing.preview(over.registry("west"), Chosen(EU, "", permanent=False, most=100))
    done = await clearing.carry_out(over.ground, seen, seen.digest, over.signed, report)

    assert (seen.subjects, len(seen.batch), done.deleted) == (1_500, 100, 100)
    assert said == sorted(said)
    assert len(said) == 100


async def test_in_force_is_what_a_silent_subject_gets(world: World):
    await world.registry().set_config(Subject("", EU), {"compatibility": "NONE"})

    assert (await contexts.in_force(world.registry(), EU)).level == "NONE"
    assert (await contexts.in_force(world.registry(), ".")).level == "BACKWARD"


async def test_where_nothing_is_deleted_softly_that_is_said_before_it_is_gone(world: World):
    fake = FakeConfluent(lacks=frozenset({Capability.SOFT_DELETE}))
    over = reached_over_rest(world, {"west": fake})
    await over.registry("west").register(Subject("a", EU), Schema(V1))

    with pytest.raises(InvalidRequestError, match="no soft deletion"):
        await ask(over, "clear_context_batch", context="eu")
    seen = await ask(over, "clear_context_batch", context="eu", permanent=True)
    told = await ask(over, "clear_context_batch", context="eu", permanent=True, plan=seen.plan)

    assert (told.deleted, told.failed) == (1, ())
    assert await over.registry("west").subjects() == []
