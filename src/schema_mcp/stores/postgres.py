"""The one way a PostgreSQL database is used: few connections, whole transactions, errors that say what to do.

The driver is loaded at the first question, so that nobody who keeps a ledger of his own pays for it. Tables live in a
schema of their own, `schema_mcp`; servers that start at once take turns at making them.
"""

import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from anyio import CapacityLimiter

from schema_mcp.domain.errors import ConfigurationError, LockHeldError, SchemaMcpError, StoreError
from schema_mcp.stores.dialect import POSTGRESQL, Answer, Connection, Migration

if TYPE_CHECKING:
    import psycopg

SCHEMA: Final = "schema_mcp"
CONNECTIONS: Final = 4
"""Most connections of one process for transactions; one more may stand for its presence."""

PATIENCE: Final = timedelta(seconds=30)
"""How long a statement may wait for another writer; it may take twice as long altogether."""

_CONNECT_SECONDS: Final = 10
_MIGRATING: Final = 7_238_117_640  # a number of ours among the advisory locks
# Said in each transaction and not once a connection: a pooler may give every transaction another connection. A writer
# that was paused inside a transaction loses it, and with it the lock that everybody waits for.
# A young table has no statistics, and would be read whole where a batch of contents is looked up.
_BEGIN: Final = (
    f"SET LOCAL search_path = {SCHEMA}; SET LOCAL lock_timeout = {{wait}}; SET LOCAL statement_timeout = {{most}}; "
    "SET LOCAL idle_in_transaction_session_timeout = {most}; SET LOCAL enable_seqscan = off"
)
_WRITE: Final = f"BEGIN; {_BEGIN}"
_READ: Final = f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {_BEGIN}"
_DATABASE: Final = "The database of the ids"
_NOTHING: Final = "Nothing was changed."
_BUSY: Final = (LockHeldError, "is being written by another server", f"Try again in a moment. {_NOTHING}")
_TROUBLES: Final[Mapping[str, tuple[type[SchemaMcpError], str, str]]] = {
    "25006": (
        StoreError,
        "takes no writes: it is a read-only replica, or set to read-only",
        "Let DATABASE_URL name the primary server.",
    ),
    "25P03": (
        LockHeldError,
        "ended our transaction because this process was paused in it",
        f"Try again. {_NOTHING}",
    ),
    "28": (StoreError, "does not let us in", "Check user and password of DATABASE_URL."),
    "3D000": (StoreError, "does not exist", "Create the database that DATABASE_URL names."),
    "40": _BUSY,
    "42501": (
        StoreError,
        "does not let us do that",
        f"Grant the user of DATABASE_URL the right to make and use the schema {SCHEMA}.",
    ),
    "42P01": (
        StoreError,
        "has lost tables of ours",
        f"Restore it, or drop the schema {SCHEMA} and start again: the ledger is rebuilt from the store.",
    ),
    "53100": (StoreError, "cannot grow, its disk is full", f"Free some space there. {_NOTHING}"),
    "53300": (StoreError, "has no connection left for us", "Raise its max_connections, or run fewer servers."),
    "55P03": _BUSY,
    "57014": (LockHeldError, "took too long to answer", f"Try again in a moment. {_NOTHING}"),
}
"""What an SQLSTATE, or its class, means to a user (https://www.postgresql.org/docs/current/errcodes-appendix.html)."""

_AWAY: Final = (
    "did not answer, or went away",
    "Is the server up, and does DATABASE_URL name it? Asking again is safe: what has an id keeps it.",
)


