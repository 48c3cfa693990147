"""The Confluent backend where registries misbehave: what is missing, wrong, or somebody else's."""

import inspect
from typing import Any

import httpx2
import pytest

from fakes.confluent import FakeConfluent
from schema_mcp.domain.errors import InvalidRequestError, RegistryError, SchemaMcpError
from schema_mcp.domain.schema import Mode, Schema, SchemaType, Subject
from schema_mcp.registries.backends.confluent import ConfluentRegistry
from schema_mcp.registries.contract import Capability, Connection, Info
from schema_mcp.registries.dialects import CONFLUENT

ORDERS = Subject("orders-value")
ORDER = Schema('{"type":"record","name":"Order","fields":[]}')
READS = {
    "info": (),
    "contexts": (),
    "subjects": (),
    "numbers": (ORDERS,),
    "version": (ORDERS,),
    "versions": (),
    "schema": (1,),
    "holders": (1,),
    "lookup": (ORDERS, ORDER),
    "check": (ORDERS, ORDER),
    "referrers": (ORDERS,),
    "config": (ORDERS,),
    "mode": (ORDERS,),
    "highest_id": (),
}


class Canned:
    """A registry that gives the same answer to everything, or one answer per path."""

    def __init__(self, *answers: httpx2.Response, **by_path: Any):
        self.answers = list(answers)
        self.by_path = by_path
        self.requests: list[httpx2.Request] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class Known(ConfluentRegistry):
    """Need not find out which product it is."""

    product = CONFLUENT


def registry(handler: Any) -> ConfluentRegistry:
    connection = Connection("prod", urls=("http://sr.example.com",), retries=0)
    return Known(connection, httpx2.MockTransport(handler))


def answering(*answers: Any) -> ConfluentRegistry:
    return registry(Canned(*(httpx2.Response(200, json=answer) for answer in answers)))


def faked(fake: FakeConfluent) -> ConfluentRegistry:
    connection = Connection("prod", urls=("http://sr.example.com",), retries=0)
    return ConfluentRegistry(connection, httpx2.ASGITransport(fake))


async def ask(target: ConfluentRegistry, method: str, *arguments: Any) -> Any:
    answer = getattr(target, method)(*arguments)
    return [one async for one in answer] if inspect.isasyncgen(answer) else await answer


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(httpx2.Response(500, json={"error_code": 50001, "message": "store"}), id="500"),
        pytest.param(httpx2.Response(401, json={"error_code": 401, "message": "who"}), id="401"),
        pytest.param(httpx2.Response(403, text="no"), id="403"),
        pytest.param(
            httpx2.Response(404, json={"error_code": 404, "message": "HTTP 404 Not Found"}), id="no-such-path"
        ),
        pytest.param(httpx2.Response(404, text="nginx"), id="404-of-a-proxy"),
        pytest.param(httpx2.Response(200, text="<html>hello"), id="html"),
        pytest.param(httpx2.Response(200, json="hello"), id="another-shape"),
        pytest.param(httpx2.Response(200, json=[{"a": 1}]), id="a-list-of-another-shape"),
        pytest.param(httpx2.Response(200), id="nothing"),
        pytest.param(httpx2.Response(302, headers={"Location": "/login"}), id="sign-in-page"),
    ],
)
@pytest.mark.parametrize(("method", "arguments"), READS.items(), ids=READS)
async def test_trouble_never_looks_like_an_empty_registry(
    method: str, arguments: tuple[Any, ...], answer: httpx2.Response
):
    with pytest.raises(SchemaMcpError) as raised:
        await ask(registry(Canned(answer)), method, *arguments)

    assert type(raised.value) is RegistryError
    assert "prod" in str(raised.value)
    assert raised.value.details["status"] == answer.status_code
    assert raised.value.hint or answer.headers.get("content-type") == "application/json"


@pytest.mark.parametrize(("method", "arguments"), READS.items(), ids=READS)
async def test_an_object_of_another_shape_is_no_answer(method: str, arguments: tuple[Any, ...]):
    target = answering({"a": [{}]})

    if method == "config":
        assert await ask(target, method, *arguments) == {"a": [{}]}
    else:
        with pytest.raises(RegistryError, match="another shape"):
            await ask(target, method, *arguments)


