"""What is remembered of a registry: for how long, for whom, and never past a write of our own."""

import inspect
from collections.abc import AsyncIterator, Callable
from typing import Any

import anyio
import pytest

from fakes.clock import FakeClock
from registries.test_guard import READS, WRITES, protocol_methods
from schema_mcp.domain.errors import NotFoundError, RegistryError, SchemaMcpError
from schema_mcp.domain.schema import Schema, Subject, Version
from schema_mcp.registries.cache import CachedRegistry
from schema_mcp.registries.contract import Basis, Capability, Health, Registry
from schema_mcp.registries.memory import Memory, is_away

ORDERS, PAYMENTS = Subject("orders-value"), Subject("payments-value")
SCHEMA = Schema('"string"', metadata={"properties": {"owner": "shop"}})
REMEMBERED = {"contexts", "subjects", "numbers", "version", "schema", "by_guid", "holders"}
LASTING = {"schema", "by_guid"}
"""An id, and a GUID, mean the same for ever."""

LISTED = {"versions"}
ASKED = READS.keys() - REMEMBERED - LISTED - {"close"}

ANSWERS: dict[str, Any] = {
    "contexts": ["."],
    "subjects": [ORDERS],
    "numbers": [1, 2],
    "version": Version(ORDERS, 1, 7, SCHEMA),
    "schema": SCHEMA,
    "by_guid": SCHEMA,
    "holders": [(ORDERS, 1)],
}


class Product:
    """A registry that gives prepared answers, counts, and fails or waits when told to."""

    name = "prod"
    capabilities = frozenset(Capability)
    health: tuple[Health, ...] = ()
    figures = None
    basis = Basis()

    def __init__(self):
        self.calls: list[str] = []
        self.answers = dict(ANSWERS)
        self.error: SchemaMcpError | None = None
        self.door: anyio.Event | None = None
        self.listed = [Version(ORDERS, 1, 7, SCHEMA)]

    def __getattr__(self, method: str):
        async def call(*args: Any, **kwargs: Any) -> Any:
            self.calls.append(method)
            answer, error = self.answers.get(method), self.error
            if self.door:
                await self.door.wait()
            if error:
                raise error
            return answer

        return call

    async def versions(self, **kwargs: Any) -> AsyncIterator[Version]:
        self.calls.append("versions")
        for version in self.listed:
            yield version
        if self.error:
            raise self.error


AWAY = RegistryError("prod did not answer: no connection", details={"registry": "prod", "outcome": "not done"})


class World:
    def __init__(self, ttl: float = 60):
        self.clock = FakeClock()
        self.product = Product()
        self.memory = Memory(ttl, clock=self.clock.clock)

    def reading(self) -> CachedRegistry:
        return CachedRegistry(self.product, self.memory)

    def fresh(self) -> CachedRegistry:
        return CachedRegistry(self.product, self.memory, fresh=True)

    async def ask(self, method: str, registry: CachedRegistry | None = None) -> Any:
        answer = getattr(registry or self.reading(), method)(*READS[method])
        return [one async for one in answer] if method in LISTED else await answer

    def pass_by(self, seconds: float) -> None:
        self.clock.time += seconds


@pytest.fixture
def world() -> World:
    return World()


def test_every_method_of_a_registry_is_remembered_listed_asked_or_a_write():
    assert protocol_methods() == REMEMBERED | LISTED | ASKED | WRITES.keys() | {"close"}


@pytest.mark.parametrize("name", sorted(protocol_methods()))
def test_the_cache_has_every_method_itself_with_the_same_arguments(name: str):
    wanted = inspect.signature(getattr(Registry, name)).parameters
    given = inspect.signature(vars(CachedRegistry)[name]).parameters

    assert [(p.name, p.kind, p.default) for p in given.values()] == [
        (p.name, p.kind, p.default) for p in wanted.values()
    ]


