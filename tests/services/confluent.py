"""A world whose registries are reached over Confluent's REST API, answered inside the test."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import httpx2

from schema_mcp.registries.backends.confluent import ConfluentRegistry
from schema_mcp.registries.contract import Capability, Connection
from schema_mcp.registries.fleet import Fleet
from services.world import World


def reached_over_rest(world: World, fakes: Mapping[str, Any], **limits: Any) -> World:
    """The same world with other registries: each an ASGI application, or a function that answers requests."""
    connections = [
        Connection(name, backend="confluent", urls=(f"http://ann:secret@{name}.example.com",), retries=0, **limits)
        for name in fakes
    ]

    def opened(connection: Connection) -> ConfluentRegistry:
        fake = fakes[connection.name]
        transport = fake if isinstance(fake, httpx2.AsyncBaseTransport) else httpx2.ASGITransport(fake)
        return _Lesser(connection, transport, lacks=getattr(fake, "lacks", frozenset[Capability]()))

    fleet = Fleet(connections, default=connections[0].name, opener=opened)
    return World(replace(world.workspace, fleet=fleet))


class _Lesser(ConfluentRegistry):
    """One that says what it cannot do."""

    def __init__(self, connection: Connection, transport: Any, *, lacks: frozenset[Capability]):
        super().__init__(connection, transport)
        self._lacks = lacks

    @property
    def capabilities(self) -> frozenset[Capability]:
        return frozenset(Capability) - self._lacks


def answering(status: int, text: str = "no") -> httpx2.MockTransport:
    """A registry that says the same to everything."""
    return httpx2.MockTransport(lambda _: httpx2.Response(status, text=text))


def dead() -> httpx2.MockTransport:
    """A registry that nobody can connect to."""

    def refuse(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("refused", request=request)

    return httpx2.MockTransport(refuse)
