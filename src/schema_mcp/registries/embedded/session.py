"""What every question and change of an embedded registry gets: the transaction, the settings, the time."""

import sqlite3
from dataclasses import dataclass

from schema_mcp.domain.schema import Level


@dataclass(frozen=True, slots=True)
class Paging:
    """How long a list may be: what no limit means, and the most that may be asked for (0 = all)."""

    default: int = 0
    most: int = 0

    def limit(self, wanted: int) -> int:
        """The rows to give for a wanted limit, -1 for all: an odd limit means the default, as recorded."""
        taken = wanted if wanted > 0 and (not self.most or wanted <= self.most) else self.default
        return taken or -1


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """What Confluent's server takes from its configuration file."""

    level: Level = Level.BACKWARD
    mutable_modes: bool = True
    validate_fields: bool = False
    named_subjects_only: bool = False
    schemas: Paging = Paging(1_000, 1_000)
    subjects: Paging = Paging()
    versions: Paging = Paging()


@dataclass(frozen=True, slots=True)
class Session:
    """One transaction; `now` is milliseconds since the epoch."""

    sql: sqlite3.Connection
    settings: ServerSettings
    now: int