# --- for how long ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", sorted(REMEMBERED))
async def test_readers_share_one_answer_until_its_time_is_over(world: World, method: str):
    first, second = await world.ask(method), await world.ask(method)
    world.pass_by(61)
    later = await world.ask(method)

    assert first == second == later == ANSWERS[method]
    assert len(world.product.calls) == (1 if method in LASTING else 2)


@pytest.mark.parametrize("method", sorted(ASKED))
async def test_what_decides_something_is_asked_every_time(world: World, method: str):
    await world.ask(method)
    await world.ask(method)

    assert world.product.calls == [method, method]


@pytest.mark.parametrize("method", sorted(REMEMBERED | LISTED))
async def test_a_fresh_one_asks_every_time_whatever_is_remembered(world: World, method: str):
    await world.ask(method)
    fresh = world.fresh()
    await world.ask(method, fresh)
    await world.ask(method, fresh)

    assert world.product.calls == [method] * 3
    assert fresh.basis == Basis()


@pytest.mark.parametrize("method", sorted(REMEMBERED | LISTED))
async def test_a_fresh_one_never_answers_from_memory_while_the_registry_is_away(world: World, method: str):
    await world.ask(method)
    world.product.error = AWAY
    world.product.listed = []

    with pytest.raises(RegistryError, match="did not answer"):
        await world.ask(method, world.fresh())


@pytest.mark.parametrize(
    ("method", "nothing"), [("version", None), ("schema", None), ("by_guid", None), ("numbers", []), ("holders", [])]
)
async def test_nothing_is_never_remembered(world: World, method: str, nothing: Any):
    world.product.answers[method] = nothing
    await world.ask(method)
    world.product.answers[method] = ANSWERS[method]

    assert await world.ask(method) == ANSWERS[method]


async def test_options_make_other_questions(world: World):
    reading = world.reading()

    await reading.subjects()
    await reading.subjects(prefix="o")
    await reading.subjects(deleted=True)
    await reading.subjects(context=".eu")
    await reading.version(ORDERS, 1)
    await reading.version(ORDERS)
    await reading.version(Subject("orders-value", ".eu"))

    assert len(world.product.calls) == 7


@pytest.mark.parametrize("method", ["contexts", "subjects", "numbers", "holders"])
async def test_a_list_that_a_reader_changes_is_his_own(world: World, method: str):
    world.product.answers[method] = list(ANSWERS[method])
    (await world.ask(method)).clear()
    (await world.ask(method)).clear()

    assert await world.ask(method) == ANSWERS[method]


# --- what it rests on ------------------------------------------------------------------------------------------------


async def test_an_answer_from_memory_tells_its_age(world: World):
    first = world.reading()
    await world.ask("version", first)
    world.pass_by(20)
    second = world.reading()
    await world.ask("version", second)
    await world.ask("numbers", second)

    assert first.basis == Basis()
    assert second.basis == Basis(age=20)


async def test_of_several_answers_the_oldest_counts(world: World):
    await world.ask("numbers")
    world.pass_by(10)
    await world.ask("version")
    world.pass_by(5)
    reading = world.reading()

    await world.ask("version", reading)
    await world.ask("numbers", reading)

    assert reading.basis == Basis(age=15)


@pytest.mark.parametrize(
    ("error", "away"),
    [
        pytest.param(AWAY, True, id="no-answer"),
        pytest.param(RegistryError("left alone", details={"retry_in": 4.0}), True, id="circuit-open"),
        pytest.param(RegistryError("busy", details={"status": 503}), True, id="unavailable"),
        pytest.param(RegistryError("fault", details={"status": 500, "error_code": 50001}), True, id="fault"),
        pytest.param(RegistryError("slow down", details={"status": 429}), True, id="too-many"),
        pytest.param(RegistryError("who are you", details={"status": 401}), False, id="not-signed-in"),
        pytest.param(RegistryError("not you", details={"status": 403}), False, id="not-allowed"),
        pytest.param(RegistryError("the token endpoint refused", details={"registry": "prod"}), False, id="no-token"),
        pytest.param(RegistryError("nonsense", details={"status": 200}), False, id="nonsense"),
        pytest.param(RegistryError("elsewhere", details={"status": 302}), False, id="redirected"),
        pytest.param(NotFoundError("gone", details={"status": 404}), False, id="missing"),
    ],
)
async def test_old_answers_count_only_while_the_registry_cannot_answer(world: World, error: SchemaMcpError, away: bool):
    await world.ask("version")
    world.pass_by(600)
    world.product.error = error
    reading = world.reading()

    if away:
        assert await world.ask("version", reading) == ANSWERS["version"]
        assert reading.basis == Basis(age=600, stale=True)
    else:
        with pytest.raises(type(error)):
            await world.ask("version", reading)
    assert is_away(error) == away
    assert world.memory.figures.stale == away


