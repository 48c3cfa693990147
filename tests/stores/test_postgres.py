"""A database that goes away, fills up or is busy: an error that says what to do, nothing half-done, and on again."""

import threading
import time
from collections.abc import Iterator
from datetime import timedelta

import anyio
import psycopg
import pytest

from fakes.postgres import PostgresServer
from schema_mcp.domain.allocation import Allocation, Block
from schema_mcp.domain.errors import ConfigurationError, LockHeldError, SchemaMcpError, StoreError
from schema_mcp.domain.schema import Subject
from schema_mcp.stores.ids import PostgresLedger
from schema_mcp.stores.postgres import CONNECTIONS
from stores.ledgers import Ledgers

SECRET = "hunter2"


def wanted(content: str, number: int = 1) -> Allocation:
    return Allocation(Subject("orders-value"), number, content, "AVRO")


@pytest.fixture
def shared(postgres: PostgresServer) -> Iterator[Ledgers]:
    ledgers = Ledgers(lambda _: postgres.new())
    yield ledgers
    ledgers.close()


@pytest.fixture
async def ledger(shared: Ledgers) -> PostgresLedger:
    ledger = shared.open()
    await ledger.extend(0, 1_000_000)
    return ledger


@pytest.fixture
def own() -> Iterator[PostgresServer]:
    """A server that a test may stop."""
    server = PostgresServer()
    try:
        server.start()
        yield server
    finally:
        server.close()


def name_of(shared: Ledgers) -> str:
    """The name of the database."""
    return str(shared.place()).split("/")[3].partition("?")[0]


def connected(url: str) -> psycopg.Connection:
    return psycopg.connect(url, autocommit=True)


# --- it goes away ---


async def test_after_a_restart_of_the_server_the_next_call_works(own: PostgresServer):
    ledger = PostgresLedger(own.url())
    await ledger.extend(0, 1_000_000)
    first = await ledger.allocate(wanted("aa"))

    own.stop()
    with pytest.raises(StoreError, match="did not answer") as refused:
        await ledger.allocate(wanted("bb", 2))
    own.start()

    assert "DATABASE_URL" in refused.value.hint
    assert (await ledger.allocate(wanted("aa"))).id == first.id
    assert (await ledger.allocate(wanted("bb", 2))).id == first.id + 1
    ledger.close()


async def test_a_connection_that_broke_while_it_was_idle_is_replaced_unnoticed(
    postgres: PostgresServer, shared: Ledgers, ledger: PostgresLedger
):
    await ledger.allocate(wanted("aa"))
    _end_connections(postgres, shared)

    assert (await ledger.allocate(wanted("bb", 2))).id == 10_002


async def test_a_connection_that_breaks_in_the_middle_leaves_nothing_half_done(
    postgres: PostgresServer, shared: Ledgers, ledger: PostgresLedger
):
    await ledger.allocate(wanted("aa"))
    with connected(str(shared.place())) as other:
        other.execute("BEGIN; LOCK TABLE schema_mcp.versions IN EXCLUSIVE MODE")
        ender = threading.Thread(target=_end_once_waiting, args=(postgres, shared))
        ender.start()
        with pytest.raises(StoreError, match="did not answer"):
            await ledger.allocate(wanted("bb", 2))
        ender.join()
        other.execute("ROLLBACK")

    assert await ledger.lookup_hash("bb") == []
    assert await ledger.high_water() == 10_001
    assert (await ledger.allocate(wanted("cc", 2))).id == 10_002


