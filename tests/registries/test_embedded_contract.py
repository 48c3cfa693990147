"""The embedded registry keeps the contract, in memory and in a file."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from schema_mcp.registries.contract import Connection, Registry
from schema_mcp.registries.plugins import open_registry
from schema_mcp.testing.registry_contract import RegistryContract


class TestEmbeddedInMemory(RegistryContract):
    @pytest.fixture
    async def registry(self) -> AsyncIterator[Registry]:
        registry = open_registry(Connection("dev"))
        yield registry
        await registry.close()


class TestEmbeddedInAFile(RegistryContract):
    @pytest.fixture
    async def registry(self, tmp_path: Path) -> AsyncIterator[Registry]:
        registry = open_registry(Connection("dev", path=tmp_path / "dev.sqlite"))
        yield registry
        await registry.close()
