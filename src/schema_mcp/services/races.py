"""Two at once at one subject: whoever loses reads again and tries once more."""

from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from typing import TypeVar

import anyio

from schema_mcp.domain.errors import ConflictError
from schema_mcp.services import agreement
from schema_mcp.services.ground import Ground

Done = TypeVar("Done")

_TURNS = 5
_PAUSE = 0.05


class LostRaceError(ConflictError):
    """Somebody else committed to the subject between our reading and our commit; read again."""


async def insist(ground: Ground, attempt: Callable[[], Awaitable[Done]]) -> Done:
    """Try again, from reading on, as long as somebody else is faster; the ledger learns what he committed."""
    for turn in range(_TURNS):
        try:
            return await attempt()
        except LostRaceError:
            if turn == _TURNS - 1:
                raise
            await anyio.sleep(_PAUSE * 2**turn)
            await ground.store.fetch()
            await agreement.settle(ground)
    raise AssertionError("unreachable")  # pragma: no cover


@contextmanager
def racing() -> Generator[None]:
    """Where a conflict means that somebody else took the number meanwhile."""
    try:
        yield
    except ConflictError as error:
        raise LostRaceError(str(error), hint=error.hint, details=error.details) from error
