"""How much is remembered, what the figures tell, and which registries have a memory at all."""

from typing import Any

import pytest

from registries.test_cache import AWAY, ORDERS, SCHEMA, Product, World
from schema_mcp.domain.errors import SchemaMcpError
from schema_mcp.domain.schema import Schema, Version
from schema_mcp.registries import memory as bounds
from schema_mcp.registries.contract import Basis, Connection
from schema_mcp.registries.fleet import Fleet


@pytest.fixture
def world() -> World:
    return World()


# --- bounds ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [1, 2_000, 100_000])
async def test_memory_is_bounded_in_entries_and_in_bytes(world: World, length: int):
    world.product.answers["version"] = Version(ORDERS, 1, 7, Schema("x" * length))
    reading = world.reading()

    for number in range(1, bounds.ENTRIES + 500):
        await reading.version(ORDERS, number)

    assert world.memory.figures.entries <= bounds.ENTRIES
    assert world.memory.figures.bytes <= bounds.BYTES
    assert world.memory.figures.entries >= min(bounds.ENTRIES, bounds.BYTES // (length + 1_000)) - 5
    world.product.calls.clear()
    await reading.version(ORDERS, bounds.ENTRIES + 499)
    assert world.product.calls == []  # what was used last is still there


async def test_an_answer_that_would_fill_half_of_it_is_not_kept(world: World):
    await world.ask("numbers")
    world.product.answers["version"] = Version(ORDERS, 1, 7, Schema("x" * bounds.LARGEST))

    await world.ask("version")

    assert world.memory.figures.entries == 1


async def test_figures_count_what_happened(world: World):
    await world.ask("version")
    world.pass_by(30)
    await world.ask("version")
    await world.ask("numbers")
    world.pass_by(50)
    world.product.error = AWAY
    await world.ask("version")

    figures = world.memory.figures
    assert (figures.hits, figures.misses, figures.stale, figures.entries) == (1, 3, 1, 2)
    assert figures.oldest == 80
    assert figures.bytes > 0


# --- which registries ------------------------------------------------------------------------------------------------


def fleet(product: Product, **options: Any) -> Fleet:
    connection = Connection("prod", backend="confluent", urls=("http://sr.example.com",), options=options)
    return Fleet([connection], default="prod", opener=lambda _: product)


async def test_the_fleet_gives_fresh_registries_unless_one_only_wants_to_read():
    product = Product()
    registries = fleet(product)

    for _ in range(2):
        await registries.get().numbers(ORDERS)
    for _ in range(2):
        await registries.reading().numbers(ORDERS)

    assert len(product.calls) == 3
    assert registries.reading().basis == Basis()
    for registry in (registries.get(), registries.reading()):
        assert registry.figures
        assert (registry.figures.hits, registry.figures.misses) == (1, 1)


async def test_a_write_through_the_fleet_is_seen_by_every_reader():
    product = Product()
    registries = fleet(product)
    await registries.reading().numbers(ORDERS)

    await registries.get().register(ORDERS, SCHEMA)
    await registries.reading().numbers(ORDERS)

    assert product.calls == ["numbers", "register", "numbers"]


async def test_a_reader_of_a_closed_registry_cannot_write_either():
    product = Product()
    connection = Connection("prod", backend="confluent", urls=("http://sr.example.com",), readonly=True)
    registries = Fleet([connection], default="prod", opener=lambda _: product)

    with pytest.raises(SchemaMcpError, match="takes no writes"):
        await registries.reading().register(ORDERS, SCHEMA)

    assert product.calls == []


@pytest.mark.parametrize(("ttl", "asked"), [(0, 2), (60, 1)])
async def test_a_ttl_of_nothing_remembers_nothing(ttl: float, asked: int):
    product = Product()
    registries = fleet(product, cache_ttl=ttl)

    for _ in range(2):
        await registries.reading().numbers(ORDERS)

    assert len(product.calls) == asked
    assert (registries.get().figures is None) == (ttl == 0)


async def test_an_embedded_registry_needs_no_memory():
    product = Product()
    registries = Fleet([Connection("dev")], default="dev", opener=lambda _: product)

    for _ in range(2):
        await registries.reading().numbers(ORDERS)

    assert len(product.calls) == 2
    assert registries.get().figures is None