def _end_connections(postgres: PostgresServer, shared: Ledgers, waiting: str = "") -> int:
    of_ours = f"datname = '{name_of(shared)}' AND application_name = 'schema-mcp'"
    return len(postgres.ask(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {of_ours}{waiting}"))


def _end_once_waiting(postgres: PostgresServer, shared: Ledgers) -> None:
    deadline = time.monotonic() + 10
    while not _end_connections(postgres, shared, " AND wait_event_type = 'Lock'") and time.monotonic() < deadline:
        time.sleep(0.02)


# --- it says no ---


@pytest.mark.parametrize(
    ("state", "kind", "said"),
    [
        pytest.param("53100", StoreError, "disk is full", id="full-disk"),
        pytest.param("40001", LockHeldError, "written by another server", id="serialization"),
        pytest.param("42501", StoreError, "does not let us", id="rights"),
        pytest.param("57P01", StoreError, "went away", id="shutdown"),
        pytest.param("XX000", StoreError, "SQLSTATE XX000", id="anything-else"),
    ],
)
async def test_what_the_database_refuses_is_explained_and_undone(
    postgres: PostgresServer, shared: Ledgers, ledger: PostgresLedger, state: str, kind: type[SchemaMcpError], said: str
):
    await ledger.allocate(wanted("aa"))
    url = str(shared.place())
    postgres.ask(
        f"""CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'do not show {SECRET}' USING ERRCODE = '{state}'; END $$;
            CREATE TRIGGER refuse BEFORE INSERT ON schema_mcp.versions FOR EACH ROW EXECUTE FUNCTION refuse()""",
        url,
    )

    with pytest.raises(kind, match=said) as refused:
        await ledger.allocate(wanted("bb", 2))
    postgres.ask("DROP TRIGGER refuse ON schema_mcp.versions", url)

    assert refused.value.hint
    assert SECRET not in f"{refused.value} {refused.value.hint}"
    assert await ledger.lookup_hash("bb") == []
    assert await ledger.high_water() == 10_001
    assert (await ledger.allocate(wanted("bb", 2))).id == 10_002


async def test_a_read_only_replica_answers_reads_and_says_where_to_write(
    postgres: PostgresServer, shared: Ledgers, ledger: PostgresLedger
):
    await ledger.allocate(wanted("aa"))
    postgres.ask(f"ALTER DATABASE {name_of(shared)} SET default_transaction_read_only = on")
    replica = shared.open()

    assert [held.id for held in await replica.lookup_hash("aa")] == [10_001]
    with pytest.raises(StoreError, match="takes no writes") as refused:
        await replica.allocate(wanted("bb", 2))
    assert "primary" in refused.value.hint


async def test_a_writer_that_does_not_come_to_an_end_is_not_waited_for_for_ever_nor_is_the_loop_blocked(
    shared: Ledgers, ledger: PostgresLedger
):
    hasty = shared.open(patience=timedelta(seconds=0.3))
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await anyio.sleep(0.01)
            ticks += 1

    with connected(str(shared.place())) as other:
        other.execute("BEGIN; SELECT * FROM schema_mcp.progress FOR UPDATE")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(tick)
            with pytest.raises(LockHeldError, match="written by another server"):
                await hasty.allocate(wanted("aa"))
            tasks.cancel_scope.cancel()
        other.execute("ROLLBACK")

    assert ticks > 10
    assert (await hasty.allocate(wanted("aa"))).id == 10_001


async def test_a_crowd_of_calls_uses_few_connections(postgres: PostgresServer, shared: Ledgers, ledger: PostgresLedger):
    async def ask(number: int) -> None:
        await ledger.allocate(wanted(f"c{number}", number))

    async with anyio.create_task_group() as calls:
        for number in range(1, 61):
            calls.start_soon(ask, number)

    [(count,)] = postgres.ask(f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{name_of(shared)}'")
    assert 1 <= count <= CONNECTIONS
    assert await ledger.high_water() == 10_060


# --- how it is made ---


async def test_servers_that_start_at_once_make_the_tables_once(postgres: PostgresServer):
    url = postgres.new()
    ledgers = [PostgresLedger(url) for _ in range(8)]

    async with anyio.create_task_group() as starts:
        for ledger in ledgers:
            starts.start_soon(ledger.high_water)

    assert postgres.ask("SELECT area, version FROM schema_mcp.migrated ORDER BY area", url) == [
        ("ids", 2),
        ("leases", 1),
    ]
    for ledger in ledgers:
        ledger.close()


async def test_tables_of_a_newer_version_are_left_alone(
    postgres: PostgresServer, shared: Ledgers, ledger: PostgresLedger
):
    postgres.ask("UPDATE schema_mcp.migrated SET version = 99 WHERE area = 'ids'", str(shared.place()))

    with pytest.raises(StoreError, match="newer version") as refused:
        await shared.open().high_water()

    assert "Start that version" in refused.value.hint


async def test_tables_of_the_first_version_get_what_the_second_added(postgres: PostgresServer, shared: Ledgers):
    url = str(shared.place())
    ledger = shared.open()
    await ledger.extend(0, 1_000_000)
    await ledger.allocate(wanted("aa"))
    postgres.ask(
        """ALTER TABLE schema_mcp.ids DROP COLUMN wanted; ALTER TABLE schema_mcp.blocks DROP COLUMN next;
           DROP TABLE schema_mcp.skipped; UPDATE schema_mcp.migrated SET version = 1 WHERE area = 'ids'""",
        url,
    )

    later = shared.open()

    assert (await later.allocate(wanted("aa"))).existing
    assert (await later.allocate(wanted("bb", 2))).id == 10_002
    assert [held.wanted for held in (await later.audited()).held] == ["", "orders-value v2"]


async def test_a_user_who_may_not_make_tables_may_use_those_that_are_there(postgres: PostgresServer, shared: Ledgers):
    url = str(shared.place())
    postgres.ask("DROP ROLE IF EXISTS small; CREATE ROLE small LOGIN")
    small = url.replace("postgres@", "small@")
    with pytest.raises(StoreError, match="does not let us do that") as refused:
        await _used(small)
    assert "schema_mcp" in refused.value.hint

    await _used(url)
    postgres.ask(
        """GRANT USAGE ON SCHEMA schema_mcp TO small; GRANT ALL ON ALL TABLES IN SCHEMA schema_mcp TO small;
           GRANT ALL ON ALL SEQUENCES IN SCHEMA schema_mcp TO small""",
        url,
    )

    assert await _used(small) == Block(10_002, 10_002, "somebody")


async def _used(url: str) -> Block:
    ledger = PostgresLedger(url)
    try:
        await ledger.extend(0, 1_000_000)
        return await ledger.reserve(1, "somebody")
    finally:
        ledger.close()


# --- secrets ---


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        pytest.param(f"postgresql://ann:{SECRET}@/x?host=/nowhere", StoreError, id="nobody-there"),
        pytest.param(f"postgresql://ann:{SECRET}%ZZ@localhost/x", ConfigurationError, id="cannot-be-read"),
        pytest.param(f"postgresql://ann@localhost/x?pass{SECRET}=1", ConfigurationError, id="unknown-option"),
    ],
)
async def test_no_error_shows_the_password(url: str, kind: type[SchemaMcpError]):
    ledger = PostgresLedger(url)

    with pytest.raises(kind) as refused:
        await ledger.high_water()

    error: BaseException | None = refused.value
    while error is not None:
        assert SECRET not in f"{error!r} {getattr(error, 'hint', '')}"
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    ledger.close()
