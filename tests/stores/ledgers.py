"""Where a ledger is kept: the same tests ask SQLite and PostgreSQL."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from schema_mcp.stores.ids import BookLedger, PostgresLedger, SqliteLedger

KINDS = ("sqlite", "postgresql")


class Ledgers:
    """Ledgers that a test opens by the name of the place they share."""

    def __init__(self, place: Callable[[str], Path | str]) -> None:
        self._place = place
        self._places: dict[str, Path | str] = {}
        self._open: list[BookLedger] = []

    def place(self, name: str = "ledger") -> Path | str:
        """A path, or the URL of a database."""
        if name not in self._places:
            self._places[name] = self._place(name)
        return self._places[name]

    def open(self, name: str = "ledger", **options: Any) -> BookLedger:
        ledger = open_at(self.place(name), **options)
        self._open.append(ledger)
        return ledger

    def close(self) -> None:
        for ledger in self._open:
            ledger.close()


def open_at(place: Path | str, **options: Any) -> BookLedger:
    text = str(place)
    return PostgresLedger(text, **options) if "://" in text else SqliteLedger(Path(text), **options)
