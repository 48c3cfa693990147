"""Our SQLite files: durable, shared, and with errors that a person can act on."""

import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from schema_mcp.domain.errors import LockHeldError, SchemaMcpError, StoreError
from schema_mcp.stores.ids import SqliteLedger
from schema_mcp.stores.sqlite import Database
from stores import crowd

ONE = ("CREATE TABLE notes (text TEXT NOT NULL) STRICT",)
TWO = ("ALTER TABLE notes ADD COLUMN author TEXT NOT NULL DEFAULT 'ann'", "INSERT INTO notes (text) VALUES ('moved')")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "notes.sqlite"


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    with Database(path, [ONE], remedy="Ask ann.") as one:
        yield one


def notes(database: Database) -> list[str]:
    with database.read() as connection:
        return [row[0] for row in connection.execute("SELECT text FROM notes")]


def write(database: Database, text: str) -> None:
    with database.write() as connection:
        connection.execute("INSERT INTO notes VALUES (?)", (text,))


def test_what_was_written_is_read_by_others(path: Path, database: Database):
    write(database, "hello")

    with Database(path, [ONE], remedy="") as other:
        assert notes(other) == ["hello"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_write_that_raises_never_happened(database: Database, error: type[BaseException]):
    def fail() -> None:
        with database.write() as connection:
            connection.execute("INSERT INTO notes VALUES ('half')")
            raise error

    with pytest.raises(error):
        fail()

    assert notes(database) == []
    write(database, "whole")


def test_every_commit_waits_for_the_disk(database: Database):
    with database.read() as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)


def test_an_older_file_is_brought_up_to_date_once(path: Path, database: Database):
    write(database, "old")
    database.close()

    for _ in range(2):
        with Database(path, [ONE, TWO], remedy="") as newer:
            assert notes(newer) == ["old", "moved"]


def test_a_migration_that_fails_changes_nothing(path: Path, database: Database):
    database.close()

    with pytest.raises(sqlite3.OperationalError):
        Database(path, [ONE, ("CREATE TABLE more (x TEXT) STRICT", "NONSENSE")], remedy="")

    with Database(path, [ONE], remedy="") as same, same.read() as connection:
        assert connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall() == [("notes",)]


def test_a_newer_file_is_left_alone(path: Path, database: Database):
    database.close()
    Database(path, [ONE, TWO], remedy="").close()

    with pytest.raises(StoreError, match="newer version of schema-mcp"):
        Database(path, [ONE], remedy="")


def test_a_file_locked_for_too_long_is_said_and_nothing_changed(path: Path, database: Database):
    with Database(path, [ONE], remedy="", patience=timedelta(milliseconds=50)) as hasty, database.write() as connection:
        connection.execute("INSERT INTO notes VALUES ('first')")

        with pytest.raises(LockHeldError, match=r"notes\.sqlite is being written by another process") as refused:
            write(hasty, "second")

    assert "Try again" in refused.value.hint
    assert notes(database) == ["first"]


def test_readers_see_the_last_commit_while_somebody_writes(path: Path, database: Database):
    write(database, "first")

    with Database(path, [ONE], remedy="") as other, database.write() as connection:
        connection.execute("INSERT INTO notes VALUES ('second')")

        assert notes(other) == ["first"]


@pytest.mark.parametrize(
    ("content", "place"),
    [
        pytest.param(b"this is no database, and long enough to be taken for one" * 40, "whole", id="not-a-database"),
        pytest.param(b"\xff" * 4_096, "middle", id="a-page-overwritten"),
    ],
)
def test_a_damaged_file_says_what_to_do(path: Path, database: Database, content: bytes, place: str):
    with database.write() as connection:
        connection.executemany("INSERT INTO notes VALUES (?)", [("x" * 200,)] * 500)
    database.close()
    was = path.read_bytes()
    path.write_bytes(content if place == "whole" else was[:4_096] + content + was[8_192:])

    with (
        pytest.raises(StoreError, match="is damaged") as refused,
        Database(path, [ONE], remedy="Ask ann.") as damaged,
    ):
        notes(damaged)

    assert refused.value.hint == "Ask ann."
    assert str(path) in str(refused.value)


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path):
    (tmp_path / "state").write_text("a file stands here")

    with pytest.raises(StoreError, match="cannot be opened for writing") as refused:
        Database(tmp_path / "state" / "notes.sqlite", [ONE], remedy="")

    assert refused.value.hint


def test_a_folder_in_the_files_place_is_said(tmp_path: Path):
    (tmp_path / "notes.sqlite").mkdir()

    with pytest.raises(SchemaMcpError, match=r"notes\.sqlite"):
        Database(tmp_path / "notes.sqlite", [ONE], remedy="")


def test_processes_that_make_the_file_at_once_all_get_it(path: Path):
    crew = [crowd.ready(crowd.join("open_ledger", path)) for _ in range(6)]
    for process in crew:
        assert process.stdin
        process.stdin.write(b"go\n")
        process.stdin.flush()

    outcomes = [process.communicate(timeout=60) for process in crew]

    assert [output for output, _ in outcomes] == [b"open\n"] * 6, outcomes
    SqliteLedger(path).close()
