"""Real registries keep the contract, as far as their dialects claim; and lack what their dialects deny."""

import inspect
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, ClassVar

import httpx2
import pytest

from live.conftest import GIVEN_BACKEND
from live.products import apicurio, axonops
from live.record import Run, Session
from schema_mcp.domain.errors import SchemaMcpError
from schema_mcp.registries.contract import Capability, Connection, Registry
from schema_mcp.registries.dialects import APICURIO, AXONOPS, Dialect
from schema_mcp.registries.plugins import backend
from schema_mcp.registries.rest import RestRegistry
from schema_mcp.testing.registry_contract import RegistryContract
from schema_mcp.testing.samples import Traffic

pytestmark = pytest.mark.live


class Counting(httpx2.AsyncHTTPTransport):
    """Counts what goes over the wire."""

    requests = 0
    received = 0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await super().handle_async_request(request)
        self.requests += 1
        self.received += len(await response.aread())
        return response


class AgainstAProduct(RegistryContract):
    key: ClassVar[str]
    backend: ClassVar[str]
    transport: Counting

    def traffic(self, registry: Registry) -> Traffic:
        return Traffic(self.transport.requests, self.transport.received)

    @pytest.fixture
    async def registry(self, session: Session, url: str) -> AsyncIterator[Registry]:
        self.transport = Counting()
        registry = backend(self.backend)(Connection(self.key, backend=self.backend, urls=(url,)), self.transport)
        info = await registry.info()
        session.runs.setdefault(self.key, self.run(info.product, info.version))
        yield registry
        await registry.close()

    def run(self, product: str, version: str) -> Run:
        return Run(self.key, product, version, self.backend)


class TestApicurioV7(AgainstAProduct):
    key, backend = "apicurio-v7", "apicurio"

    @pytest.fixture
    def url(self, apicurio: str) -> str:
        return f"{apicurio}/apis/ccompat/v7"

    def run(self, product: str, version: str) -> Run:
        return replace(super().run(product, version), face="ccompat v7")


class TestApicurioV8(AgainstAProduct):
    """Not told what it is: it has to be recognised."""

    key, backend = "apicurio-v8", "confluent"

    @pytest.fixture
    def url(self, apicurio: str) -> str:
        return f"{apicurio}/apis/ccompat/v8"

    def run(self, product: str, version: str) -> Run:
        assert (product, version) == (apicurio.NAME, apicurio.VERSION)
        return replace(super().run(product, version), face="ccompat v8", backend="apicurio")


class TestAxonOps(AgainstAProduct):
    """Not told what it is either. A build from source calls itself `dev`."""

    key, backend = "axonops", "confluent"

    @pytest.fixture
    def url(self, axonops: str) -> str:
        return axonops

    def run(self, product: str, version: str) -> Run:
        assert (product, version) == (axonops.NAME, "dev")
        return replace(super().run(product, axonops.VERSION), backend="axonops")


class TestGiven(AgainstAProduct):
    key, backend = "given", GIVEN_BACKEND

    @pytest.fixture
    def url(self, given: str) -> str:
        return given


DENIED = [
    pytest.param(dialect, capability, id=f"{dialect.backend}-{capability}")
    for dialect in (APICURIO, AXONOPS)
    for capability in dialect.lacks
]


@pytest.mark.parametrize(("dialect", "capability"), DENIED)
async def test_what_a_dialect_denies_is_really_lacking(
    dialect: Dialect, capability: Capability, request: pytest.FixtureRequest
):
    address = request.getfixturevalue(dialect.backend)
    url = f"{address}/apis/ccompat/v7" if dialect is APICURIO else address
    tests = [
        test
        for _, test in inspect.getmembers(RegistryContract, inspect.isfunction)
        if capability in getattr(test, "needs", ())
    ]

    failed = [test.__name__ for test in tests if await _fails(test, dialect, url)]

    assert failed, f"{dialect.product} has learnt {capability}: claim it"


async def _fails(test: Any, dialect: Dialect, url: str) -> bool:
    """Does a test of the contract fail when everything is claimed?"""

    class Claiming(RestRegistry):
        product = replace(dialect, lacks={})

    contract = AgainstAProduct()
    contract.transport = Counting()
    registry = Claiming(Connection("claiming", urls=(url,)), contract.transport)
    try:
        await test(contract, registry)
    except (AssertionError, SchemaMcpError, pytest.fail.Exception):
        return True
    finally:
        await registry.close()
    return False
