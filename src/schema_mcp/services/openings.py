"""Subjects that are in mode IMPORT for us: which, since when, and whether somebody is at work there.

While one is, other producers are refused under it and the registry's own check is off. That should last for seconds;
one that was left behind is an alarm until `recovery` has given the mode back.
"""

import logging
from dataclasses import dataclass
from datetime import datetime

from schema_mcp.domain.naming import parse_subject
from schema_mcp.domain.schema import Subject
from schema_mcp.services.ground import Ground
from schema_mcp.stores.journal import Journal, Status

IMPORT_MODE = "import_mode"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Opening:
    """A subject that a task has put into mode IMPORT; `seconds` ago."""

    registry: str
    subject: Subject
    task: str
    since: str
    seconds: float
    at_work: bool
    """Is the task still being carried out? If not, it was cut off, or the mode could not be given back."""


async def left_open(journal: Journal, now: datetime, *, registry: str | None = None) -> list[Opening]:
    """Every subject that is in mode IMPORT for us, oldest first; asks no registry."""
    found: list[Opening] = []
    for step in await journal.open_steps():
        name, _, rest = step.key.partition(" ")
        what, _, subject = rest.partition(" ")
        if what == IMPORT_MODE and registry in (None, name):
            age = (now - datetime.fromisoformat(step.since)).total_seconds()
            at_work = step.status is Status.RUNNING
            found.append(Opening(name, parse_subject(subject), step.task, step.since, age, at_work))
    return found


async def raise_alarm(ground: Ground) -> None:
    """Say in the log which subjects were left in mode IMPORT, and for how long."""
    for one in await left_open(ground.journal, ground.clock()):
        if not one.at_work:
            _log.warning(
                "%s: %s has been in mode IMPORT for %d s (task %s); the next write or start gives it back",
                one.registry,
                one.subject,
                one.seconds,
                one.task,
            )
