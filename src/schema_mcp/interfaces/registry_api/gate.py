"""Who lets a request through: asked before every request, told how it ended.

`app.py` brings the real one (read-only registries, scopes, grants, audit); tests use `OpenGate`.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from schema_mcp.domain.approval import Irreversible
from schema_mcp.domain.caller import Caller
from schema_mcp.domain.schema import Subject
from schema_mcp.registries.embedded.changes import Witness


@dataclass(frozen=True, slots=True)
class Asking:
    """A request: who makes it (None where nobody has to say so), and what it names; nothing is the whole registry.

    `endpoint` is the row that answers it, however its path was spelled; `reached` looks up where it may end, which
    matters for callers who may not touch everything.
    """

    registry: str
    method: str
    path: str
    endpoint: str
    places: tuple[Subject, ...] = ()
    caller: Caller | None = None
    reached: Callable[[], tuple[Subject, ...]] = tuple
    deed: Irreversible | None = None
    """What of it cannot be undone."""


class Gate(Protocol):
    """A block around each request: raise a `SchemaMcpError` on entering to refuse it.

    What leaves the block is the outcome: nothing when the registry did it, a `Refusal` when it said no.
    """

    def read(self, asking: Asking) -> AbstractAsyncContextManager[None]:
        """Around what changes nothing; lookups and compatibility checks by POST are such."""
        ...

    def write(self, asking: Asking) -> AbstractAsyncContextManager[Witness | None]:
        """Around what changes the registry; what it gives takes note of the change itself."""
        ...


class OpenGate:
    """Lets everything through."""

    @asynccontextmanager
    async def read(self, asking: Asking) -> AsyncGenerator[None, None]:  # noqa: ARG002
        yield

    @asynccontextmanager
    async def write(self, asking: Asking) -> AsyncGenerator[None, None]:  # noqa: ARG002
        yield
