"""Our client against our own registry: the embedded one's REST face, with the semantics of the recordings."""

from collections.abc import AsyncIterator

import httpx2
import pytest
from starlette.applications import Starlette

from schema_mcp.domain.schema import Subject
from schema_mcp.interfaces.registry_api.face import registry_routes
from schema_mcp.interfaces.registry_api.gate import OpenGate
from schema_mcp.registries.backends.confluent import ConfluentRegistry
from schema_mcp.registries.backends.embedded import EmbeddedRegistry
from schema_mcp.registries.contract import Connection, Registry
from schema_mcp.testing.registry_contract import RegistryContract
from schema_mcp.testing.samples import Traffic, fresh, record


class Counting(httpx2.ASGITransport):
    def __init__(self, app: Starlette):
        super().__init__(app)
        self.requests = 0
        self.received = 0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await super().handle_async_request(request)
        self.requests += 1
        self.received += len(await response.aread())
        return response


class TestConfluentAgainstEmbeddedFace(RegistryContract):
    transport: Counting

    @pytest.fixture
    async def registry(self) -> AsyncIterator[Registry]:
        embedded = EmbeddedRegistry(Connection("dev"))
        self.transport = Counting(Starlette(routes=registry_routes({"dev": embedded.core}, OpenGate())))
        connection = Connection("dev", backend="confluent", urls=("http://localhost/registries/dev/",))
        registry = ConfluentRegistry(connection, self.transport)
        yield registry
        await registry.close()
        await embedded.close()

    def traffic(self, registry: Registry) -> Traffic:
        return Traffic(self.transport.requests, self.transport.received)

    async def test_a_thousand_and_more_versions_take_few_requests(self, registry: Registry):
        subjects = [Subject(f"topic-{number:04}") for number in range(1_005)]
        for subject in subjects:
            await registry.register(subject, record("id", name="Order"))
        before = self.transport.requests

        listed = [version.subject async for version in registry.versions()]

        assert listed == subjects
        assert self.transport.requests - before <= 4

    async def test_an_alias_is_not_the_subject_itself(self, registry: Registry):
        alias, target = fresh("alias"), fresh("target")
        await registry.register(target, record("id"))
        await registry.set_config(alias, {"alias": target.name})

        assert await registry.version(alias) is None
        assert alias not in await registry.subjects()
