"""What a ledger asks of a database: SQL that SQLite and PostgreSQL share, and the few words they spell differently."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from anyio import CapacityLimiter

Migration: TypeAlias = Sequence[str]
"""The statements that take tables from one version to the next."""


class Answer(Protocol):
    """What a statement answered."""

    @property
    def rowcount(self) -> int:
        """How many rows it changed."""
        ...

    def fetchone(self) -> Any:
        """The next row, None after the last."""
        ...

    def __iter__(self) -> Iterator[Any]: ...


class Connection(Protocol):
    """One transaction; `?` stands for a value."""

    def execute(self, query: str, values: Sequence[Any] = ..., /) -> Answer: ...


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a database spells what both can do."""

    integer: str
    text: str
    keyed: str = ""
    """After a table that is found by its key only."""

    plain: str = ""
    """After any other table."""

    alone: str = ""
    """After the SELECT that a writer begins with: other writers wait there until we are done."""

    def spelt(self, migrations: Sequence[Migration]) -> tuple[Migration, ...]:
        """Migrations with this database's words in place of {integer}, {text}, {keyed} and {plain}."""
        words = {"integer": self.integer, "text": self.text, "keyed": self.keyed, "plain": self.plain}
        return tuple(tuple(statement.format(**words) for statement in one) for one in migrations)


SQLITE = Dialect(integer="INTEGER", text="TEXT", keyed="STRICT, WITHOUT ROWID", plain="STRICT")
# Text is ordered by its bytes, as SQLite does it: a page of a list begins where the last one ended.
POSTGRESQL = Dialect(integer="BIGINT", text='TEXT COLLATE "C"', alone=" FOR UPDATE")


class Transactions(Protocol):
    """A database that can be written alone and read at one moment."""

    @property
    def dialect(self) -> Dialect: ...

    @property
    def limiter(self) -> CapacityLimiter | None:
        """How many threads may use it at a time; None leaves that to it."""
        ...

    def write(self) -> AbstractContextManager[Connection]:
        """One transaction: when the block ends it is durable, when the block raises it never happened."""
        ...

    def read(self) -> AbstractContextManager[Connection]:
        """A view of one moment, whatever others write meanwhile."""
        ...

    def close(self) -> None: ...
