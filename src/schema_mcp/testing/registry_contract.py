"""The tests every backend inherits: subclass `RegistryContract` and give it a `registry` fixture.

    class TestMyRegistry(RegistryContract):
        @pytest.fixture
        async def registry(self) -> AsyncIterator[Registry]: ...

The registry need not be empty: every test makes names and contents of its own. What a registry does not claim in
`capabilities` is skipped, and the reason says what.
"""

import pytest

from schema_mcp.registries.contract import Capability, Registry
from schema_mcp.testing.listings import Lists
from schema_mcp.testing.schemas import KeepsSchemas
from schema_mcp.testing.scopes import KeepsScopes
from schema_mcp.testing.ties import KeepsTies


class RegistryContract(KeepsSchemas, Lists, KeepsScopes, KeepsTies):
    """What every registry does, and what it does with each capability that it claims."""

    @pytest.fixture(autouse=True)
    def _claimed(self, request: pytest.FixtureRequest, registry: Registry) -> None:
        wanted: frozenset[Capability] = getattr(request.function, "needs", frozenset())
        missing = sorted(wanted - registry.capabilities)
        if missing:
            pytest.skip(f"{registry.name} does not claim {', '.join(missing)}")
