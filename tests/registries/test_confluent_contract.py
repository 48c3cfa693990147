"""The Confluent backend keeps the contract, and every capability it claims is really tested."""

import inspect
from collections.abc import AsyncIterator

import httpx2
import pytest

from fakes.confluent import FakeConfluent
from schema_mcp.domain.errors import SchemaMcpError
from schema_mcp.registries.backends.confluent import ConfluentRegistry
from schema_mcp.registries.contract import Capability, Connection, Registry
from schema_mcp.testing.registry_contract import RegistryContract
from schema_mcp.testing.samples import Traffic


def confluent(fake: FakeConfluent) -> ConfluentRegistry:
    connection = Connection("dev", backend="confluent", urls=("http://sr.example.com",))
    return ConfluentRegistry(connection, httpx2.ASGITransport(fake))


class AgainstTheFake(RegistryContract):
    fake: FakeConfluent

    @pytest.fixture
    async def registry(self) -> AsyncIterator[Registry]:
        self.fake = self.started()
        registry = confluent(self.fake)
        yield registry
        await registry.close()

    def started(self) -> FakeConfluent:
        raise NotImplementedError

    def traffic(self, registry: Registry) -> Traffic:
        return Traffic(len(self.fake.requests), self.fake.sent)


class TestConfluent8(AgainstTheFake):
    def started(self):
        return FakeConfluent()


class TestConfluent7(AgainstTheFake):
    """7.x says less: no type for Avro, no GUID, and nothing but the id when it registers."""

    def started(self):
        return FakeConfluent(old=True)


class TestSmallPages(AgainstTheFake):
    """A server whose largest page is smaller than what we ask for."""

    def started(self):
        return FakeConfluent(cap=7)


def needing(capability: Capability) -> list[str]:
    tests = inspect.getmembers(RegistryContract, inspect.isfunction)
    return [name for name, test in tests if capability in getattr(test, "needs", ())]


async def fails(name: str, fake: FakeConfluent) -> bool:
    contract, registry = AgainstTheFake(), confluent(fake)
    contract.fake = fake
    try:
        await getattr(contract, name)(registry)
    except (AssertionError, SchemaMcpError, pytest.fail.Exception):
        return True
    return False


@pytest.mark.parametrize("capability", Capability)
async def test_a_registry_that_lacks_a_capability_fails_a_test_of_it(capability: Capability):
    tests = needing(capability)

    failed = [name for name in tests if await fails(name, FakeConfluent(lacks=frozenset({capability})))]
    failed_with_everything = [name for name in tests if await fails(name, FakeConfluent())]

    assert failed
    assert failed_with_everything == []
