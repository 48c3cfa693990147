"""Which subjects we wrote to lately, so that who keeps a picture of a registry mends it and needs no new one."""

from collections import deque
from collections.abc import Set as AbstractSet
from typing import Final

from schema_mcp.domain.schema import Subject

KEPT: Final = 1_000
"""So many writes are remembered one by one."""


class Changes:
    """Writes of ours to one registry that may have changed what it holds, counted when they have ended."""

    def __init__(self) -> None:
        self.count = 0
        self._about: deque[Subject | None] = deque(maxlen=KEPT)

    def note(self, subject: Subject | None) -> None:
        """A write about a subject has ended, well or not; None where it was about many."""
        self.count += 1
        self._about.append(subject)

    def since(self, count: int) -> AbstractSet[Subject] | None:
        """The subjects written to since the count was this; None where that is not known any more."""
        ended = self.count - count
        if ended > len(self._about):
            return None
        about = {self._about[-place] for place in range(1, ended + 1)}
        return None if None in about else {subject for subject in about if subject}
