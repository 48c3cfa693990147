"""The REST face around the registry: the gate, bodies and types, paths, and how it is mounted."""

import json
from contextlib import asynccontextmanager

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from schema_mcp.domain.errors import NotPermittedError, ReadOnlyError
from schema_mcp.interfaces.registry_api.endpoints import ENDPOINTS
from schema_mcp.interfaces.registry_api.face import registry_routes
from schema_mcp.interfaces.registry_api.gate import OpenGate
from schema_mcp.interfaces.registry_api.media import JSON_TYPES
from schema_mcp.registries.embedded.core import Core
from schema_mcp.registries.embedded.refusals import Refusal

REGISTER = {"schema": '"string"'}


class Gate:
    """Remembers what it let through and how that ended; refuses writes where it has a reason."""

    def __init__(self, refuses=None):
        self.refuses = refuses
        self.log = []

    @asynccontextmanager
    async def read(self, asking):
        self.log.append(("read", asking.registry, asking.method, asking.path))
        yield

    @asynccontextmanager
    async def write(self, asking):
        asked = asking.registry, asking.method, asking.path
        if self.refuses:
            raise self.refuses
        try:
            yield
        except Refusal as no:
            self.log.append(("refused", *asked, no.error_code))
            raise
        self.log.append(("wrote", *asked))


@pytest.fixture
def core():
    core = Core()
    yield core
    core.close()


def served(core, gate=None, **settings):
    app = Starlette(routes=registry_routes({"dev": core}, gate or OpenGate(), **settings))
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://localhost/registries/dev")


async def test_the_gate_hears_of_writes_before_and_after(core):
    gate = Gate()
    async with served(core, gate) as client:
        await client.post("/subjects/a%2Fb/versions", json=REGISTER)
        await client.post("/subjects/a%2Fb/versions", json={"schema": "nonsense"})
        await client.post("/subjects/a%2Fb", json=REGISTER)
        await client.get("/subjects")

    assert gate.log == [
        ("wrote", "dev", "POST", "/subjects/a%2Fb/versions"),
        ("refused", "dev", "POST", "/subjects/a%2Fb/versions", 42201),
        ("read", "dev", "POST", "/subjects/a%2Fb"),
        ("read", "dev", "GET", "/subjects"),
    ]


@pytest.mark.parametrize(
    ("reason", "status", "code"),
    [
        pytest.param(ReadOnlyError("dev is read-only"), 422, 42205, id="read-only"),
        pytest.param(NotPermittedError("write is missing"), 403, 40301, id="no-scope"),
    ],
)
async def test_what_the_gate_refuses_is_not_done(core, reason, status, code):
    async with served(core, Gate(reason)) as client:
        answer = await client.post("/subjects/a/versions", json=REGISTER)
        subjects = await client.get("/subjects")

    assert (answer.status_code, answer.json()) == (status, {"error_code": code, "message": str(reason)})
    assert subjects.json() == []


def test_everything_that_can_change_something_is_a_write():
    reads_by_post = {"/", "/subjects/{subject}"}
    changing = [row for row in ENDPOINTS if row.method != "GET" and not row.path.startswith("/compatibility")]

    assert {row.path for row in changing if not row.writes} == reads_by_post
    assert not [row for row in ENDPOINTS if row.method == "GET" and row.writes]


@pytest.mark.parametrize("row", [pytest.param(row, id=f"{row.method} {row.path}") for row in ENDPOINTS if row.writes])
async def test_no_write_passes_a_closed_gate(core, row):
    path = row.path.format(subject="a", version="1", context=".c")
    async with served(core, Gate(ReadOnlyError("closed"))) as client:
        answer = await client.request(row.method, path, json={"mode": "READONLY", "schema": '"string"'})

    assert answer.json()["message"] == "closed"


async def test_a_body_beyond_the_bound_is_refused_unread(core):
    async with served(core, largest_body=1_000) as client:
        answer = await client.post("/subjects/a/versions", json={"schema": "x" * 1_000})

    assert answer.status_code == 413


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(b'{"schema":"' + b"\xff" + b'"}', id="bad-utf-8"),
        pytest.param(b'{"id":' + b"9" * 5_000 + b"}", id="huge-number"),
        pytest.param(b'{"id":NaN}', id="not-a-number"),
        pytest.param(b'{"id":1e999}', id="infinite"),
        pytest.param(b'{"id":4294967296}', id="beyond-32-bits"),
        pytest.param(b'{"schema":"\\ud800"}', id="half-a-character"),
        pytest.param(b'{"metadata":{"properties":{"a":["x"]}}}', id="list-for-text"),
    ],
)
async def test_a_body_that_is_no_good_json_is_400(core, body):
    async with served(core) as client:
        answer = await client.post("/subjects/a/versions", content=body, headers={"content-type": JSON_TYPES[0]})

    assert (answer.status_code, answer.json()["error_code"]) == (400, 400)


async def test_answers_name_the_type_that_was_asked_for(core):
    async with served(core) as client:
        answers = [await client.get("/subjects", headers={"accept": kind}) for kind in JSON_TYPES]

    assert [answer.headers["content-type"] for answer in answers] == list(JSON_TYPES)


async def test_head_and_options_are_answered(core):
    async with served(core) as client:
        head = await client.head("/subjects")
        options = await client.options("/subjects/a/versions")

    assert (head.status_code, head.headers["content-length"]) == (200, "2")
    assert options.headers["allow"] == "GET, POST, HEAD, OPTIONS"


async def test_names_outside_ascii_travel_unharmed(core):
    name = "größe/😀 &?#%"
    async with served(core) as client:
        quoted = "gr%C3%B6%C3%9Fe%2F%F0%9F%98%80%20%26%3F%23%25"
        await client.post(f"/subjects/{quoted}/versions", json=REGISTER)
        listed = await client.get("/subjects", params={"subjectPrefix": "größe/"})
        missing = await client.get(f"/subjects/{quoted}x/versions")

    assert listed.json() == [name]
    assert f"'{name}x'" in missing.json()["message"]


async def test_each_registry_has_its_own_face(core):
    other = Core()
    app = Starlette(routes=registry_routes({"dev": core, "dev2": other}, OpenGate()))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://localhost") as client:
        await client.post("/registries/dev/subjects/a/versions", json=REGISTER)
        answers = [await client.get(f"/registries/{name}/subjects") for name in ("dev", "dev2", "nope")]

    assert [answer.status_code for answer in answers] == [200, 200, 404]
    assert [json.loads(answer.text) for answer in answers[:2]] == [["a"], []]
    other.close()


async def test_it_can_be_mounted_below_another_application(core):
    inner = Starlette(routes=registry_routes({"dev": core}, OpenGate()))
    app = Starlette()
    app.mount("/schemas-of", inner)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://localhost") as client:
        answer = await client.get("/schemas-of/registries/dev/subjects")

    assert (answer.status_code, answer.json()) == (200, [])


async def test_it_does_not_stand_in_the_way_of_other_routes(core):
    other = Route("/other", lambda _: None, name="other")
    app = Starlette(routes=[*registry_routes({"dev": core}, OpenGate()), other])

    assert app.url_path_for("other") == "/other"


async def test_it_tells_clients_whose_answers_it_gives(core):
    async with served(core) as client:
        version = (await client.get("/v1/metadata/version")).json()["version"]
        cluster = (await client.get("/v1/metadata/id")).json()

    assert version.startswith("8.1.5+schema-mcp.")
    assert cluster["scope"]["clusters"]["schema-registry-cluster"] == "dev"