async def test_what_was_never_read_is_an_error_while_the_registry_is_away(world: World):
    await world.ask("version")
    world.product.error = AWAY

    with pytest.raises(RegistryError, match="did not answer"):
        await world.ask("numbers")


async def test_an_answer_from_memory_is_stale_as_soon_as_every_address_is_known_to_fail(world: World):
    await world.ask("version")
    world.product.health = (Health("a", "no connection"), Health("b"))
    half = world.reading()
    await world.ask("version", half)
    world.product.health = (Health("a", "no connection"), Health("b", "503"))
    none = world.reading()
    await world.ask("version", none)

    assert (half.basis.stale, none.basis.stale) == (False, True)


async def test_the_last_whole_listing_stands_in_for_a_registry_that_is_away(world: World):
    listed = [version async for version in world.reading().versions(latest_only=True)]
    world.pass_by(600)
    world.product.error, world.product.listed = AWAY, []
    reading = world.reading()

    assert [version async for version in reading.versions(latest_only=True)] == listed
    assert reading.basis == Basis(age=600, stale=True)
    with pytest.raises(RegistryError):
        _ = [version async for version in world.reading().versions(latest_only=False)]


async def test_a_listing_that_breaks_off_is_an_error_and_not_remembered(world: World):
    world.product.error = AWAY

    for _ in range(2):
        with pytest.raises(RegistryError):
            _ = [version async for version in world.reading().versions(latest_only=True)]
        assert world.memory.figures.entries == 0


# --- writes of our own -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("through", ["fresh", "reading"])
@pytest.mark.parametrize("write", sorted(WRITES))
@pytest.mark.parametrize("method", sorted(REMEMBERED - LASTING))
async def test_a_read_after_our_own_write_always_sees_it(world: World, write: str, method: str, through: str):
    await world.ask(method)

    await getattr(getattr(world, through)(), write)(*WRITES[write])
    await world.ask(method)

    assert world.product.calls == [method, write, method]


@pytest.mark.parametrize("write", sorted(WRITES))
async def test_a_write_that_fails_may_have_been_carried_out_and_forgets_as_well(world: World, write: str):
    await world.ask("numbers")
    world.product.error = AWAY

    with pytest.raises(RegistryError):
        await getattr(world.fresh(), write)(*WRITES[write])
    with pytest.raises(RegistryError):  # and what was true before it is no answer after it
        await world.ask("numbers")


async def test_other_subjects_are_still_known_after_a_write(world: World):
    await world.reading().numbers(PAYMENTS)
    await world.ask("schema")
    await world.ask("subjects")

    await world.fresh().register(ORDERS, SCHEMA)
    world.product.calls.clear()
    await world.reading().numbers(PAYMENTS)
    await world.ask("schema")
    await world.ask("subjects")

    assert world.product.calls == ["subjects"]


@pytest.mark.parametrize("write", ["delete_version", "delete_subject"])
async def test_ids_are_forgotten_when_something_is_deleted_for_good(world: World, write: str):
    await world.ask("schema")

    await getattr(world.fresh(), write)(*WRITES[write], permanent=True)
    await world.ask("schema")

    assert world.product.calls == ["schema", write, "schema"]


