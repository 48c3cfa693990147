"""Who lets a request through: asked before every request, told how it ended.

`app.py` brings the real one (read-only registries, scopes, audit); tests use `OpenGate`.
"""

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from schema_mcp.registries.embedded.changes import Witness


class Gate(Protocol):
    """A block around each request: raise a `SchemaMcpError` on entering to refuse it.

    What leaves the block is the outcome: nothing when the registry did it, a `Refusal` when it said no.
    """

    def read(self, registry: str, method: str, path: str) -> AbstractAsyncContextManager[None]:
        """Around what changes nothing; lookups and compatibility checks by POST are such."""
        ...

    def write(self, registry: str, method: str, path: str) -> AbstractAsyncContextManager[Witness | None]:
        """Around what changes the registry; what it gives takes note of the change itself."""
        ...


class OpenGate:
    """Lets everything through."""

    @asynccontextmanager
    async def read(self, registry: str, method: str, path: str) -> AsyncGenerator[None, None]:  # noqa: ARG002
        yield

    @asynccontextmanager
    async def write(self, registry: str, method: str, path: str) -> AsyncGenerator[None, None]:  # noqa: ARG002
        yield
