"""The copy on disk: for a start while the registry is away, bounded, and never in anybody's way."""

import json
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from fakes.clock import FakeClock
from registries.test_cache import ANSWERS, AWAY, LASTING, ORDERS, REMEMBERED, SCHEMA, Product
from registries.test_guard import READS, WRITES
from schema_mcp.domain.errors import RegistryError
from schema_mcp.domain.schema import Reference, Schema, SchemaType, Subject, Version
from schema_mcp.registries import forms
from schema_mcp.registries.cache import CachedRegistry
from schema_mcp.registries.contract import Auth, Basis, Connection
from schema_mcp.registries.disk import Disk, disk_at
from schema_mcp.registries.fleet import Fleet
from schema_mcp.registries.memory import Memory

PROD = Connection(
    "prod",
    backend="confluent",
    urls=("https://sr.example.com",),
    auth=Auth("basic", username="ann", password=SecretStr("s3cret-word")),
    options={"cache_disk": True},
)


class Server:
    """A server's life: what it remembers in its own memory ends with it."""

    def __init__(self, folder: Path, wall: Callable[[], float] = lambda: 1_000.0, connection: Connection = PROD):
        self.product = Product()
        self.clock = FakeClock()
        path = disk_at(folder, connection)._path
        self.memory = Memory(60, clock=self.clock.clock, disk=Disk(path, wall=wall))

    def reading(self) -> CachedRegistry:
        return CachedRegistry(self.product, self.memory)

    async def ask(self, method: str, registry: CachedRegistry | None = None) -> Any:
        return await getattr(registry or self.reading(), method)(*READS[method])


@pytest.mark.parametrize("method", sorted(REMEMBERED))
async def test_a_restarted_server_still_has_what_the_registry_said(method: str, tmp_path: Path):
    first = Server(tmp_path)
    await first.ask(method)
    await first.memory.close()

    second = Server(tmp_path, wall=lambda: 1_500.0)
    second.product.error = AWAY
    reading = second.reading()

    assert await second.ask(method, reading) == ANSWERS[method]
    assert reading.basis == Basis(age=500, stale=method not in LASTING)
    await second.memory.close()


async def test_the_last_listing_survives_too(tmp_path: Path):
    first = Server(tmp_path)
    listed = [version async for version in first.reading().versions(latest_only=True)]
    await first.memory.close()

    second = Server(tmp_path)
    second.product.error, second.product.listed = AWAY, []

    assert [version async for version in second.reading().versions(latest_only=True)] == listed
    await second.memory.close()


@pytest.mark.parametrize("method", sorted(REMEMBERED - LASTING))
async def test_while_the_registry_answers_what_may_change_is_asked_again(method: str, tmp_path: Path):
    first = Server(tmp_path)
    await first.ask(method)
    await first.memory.close()

    second = Server(tmp_path)
    await second.ask(method)

    assert second.product.calls == [method]
    await second.memory.close()


@pytest.mark.parametrize("write", sorted(WRITES))
async def test_a_write_of_ours_is_known_to_the_next_server(write: str, tmp_path: Path):
    first = Server(tmp_path)
    await first.ask("subjects")
    await first.ask("version")
    await first.memory.close()
    writer = Server(tmp_path)
    await getattr(CachedRegistry(writer.product, writer.memory, fresh=True), write)(*WRITES[write])
    await writer.memory.close()

    last = Server(tmp_path)
    last.product.error = AWAY

    for method in ("subjects", "version"):
        with pytest.raises(RegistryError):
            await last.ask(method)
    await last.memory.close()


@pytest.mark.parametrize(("permanent", "known"), [(False, True), (True, False)])
async def test_ids_are_forgotten_on_disk_when_something_is_deleted_for_good(
    permanent: bool, known: bool, tmp_path: Path
):
    first = Server(tmp_path)
    await first.ask("schema")
    await first.reading().delete_subject(ORDERS, permanent=permanent)
    await first.memory.close()

    last = Server(tmp_path)
    await last.ask("schema")

    assert last.product.calls == ([] if known else ["schema"])
    await last.memory.close()


async def test_it_is_forgotten_before_the_write_goes_out(tmp_path: Path):
    server = Server(tmp_path)
    await server.ask("subjects")
    held: list[int] = []
    path = disk_at(tmp_path, PROD)._path

    async def register(*_: Any, **__: Any) -> None:
        with sqlite3.connect(path) as connection:
            held.append(connection.execute("SELECT count(*) FROM said").fetchone()[0])
        connection.close()

    server.product.register = register
    await server.reading().register(ORDERS, SCHEMA)

    assert held == [0]
    await server.memory.close()


async def test_it_holds_no_more_than_it_may_and_the_newest_stay(tmp_path: Path):
    now = iter(range(10_000))
    disk = Disk(tmp_path / "prod.sqlite", bound=50_000, wall=lambda: float(next(now)))
    version = Version(ORDERS, 1, 7, Schema("x" * 1_000))

    for number in range(200):
        await disk.put("version", ORDERS, (number, False), version)
        with sqlite3.connect(tmp_path / "prod.sqlite") as connection:
            assert connection.execute("SELECT sum(bytes) FROM said").fetchone()[0] <= 50_000
        connection.close()

    assert await disk.get("version", ORDERS, (199, False))
    assert await disk.get("version", ORDERS, (170, False))
    assert await disk.get("version", ORDERS, (0, False)) is None
    await disk.close()