@pytest.mark.parametrize("first", sorted(WRITES))
@pytest.mark.parametrize("second", sorted(WRITES))
async def test_after_any_two_writes_everything_is_remembered_again(world: World, first: str, second: str):
    for method in REMEMBERED:
        await world.ask(method)
    for write in (first, second):
        await getattr(world.fresh(), write)(*WRITES[write])
    for method in REMEMBERED:
        await world.ask(method)
    world.product.calls.clear()

    for method in REMEMBERED:
        await world.ask(method)

    assert world.product.calls == []
    assert world.memory.figures.entries == len(REMEMBERED)


async def test_an_answer_from_before_a_write_that_comes_after_it_is_not_remembered(world: World):
    world.product.door = anyio.Event()
    async with anyio.create_task_group() as readers:
        readers.start_soon(world.ask, "numbers")
        await anyio.wait_all_tasks_blocked()
        door, world.product.door = world.product.door, None
        await world.fresh().register(ORDERS, SCHEMA)
        door.set()
    world.product.answers["numbers"] = [1, 2, 3]

    assert await world.ask("numbers") == [1, 2, 3]


async def test_who_asks_after_a_write_does_not_wait_for_an_answer_from_before_it(world: World):
    world.product.door = anyio.Event()
    async with anyio.create_task_group() as readers:
        readers.start_soon(world.ask, "numbers")
        await anyio.wait_all_tasks_blocked()
        door, world.product.door = world.product.door, None
        await world.fresh().register(ORDERS, SCHEMA)
        world.product.answers["numbers"] = [1, 2, 3]

        with anyio.fail_after(5):
            assert await world.ask("numbers") == [1, 2, 3]
        door.set()
    assert await world.ask("numbers") == [1, 2, 3]


async def test_nothing_is_remembered_while_a_write_is_under_way(world: World):
    world.product.door = anyio.Event()
    async with anyio.create_task_group() as writers:
        writers.start_soon(world.fresh().register, ORDERS, SCHEMA)
        await anyio.wait_all_tasks_blocked()
        door, world.product.door = world.product.door, None
        await world.ask("numbers")
        door.set()

    assert world.memory.figures.entries == 0


# --- many at once ----------------------------------------------------------------------------------------------------


async def together(count: int, ask: Callable[[], Any], product: Product) -> list[Any]:
    """What many get who ask at the same moment."""
    got: list[Any] = []
    product.door = anyio.Event()

    async def one() -> None:
        try:
            got.append(await ask())
        except RegistryError as error:
            got.append(str(error))

    async with anyio.create_task_group() as readers:
        for _ in range(count):
            readers.start_soon(one)
        await anyio.wait_all_tasks_blocked()
        product.door.set()
    return got


async def test_many_who_ask_the_same_at_once_make_one_request(world: World):
    got = await together(50, lambda: world.ask("version"), world.product)

    assert got == [ANSWERS["version"]] * 50
    assert world.product.calls == ["version"]
    assert (world.memory.figures.hits, world.memory.figures.misses) == (49, 1)


async def test_they_share_a_failure_too(world: World):
    world.product.error = AWAY

    got = await together(50, lambda: world.ask("version"), world.product)

    assert got == [str(AWAY)] * 50
    assert world.product.calls == ["version"]


async def test_when_the_one_who_asked_gives_up_the_next_one_asks(world: World):
    world.product.door = anyio.Event()
    got: list[Any] = []

    async def follow() -> None:
        got.append(await world.ask("version"))

    async with anyio.create_task_group() as all_of_them:
        async with anyio.create_task_group() as impatient:
            impatient.start_soon(world.ask, "version")
            await anyio.wait_all_tasks_blocked()
            all_of_them.start_soon(follow)
            await anyio.wait_all_tasks_blocked()
            impatient.cancel_scope.cancel()
        world.product.door.set()

    assert got == [ANSWERS["version"]]
    assert world.product.calls == ["version", "version"]