class Postgres:
    """One database: at most `CONNECTIONS` connections, opened when needed and again after they broke.

    `areas` names the migrations of each group of tables. `fences` is asked at the beginning of every write.
    """

    dialect = POSTGRESQL

    def __init__(self, url: str, areas: Mapping[str, Sequence[Migration]], *, patience: timedelta = PATIENCE) -> None:
        self.limiter = CapacityLimiter(CONNECTIONS)
        self.fences: Callable[[Connection], None] = lambda _: None
        self._url = url
        self._areas = {name: POSTGRESQL.spelt(migrations) for name, migrations in areas.items()}
        wait = round(patience.total_seconds() * 1_000)
        self._write, self._read = (text.format(wait=wait, most=2 * wait).encode() for text in (_WRITE, _READ))
        self._idle: list[psycopg.Connection[Any]] = []
        self._turn = threading.Lock()
        self._is_ready = False

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()

    @contextmanager
    def write(self) -> Generator[Connection]:
        """One transaction: when the block ends it is durable, when the block raises it never happened.

        Where the connection breaks at the very end nobody knows which of the two it was: ask again.
        """
        with self.transaction() as connection:
            self.fences(connection)
            yield connection

    @contextmanager
    def read(self) -> Generator[Connection]:
        """A view of one moment, whatever others write meanwhile."""
        with self._explained():
            self._prepare()
            with self._begun(self._read) as connection:
                yield connection

    @contextmanager
    def transaction(self) -> Generator[Connection]:
        """As `write`, without asking the fences."""
        with self._explained():
            self._prepare()
            with self._begun(self._write) as connection:
                yield connection

    def connected(self) -> "psycopg.Connection[Any]":
        """A connection of the caller's own, which he closes."""
        import psycopg  # noqa: PLC0415 - slow to load, and only a shared ledger needs it

        with self._explained():
            try:
                return psycopg.connect(
                    self._url,
                    autocommit=True,
                    connect_timeout=_CONNECT_SECONDS,
                    application_name="schema-mcp",
                    keepalives_idle=30,
                    keepalives_interval=10,
                    keepalives_count=3,
                )
            except psycopg.ProgrammingError:
                # The driver quotes what it cannot read, password and all.
                raise ConfigurationError(
                    "DATABASE_URL cannot be read", hint="Write postgresql://user:password@host:5432/database."
                ) from None

    @contextmanager
    def _begun(self, begin: bytes) -> Generator[Connection]:
        connection = self._opened(begin)
        try:
            yield _Asked(connection)
            connection.execute("COMMIT")
        except BaseException:
            _undo(connection)
            raise
        finally:
            if not connection.closed:
                self._idle.append(connection)

    def _opened(self, begin: bytes) -> "psycopg.Connection[Any]":
        """A connection with a transaction; one that broke while it was idle is replaced."""
        import psycopg  # noqa: PLC0415 - only where it is used: the start stays quick

        while self._idle:
            connection = self._idle.pop()
            try:
                connection.execute(begin)
            except psycopg.OperationalError:
                connection.close()
            else:
                return connection
        connection = self.connected()
        try:
            connection.execute(begin)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self) -> None:
        with self._turn:
            if not self._is_ready:
                if self._behind():
                    self._migrate()
                self._is_ready = True

    def _behind(self) -> bool:
        """Is there anything to make? A user without the right to make tables may use those that are there."""
        with self._begun(self._read) as connection:
            versions = _versions(connection)
        for area, migrations in self._areas.items():
            if versions.get(area, 0) > len(migrations):
                raise StoreError(
                    f"{_DATABASE} was written by a newer version of schema-mcp",
                    hint="Start that version, or a newer one.",
                )
        return any(versions.get(area, 0) < len(migrations) for area, migrations in self._areas.items())

    def _migrate(self) -> None:
        with self._begun(self._write) as connection:
            connection.execute("SELECT pg_advisory_xact_lock(?)", (_MIGRATING,))
            if connection.execute("SELECT to_regnamespace(?)", (SCHEMA,)).fetchone()[0] is None:
                connection.execute(f"CREATE SCHEMA {SCHEMA}")
            connection.execute("CREATE TABLE IF NOT EXISTS migrated (area TEXT PRIMARY KEY, version INT NOT NULL)")
            versions = _versions(connection)
            for area, migrations in self._areas.items():
                for migration in migrations[versions.get(area, 0) :]:
                    for statement in migration:
                        connection.execute(statement)
                put = "INSERT INTO migrated VALUES (?, ?) ON CONFLICT (area) DO UPDATE SET version = EXCLUDED.version"
                connection.execute(put, (area, len(migrations)))

    @contextmanager
    def _explained(self) -> Generator[None]:
        import psycopg  # noqa: PLC0415 - only where it is used: the start stays quick

        try:
            yield
        except psycopg.Error as error:
            raise _explanation(error) from error


class _Asked:
    """A connection to which `?` stands for a value."""

    def __init__(self, connection: "psycopg.Connection[Any]") -> None:
        self._connection = connection

    def execute(self, query: str, values: Sequence[Any] = ()) -> Answer:
        return self._connection.execute(_spelt(query), values or None)


@lru_cache(maxsize=256)
def _spelt(query: str) -> bytes:
    return query.replace("?", "%s").encode()


def _versions(connection: Connection) -> dict[str, int]:
    if connection.execute("SELECT to_regclass(?)", (f"{SCHEMA}.migrated",)).fetchone()[0] is None:
        return {}
    return dict(connection.execute("SELECT area, version FROM migrated"))


def _undo(connection: "psycopg.Connection[Any]") -> None:
    import psycopg  # noqa: PLC0415 - only where it is used: the start stays quick

    with suppress(psycopg.Error):
        connection.execute("ROLLBACK")
        return
    connection.close()


def _explanation(error: "psycopg.Error") -> SchemaMcpError:
    """What the database said, in our words; the driver's own may carry what nobody should read."""
    state = error.sqlstate or ""
    known = _TROUBLES.get(state) or _TROUBLES.get(state[:2])
    if known:
        kind, what, hint = known
        return kind(f"{_DATABASE} {what}", hint=hint)
    if state[:2] in ("", "08", "57"):
        what, hint = _AWAY
        return StoreError(f"{_DATABASE} {what}", hint=hint)
    return StoreError(f"{_DATABASE} refused what was asked (SQLSTATE {state})", hint="Its own log tells more.")