async def test_a_connection_that_breaks_never_looks_like_an_empty_registry():
    def broken(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ReadError("reset")

    for method, arguments in READS.items():
        with pytest.raises(RegistryError, match="did not answer"):
            await ask(registry(broken), method, *arguments)


class TestInfo:
    async def test_names_product_and_version(self):
        assert await answering({"version": "8.1.5", "commitId": "x"}).info() == Info(
            "Confluent Schema Registry", "8.1.5"
        )

    async def test_of_a_registry_that_does_not_say_is_unknown_but_proves_that_it_answers(self):
        missing = httpx2.Response(404, json={"error_code": 404, "message": "HTTP 404 Not Found"})
        stub = Canned(missing, missing, missing, httpx2.Response(200, json=["AVRO"]))
        unnamed = ConfluentRegistry(Connection("prod", urls=("http://sr.example.com",)), httpx2.MockTransport(stub))

        assert await unnamed.info() == Info("unknown", "unknown")
        assert [request.url.path for request in stub.requests] == [
            "/v1/metadata/version",
            "/_health",
            "/status/ready",
            "/schemas/types",
        ]


class TestWhatIsSent:
    async def test_every_request_asks_for_all_properties(self):
        stub = Canned(httpx2.Response(200, json=[]))

        await registry(stub).subjects()

        headers = stub.requests[0].headers
        assert headers["Accept"] == "application/vnd.schemaregistry.v1+json"
        assert headers["Confluent-Accept-Unknown-Properties"] == "true"

    async def test_text_travels_as_text(self):
        odd = Schema('{ "type":"string" ,\n"x": 1.0, "é":"\\u00e9" }', metadata={}, rule_set={"domainRules": []})
        fake = FakeConfluent()

        registered = await faked(fake).register(ORDERS, odd)

        assert registered.schema == odd
        assert fake.subjects["orders-value"][1].body["metadata"] == {}

    async def test_absent_metadata_is_not_sent(self):
        fake = FakeConfluent()

        await faked(fake).register(ORDERS, ORDER)

        assert fake.subjects["orders-value"][1].body.keys() == {"schema", "schemaType"}

    @pytest.mark.parametrize(
        ("context", "prefix", "sent"),
        [
            pytest.param(None, "", ":*:", id="everything"),
            pytest.param(None, "or", ":*:or", id="every-context"),
            pytest.param(".", "", "", id="default-context"),
            pytest.param(".", "or", "or", id="default-context-prefix"),
            pytest.param(".", ":x", ":.::x", id="default-context-odd-prefix"),
            pytest.param(".eu", "", ":.eu:", id="context"),
            pytest.param(".eu", "or", ":.eu:or", id="context-prefix"),
        ],
    )
    async def test_lists_are_cut_down_by_the_registry(self, context: str | None, prefix: str, sent: str):
        stub = Canned(httpx2.Response(200, json=[]))
        target = registry(stub)

        await target.subjects(context=context, prefix=prefix)
        assert [one async for one in target.versions(context=context, prefix=prefix)] == []

        assert {request.url.params["subjectPrefix"] for request in stub.requests} == {sent}

    @pytest.mark.parametrize(
        ("scope", "path"),
        [
            pytest.param(Subject(""), "/mode", id="registry"),
            pytest.param(Subject("", ".eu"), "/mode/:.eu:", id="context"),
            pytest.param(Subject("", ".__GLOBAL"), "/mode/:.__GLOBAL:", id="all-contexts"),
            pytest.param(ORDERS, "/mode/orders-value", id="subject"),
            pytest.param(Subject("a/b", ".eu"), "/mode/:.eu:a%2Fb", id="subject-in-a-context"),
        ],
    )
    async def test_a_scope_has_its_path(self, scope: Subject, path: str):
        stub = Canned(httpx2.Response(200, json={"mode": "IMPORT"}))
        target = registry(stub)

        await target.set_mode(scope, Mode.IMPORT, force=True)
        await target.mode(scope, inherited=True)

        raw = [request.url.raw_path.decode().replace("%3A", ":") for request in stub.requests]
        assert raw == [f"{path}?force=true", f"{path}?defaultToGlobal=true"]

    async def test_a_subject_without_a_name_is_refused(self):
        with pytest.raises(InvalidRequestError):
            await answering([]).numbers(Subject(""))


THEIRS = {"subject": ":.eu:orders-value", "version": 1, "id": 1, "schema": "{}"}


class TestWhoseAnswerItIs:
    async def test_another_contexts_version_is_none(self):
        assert await answering(THEIRS).version(ORDERS) is None
        assert await answering(THEIRS).lookup(ORDERS, ORDER) is None

    async def test_an_aliased_version_is_none(self):
        assert await answering({**THEIRS, "subject": "payments"}).version(ORDERS) is None

    @pytest.mark.parametrize("named", [":.eu:orders-value", "orders-value"], ids=["qualified", "prefix-left-away"])
    async def test_the_version_asked_for_has_the_subject_asked_for(self, named: str):
        found = await answering({**THEIRS, "subject": named}).version(Subject("orders-value", ".eu"))

        assert found is not None
        assert found.subject == Subject("orders-value", ".eu")


class TestOldRegistries:
    """7.x: no `schemaType` for Avro, no `deleted`, and the id alone after registering."""

    async def test_what_a_registration_became_is_read_back(self):
        fake = FakeConfluent(old=True)
        target = faked(fake)
        await target.register(ORDERS, ORDER)
        other = Schema('{"type":"object"}', SchemaType.JSON)

        registered = await target.register(Subject("other"), other)

        assert (registered.number, registered.id, registered.schema) == (1, 2, other)

    async def test_an_import_is_read_back_at_its_number(self):
        target = faked(FakeConfluent(old=True))
        await target.set_mode(ORDERS, Mode.IMPORT)

        registered = await target.register(ORDERS, ORDER, schema_id=70, number=7)

        assert (registered.number, registered.id) == (7, 70)

    async def test_a_registration_that_cannot_be_read_back_is_an_error(self):
        with pytest.raises(RegistryError, match="does not show what it registered"):
            await answering({"id": 7}, {"subject": "orders-value", "version": 1, "id": 8, "schema": "{}"}).register(
                ORDERS, ORDER
            )

    async def test_soft_deleted_versions_are_told_apart(self):
        target = faked(FakeConfluent(old=True))
        await target.register(ORDERS, ORDER)
        await target.register(ORDERS, Schema('{"type":"record","name":"Order2","fields":[]}'))
        await target.delete_version(ORDERS, 1)

        listed = [version async for version in target.versions(deleted=True)]

        assert [(version.number, version.deleted) for version in listed] == [(1, True), (2, False)]

    async def test_the_highest_id_is_looked_for(self):
        target = faked(FakeConfluent(old=True))
        await target.set_mode(ORDERS, Mode.IMPORT)
        await target.register(ORDERS, ORDER, schema_id=70)

        assert await target.highest_id() == 70
        assert await target.highest_id(context=".eu") == 0


class TestIdsThatAreGiven:
    @pytest.mark.parametrize(
        ("told", "given"),
        [
            pytest.param({"id": 9, "version": 3}, {"schema_id": 70, "number": 3}, id="another-id"),
            pytest.param({"id": 70, "version": 1}, {"schema_id": 70, "number": 3}, id="another-number"),
            pytest.param({"id": 9, "version": 1}, {"schema_id": 0}, id="id-zero-is-an-id"),
        ],
    )
    async def test_a_registry_that_does_not_keep_them_is_found_out(self, told: dict[str, int], given: dict[str, int]):
        with pytest.raises(RegistryError, match="not as version") as failed:
            await answering({**told, "schema": ORDER.text}).register(ORDERS, ORDER, **given)

        assert failed.value.details["id"] == told["id"]

    async def test_a_fake_that_ignores_them_is_found_out(self):
        target = faked(FakeConfluent(lacks=frozenset({Capability.KEEPS_IDS})))
        await target.set_mode(ORDERS, Mode.IMPORT)

        with pytest.raises(RegistryError, match="not as version 5 with id 70"):
            await target.register(ORDERS, ORDER, schema_id=70, number=5)


class TestReferrers:
    async def test_all_pages_are_read(self):
        pages = [list(range(1_000)), [1_000, 1_001, 5]]
        stub = Canned(*(httpx2.Response(200, json=page) for page in pages))

        assert await registry(stub).referrers(ORDERS, 1) == list(range(1_002))

        assert [request.url.params["offset"] for request in stub.requests] == ["0", "1000"]