async def test_no_secret_and_no_address_is_in_it(tmp_path: Path):
    product = Product()
    fleet = Fleet([PROD], default="prod", opener=lambda _: product, copies=tmp_path / "cache")
    for method in REMEMBERED:
        await getattr(fleet.reading(), method)(*READS[method])
    product.error = RegistryError("prod said s3cret-word")
    with pytest.raises(RegistryError):
        await fleet.reading().numbers(Subject("never-read"))
    product.error = None

    files = list((tmp_path / "cache").iterdir())
    written = b"".join(file.read_bytes() for file in files)
    await fleet.close()

    assert b"orders-value" in written
    for word in (b"s3cret", b"sr.example.com", b"ann"):
        assert word not in written
        assert not any(word.decode() in file.name for file in files)
    assert (tmp_path / "cache").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(replace(PROD, urls=("https://other.example.com",)), id="address"),
        pytest.param(replace(PROD, auth=Auth("basic", username="bob", password=SecretStr("x"))), id="user"),
        pytest.param(replace(PROD, name="prod2"), id="name"),
    ],
)
def test_another_registry_or_another_user_has_another_copy(other: Connection, tmp_path: Path):
    assert disk_at(tmp_path, other)._path != disk_at(tmp_path, PROD)._path
    assert (
        disk_at(tmp_path, replace(PROD, auth=Auth("basic", "ann", SecretStr("new"))))._path
        == disk_at(tmp_path, PROD)._path
    )


async def test_nothing_is_written_unless_it_is_wanted(tmp_path: Path):
    fleet = Fleet([replace(PROD, options={})], default="prod", opener=lambda _: Product(), copies=tmp_path / "cache")

    await fleet.reading().numbers(ORDERS)
    await fleet.get().register(ORDERS, Schema('"int"'))
    await fleet.close()

    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("harm", ["rubbish", "other-shape", "other-answer", "folder"])
async def test_a_damaged_copy_is_done_without(harm: str, tmp_path: Path, caplog: pytest.LogCaptureFixture):
    path = disk_at(tmp_path, PROD)._path
    first = Server(tmp_path)
    await first.ask("numbers")
    await first.memory.close()
    spoil(path, harm)
    server = Server(tmp_path)
    server.product.error = AWAY

    with pytest.raises(RegistryError, match="did not answer"):
        await server.ask("numbers")
    server.product.error = None

    assert await server.ask("numbers") == [1, 2]
    assert await server.reading().register(ORDERS, SCHEMA) is None
    await server.memory.close()
    assert "thrown away" in caplog.text
    if harm != "folder":
        assert not path.exists()


def spoil(path: Path, harm: str) -> None:
    match harm:
        case "rubbish":
            path.write_bytes(b"rubbish" * 1_000)
        case "folder":
            path.unlink()
            path.mkdir()
        case "other-shape":
            with sqlite3.connect(path) as connection:
                connection.execute("DROP TABLE said")
                connection.execute("CREATE TABLE said (at REAL, bytes INTEGER, subject TEXT)")
            connection.close()
        case "other-answer":
            with sqlite3.connect(path) as connection:
                connection.execute("UPDATE said SET answer = '{'")
            connection.close()


# --- how answers are written down ------------------------------------------------------------------------------------

names = st.text(min_size=1, max_size=20)
subjects = st.builds(Subject, names, st.sampled_from([".", ".eu"]))
objects = st.none() | st.dictionaries(names, st.text() | st.integers() | st.booleans() | st.lists(st.text()))
schemas = st.builds(
    Schema,
    st.text(),
    st.sampled_from(SchemaType),
    st.lists(st.builds(Reference, names, names, st.integers(-1, 9))).map(tuple),
    objects,
    objects,
)
versions = st.builds(
    Version,
    subjects,
    st.integers(1),
    st.integers(1),
    schemas,
    st.none() | names,
    st.booleans(),
    st.none() | st.integers(0),
)
answers = st.one_of(
    st.tuples(st.just("contexts"), st.lists(names)),
    st.tuples(st.just("subjects"), st.lists(subjects)),
    st.tuples(st.just("numbers"), st.lists(st.integers())),
    st.tuples(st.just("version"), versions),
    st.tuples(st.just("versions"), st.lists(versions, max_size=3)),
    st.tuples(st.sampled_from(["schema", "guid"]), schemas),
    st.tuples(st.just("holders"), st.lists(st.tuples(subjects, st.integers(1)))),
)


@given(answers)
def test_an_answer_is_read_as_it_was_written(answer: tuple[str, Any]):
    kind, value = answer

    assert forms.read(kind, forms.written(kind, value)) == value


@given(subjects | st.none(), subjects | st.none())
def test_other_questions_have_other_texts(one: Subject | None, other: Subject | None):
    texts = [forms.question("numbers", subject, (True,)) for subject in (one, other)]

    assert (texts[0] == texts[1]) == (one == other)
    assert json.loads(texts[0])
