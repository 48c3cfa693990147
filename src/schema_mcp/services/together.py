"""Do several things at once, bounded, and meet one error as itself."""

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import anyio
from anyio.lowlevel import checkpoint

from schema_mcp.domain.errors import SchemaMcpError

Item = TypeVar("Item")
Answer = TypeVar("Answer")

AT_ONCE = 16

_STRETCH = 0.01
"""Seconds after which others have their turn."""


async def each(
    items: Sequence[Item], ask: Callable[[Item], Awaitable[Answer]], *, at_once: int = AT_ONCE
) -> list[Answer]:
    """The answers for all items, in their order, at most `at_once` asked at a time.

    The first `SchemaMcpError` ends the others and is raised as it is, not wrapped in a group.
    """
    answers: dict[int, Answer] = {}
    left = iter(enumerate(items))

    async def work() -> None:
        since = time.monotonic()
        for index, item in left:  # shared: each takes the next that nobody has
            answers[index] = await ask(item)
            if time.monotonic() - since > _STRETCH:  # what is in this process answers without ever waiting
                await checkpoint()
                since = time.monotonic()

    try:
        async with anyio.create_task_group() as asking:
            for _ in range(min(at_once, len(items))):
                asking.start_soon(work)
    except* SchemaMcpError as group:
        raise _first(group) from None
    return [answers[index] for index in range(len(items))]


def _first(group: BaseExceptionGroup[SchemaMcpError]) -> SchemaMcpError:
    found: BaseException = group
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    assert isinstance(found, SchemaMcpError)  # noqa: S101 - `except*` let nothing else in
    return found
