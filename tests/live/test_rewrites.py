"""What the products rewrite is what their rules say: nothing more, and nothing less."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from live.record import RESULTS, Run, Session
from live.rewrites import claimed, observed, seen
from schema_mcp.registries.contract import Connection, Registry
from schema_mcp.registries.normalisers import normalisers_of
from schema_mcp.registries.plugins import backend

pytestmark = pytest.mark.live
key = "rewrites"

KEPT = RESULTS / "rewrites"
PRODUCTS = {
    "apicurio-v7": ("apicurio", "/apis/ccompat/v7"),
    "apicurio-v8": ("apicurio", "/apis/ccompat/v8"),
    "axonops": ("axonops", ""),
    "embedded": ("", ""),
}


@pytest.fixture(params=PRODUCTS)
def product(request: pytest.FixtureRequest, session: Session) -> tuple[str, Connection]:
    fixture, path = PRODUCTS[request.param]
    session.runs.setdefault(key, Run(key, "What they rewrite", ""))
    if not fixture:
        return request.param, Connection("embedded")
    url = request.getfixturevalue(fixture) + path
    return request.param, Connection(request.param, backend="confluent", urls=(url,))


async def test_every_rewrite_has_a_rule_and_every_rule_shows(product: tuple[str, Connection]):
    name, connection = product
    async with closing(backend(connection.backend)(connection)) as registry:
        info = await registry.info()

        told = await observed(registry)

    assert seen(told) == claimed(normalisers_of(registry))
    keep(name, {"product": info.product, "version": info.version, "observed": told})


@asynccontextmanager
async def closing(registry: Registry) -> AsyncGenerator[Registry]:
    try:
        yield registry
    finally:
        await registry.close()


def keep(name: str, told: dict[str, Any]) -> None:
    """Write it down, unless nothing but the day is new."""
    path = KEPT / f"{name}.json"
    if path.exists() and without_date(path) == told:
        return
    dated = {"date": datetime.now(UTC).date().isoformat(), **told}
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(dated, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def without_date(path: Path) -> dict[str, Any]:
    told = json.loads(path.read_text(encoding="utf-8"))
    return {name: value for name, value in told.items() if name != "date"}
