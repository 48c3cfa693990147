"""Who looks on while a registry is asked over HTTP: nobody, unless the process is traced (`tracing.py`)."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TypeAlias

Answered: TypeAlias = Callable[[int | None], None]
"""Told of the status that was answered; None where no whole answer came."""

Onlooker: TypeAlias = Callable[[str, str], AbstractContextManager[Answered]]
"""Around one request: the name of its registry, and its method. Never its path or body, which name what is kept."""


def _unheard(_: int | None) -> None:
    """Nobody listens."""


def nobody(_: str, __: str) -> AbstractContextManager[Answered]:
    """Looks at nothing."""
    return _NOTHING


_NOTHING = nullcontext(_unheard)

looks_on: Onlooker = nobody
"""One for the process, as its exporter is."""
