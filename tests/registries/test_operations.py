"""The contract reaches every endpoint of a Confluent-shaped registry, as the page about it says."""

import inspect
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest

from fakes.confluent import FakeConfluent
from schema_mcp.domain.errors import SchemaMcpError
from schema_mcp.domain.schema import Mode, Schema, Subject
from schema_mcp.interfaces.registry_api.calls import Endpoint
from schema_mcp.interfaces.registry_api.endpoints import ENDPOINTS
from schema_mcp.registries.backends.confluent import ConfluentRegistry
from schema_mcp.registries.contract import Connection, Form, Registry, TagChange
from schema_mcp.registries.dialects import CONFLUENT

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "operations.md"
ROWS = dict(re.findall(r"^\| `([A-Z]+ /[^`]*)` \| `(\w+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
S, WHOLE = Subject("orders-value"), Subject("")
SCHEMA = Schema('{"type":"record","name":"Order","fields":[]}')
GUID = "00000000-0000-0000-0000-000000000000"


class Named(ConfluentRegistry):
    """It is not asked which product it is."""

    product = CONFLUENT


async def every(registry: Registry) -> None:
    assert [one.number async for one in registry.versions()] == [1]


ASKED: dict[str, Callable[[Registry], Awaitable[Any]]] = {
    "GET /v1/metadata/id": lambda it: it.deployment(),
    "GET /v1/metadata/version": lambda it: it.info(),
    "GET /v1/metadata/deployment": lambda it: it.deployment(),
    "GET /contexts": lambda it: it.contexts(),
    "DELETE /contexts/{context}": lambda it: it.delete_context(".eu"),
    "GET /schemas": every,
    "GET /schemas/types": lambda it: it.types(),
    "GET /schemas/ids/{id}": lambda it: it.schema(1),
    "GET /schemas/ids/{id}/versions": lambda it: it.holders(1),
    "GET /schemas/guids/{guid}": lambda it: it.by_guid(GUID),
    "GET /schemas/guids/{guid}/ids": lambda it: it.ids(GUID),
    "GET /subjects": lambda it: it.subjects(),
    "POST /subjects/{subject}": lambda it: it.lookup(S, SCHEMA),
    "DELETE /subjects/{subject}": lambda it: it.delete_subject(S),
    "GET /subjects/{subject}/metadata": lambda it: it.by_metadata(S, {"owner": "a"}),
    "GET /subjects/{subject}/versions": lambda it: it.numbers(S),
    "POST /subjects/{subject}/versions": lambda it: it.register(S, SCHEMA),
    "GET /subjects/{subject}/versions/{version}": lambda it: it.version(S),
    "DELETE /subjects/{subject}/versions/{version}": lambda it: it.delete_version(S, 1),
    "GET /subjects/{subject}/versions/{version}/referencedby": lambda it: it.referrers(S, 1),
    "POST /subjects/{subject}/versions/{version}/tags": lambda it: it.amend(S, 1, TagChange()),
    "POST /compatibility/subjects/{subject}/versions": lambda it: it.check(S, SCHEMA),
    "POST /compatibility/subjects/{subject}/versions/{version}": lambda it: it.check(S, SCHEMA, number=1),
    "GET /config": lambda it: it.config(WHOLE),
    "PUT /config": lambda it: it.set_config(WHOLE, {"compatibility": "FULL"}),
    "DELETE /config": lambda it: it.delete_config(WHOLE),
    "GET /config/{subject}": lambda it: it.config(S),
    "PUT /config/{subject}": lambda it: it.set_config(S, {"compatibility": "FULL"}),
    "DELETE /config/{subject}": lambda it: it.delete_config(S),
    "GET /mode": lambda it: it.mode(WHOLE),
    "PUT /mode": lambda it: it.set_mode(WHOLE, Mode.READONLY),
    "DELETE /mode": lambda it: it.delete_mode(WHOLE),
    "GET /mode/{subject}": lambda it: it.mode(S),
    "PUT /mode/{subject}": lambda it: it.set_mode(S, Mode.READONLY),
    "DELETE /mode/{subject}": lambda it: it.delete_mode(S),
}
INSTEAD = {
    "GET /": "GET /v1/metadata/version",
    "POST /": "GET /v1/metadata/version",
    "GET /schemas/ids/{id}/schema": "GET /schemas/ids/{id}",
    "GET /schemas/ids/{id}/subjects": "GET /schemas/ids/{id}/versions",
    "GET /subjects/{subject}/versions/{version}/schema": "GET /subjects/{subject}/versions/{version}",
}
"""Endpoints that another one serves as well: what is asked instead says all that they say."""


def row(endpoint: Endpoint) -> str:
    return f"{endpoint.method} {endpoint.path}"


def test_the_page_names_every_endpoint_and_only_methods_of_the_contract():
    contract = {name for name, _ in inspect.getmembers(Registry, inspect.isfunction) if not name.startswith("_")}

    assert ROWS.keys() == {row(endpoint) for endpoint in ENDPOINTS}
    assert contract - set(ROWS.values()) == {"close", "highest_id"}
    assert set(ROWS.values()) <= contract


def test_every_endpoint_is_asked_or_has_another_in_its_place():
    assert ASKED.keys() | INSTEAD.keys() == ROWS.keys()
    assert set(INSTEAD.values()) <= ASKED.keys()


@pytest.mark.parametrize("wanted", ASKED)
async def test_the_contract_reaches_an_endpoint(wanted: str):
    fake = FakeConfluent()
    registry = ConfluentRegistry(Connection("dev", urls=("http://sr.example.com",)), httpx2.ASGITransport(fake))
    await registry.register(S, SCHEMA)
    fake.requests.clear()

    with suppress(SchemaMcpError):  # it need not be there
        await ASKED[wanted](registry)
    await registry.close()

    reached = {
        row(endpoint)
        for method, path in fake.requests
        for endpoint in ENDPOINTS
        if endpoint.method == method and endpoint.matched(tuple(path.split("/")[1:])) is not None
    }
    assert wanted in reached


async def test_what_a_call_may_add_is_sent():
    asked = list[str]()

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(f"{request.method} {request.url.raw_path.decode()}")
        return httpx2.Response(404, json={"error_code": 40401, "message": "Subject not found."})

    told = Named(Connection("dev", urls=("http://sr.example.com",)), httpx2.MockTransport(answer))

    assert await told.by_metadata(S, {"owner": "a&b", "pii": "no"}, deleted=True) is None
    assert await told.text(S, Form.SERIALIZED, 3, deleted=True) is None
    assert (await told.check(S, SCHEMA, normalize=True)).compatible
    for call in (told.referrers(S, 3, deleted=True), told.delete_mode(S, recursive=True)):
        with pytest.raises(SchemaMcpError):
            await call

    assert asked == [
        "GET /subjects/orders-value/metadata?key=owner&key=pii&value=a%26b&value=no&deleted=true",
        "GET /subjects/orders-value/versions/3?format=serialized&deleted=true",
        "POST /compatibility/subjects/orders-value/versions?verbose=true&normalize=true",
        "GET /subjects/orders-value/versions",
        "GET /subjects/orders-value/versions/3/referencedby?offset=0&limit=1000&deleted=true",
        "DELETE /mode/orders-value?recursive=true",
    ]
