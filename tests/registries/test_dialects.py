"""Products are recognised by their answers, and what they lack is known before anything is written."""

from typing import Any

import httpx2
import pytest

from fakes.confluent import FakeConfluent
from schema_mcp.domain.errors import InvalidRequestError, NotFoundError, RegistryError
from schema_mcp.domain.schema import Mode, Schema, Subject
from schema_mcp.registries.contract import Capability, Connection, Info
from schema_mcp.registries.dialects import APICURIO, AXONOPS, CONFLUENT, DIALECTS, KARAPACE, REDPANDA, Dialect
from schema_mcp.registries.guard import GuardedRegistry
from schema_mcp.registries.plugins import backend, known
from schema_mcp.registries.rest import RestRegistry

ORDERS = Subject("orders-value")
ORDER = Schema('{"type":"record","name":"Order","fields":[{"name":"id","type":"string"}]}')
GROWN = Schema('{"type":"record","name":"Order","fields":[{"name":"id","type":"string"},{"name":"n","type":"string"}]}')
MISSING = httpx2.Response(404, json={"error_code": 404, "message": "HTTP 404 Not Found"})
NO_SUBJECT = httpx2.Response(404, json={"error_code": 40401, "message": "Subject not found."})
RULE = "/apis/registry/v3/groups/default/artifacts/orders-value/rules/COMPATIBILITY"


class Product:
    """A registry that answers a few paths; everything else is unknown to it."""

    def __init__(self, answers: dict[str, Any]):
        self.answers = answers
        self.asked: list[tuple[str, str, str]] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        path = request.url.raw_path.decode().partition("?")[0]
        self.asked.append((request.method, path, request.content.decode()))
        answer = self.answers.get(f"{request.method} {request.url.path}", self.answers.get(request.url.path, MISSING))
        return answer if isinstance(answer, httpx2.Response) else httpx2.Response(200, json=answer)


def registry(answers: dict[str, Any], name: str = "confluent", path: str = "") -> tuple[RestRegistry, Product]:
    product = Product(answers)
    connection = Connection("prod", backend=name, urls=(f"http://sr.example.com{path}",), retries=0)
    return backend(name)(connection, httpx2.MockTransport(product)), product  # type: ignore[call-arg, return-value]


def faked(dialect: Dialect) -> tuple[RestRegistry, FakeConfluent]:
    """A fake that lacks what the product lacks, spoken to in the product's dialect."""
    fake = FakeConfluent(lacks=frozenset(dialect.lacks))
    connection = Connection("prod", backend=dialect.backend, urls=("http://sr.example.com",), retries=0)
    return backend(dialect.backend)(connection, httpx2.ASGITransport(fake)), fake  # type: ignore[call-arg, return-value]


VERSION, SYSTEM = "/v1/metadata/version", "/apis/registry/v3/system/info"


@pytest.mark.parametrize(
    ("path", "answers", "dialect", "version"),
    [
        pytest.param("", {VERSION: {"version": "8.1.5", "commitId": "x"}}, CONFLUENT, "8.1.5", id="confluent"),
        pytest.param("", {VERSION: {"version": "dev", "commit": "x"}}, AXONOPS, "dev", id="axonops"),
        pytest.param("", {"/_health": {"karapace_version": "6.2.0"}}, KARAPACE, "6.2.0", id="karapace"),
        pytest.param("", {"/status/ready": httpx2.Response(200)}, REDPANDA, "unknown", id="redpanda"),
        pytest.param(
            "/apis/ccompat/v7", {SYSTEM: {"version": "3.3.3", "builtOn": "x"}}, APICURIO, "3.3.3", id="apicurio"
        ),
    ],
)
async def test_a_product_is_recognised_by_its_answers(
    path: str, answers: dict[str, Any], dialect: Dialect, version: str
):
    unnamed, _ = registry(answers, path=path)
    named, _ = registry(answers, dialect.backend, path)

    assert await unnamed.info() == await named.info() == Info(dialect.product, version)
    assert unnamed.capabilities == named.capabilities == frozenset(Capability) - dialect.lacks.keys()


@pytest.mark.parametrize(
    ("version", "lacking"),
    [
        pytest.param("7.9.1", {Capability.CONTEXT_REMOVAL, Capability.RECURSION}, id="7"),
        pytest.param("8.0.6-ccs", {Capability.CONTEXT_REMOVAL, Capability.RECURSION}, id="8.0.6"),
        pytest.param("8.0.7", set(), id="8.0.7"),
        pytest.param("8.3.1+more", set(), id="8.3"),
        pytest.param("cloud", set(), id="no-number"),
    ],
)
async def test_what_a_release_of_confluent_has_not_learnt_yet_is_refused(version: str, lacking: set[Capability]):
    found, product = registry({VERSION: {"version": version, "commitId": "x"}})
    await found.info()
    product.asked.clear()

    assert frozenset(Capability) - found.capabilities == lacking
    if lacking:
        with pytest.raises(InvalidRequestError, match=r"it came with 8\.0\.7"):
            await GuardedRegistry(found).delete_context(".eu")
        assert product.asked == []


async def test_the_product_is_found_out_before_anything_else_is_asked_and_only_once():
    found, product = registry({VERSION: {"version": "dev", "commit": "x"}, "/subjects": []})

    await found.subjects()
    await found.subjects()

    assert [path for _, path, _ in product.asked] == [VERSION, "/subjects", "/subjects"]
    assert Capability.METADATA not in found.capabilities


async def test_what_shows_no_sign_is_taken_for_an_older_confluent():
    found, _ = registry({"/subjects": ["orders-value"]})

    assert await found.subjects() == [ORDERS]
    assert found.capabilities == frozenset(Capability)


@pytest.mark.parametrize("status", [401, 403])
async def test_a_sign_that_may_not_be_read_stands_in_nobodys_way(status: int):
    found, _ = registry({VERSION: httpx2.Response(status, json={"message": "no"}), "/subjects": []})

    assert await found.subjects() == []


async def test_trouble_while_recognising_is_no_sign():
    found, _ = registry({VERSION: httpx2.Response(500, json={"error_code": 50001, "message": "store"})})

    with pytest.raises(RegistryError):
        await found.subjects()


async def test_a_product_that_is_named_is_not_asked_which_it_is():
    found, product = registry({"/subjects": []}, "karapace")

    await found.subjects()

    assert [path for _, path, _ in product.asked] == ["/subjects"]


def test_every_dialect_has_a_backend_of_its_name():
    assert {dialect.backend for dialect in DIALECTS} == set(known()) - {"embedded"}


@pytest.mark.parametrize("dialect", DIALECTS[1:], ids=lambda dialect: dialect.backend)
class TestEachDialect:
    async def test_what_it_lacks_is_refused_with_its_reason_and_nothing_sent(self, dialect: Dialect):
        inner, fake = faked(dialect)
        guarded = GuardedRegistry(inner)
        with_metadata = Schema(ORDER.text, metadata={"properties": {"owner": "a"}})

        with pytest.raises(InvalidRequestError, match="metadata") as refused:
            await guarded.register(ORDERS, with_metadata)

        assert dialect.lacks[Capability.METADATA] in str(refused.value)
        assert fake.requests == []

    async def test_what_it_has_no_word_for_is_answered_as_nothing(self, dialect: Dialect):
        inner, _ = faked(dialect)

        assert await inner.contexts() == ["."]
        if Capability.MODES in dialect.lacks:
            assert await inner.mode(ORDERS) is None
            assert await inner.mode(ORDERS, inherited=True) is Mode.READWRITE

    async def test_every_version_is_listed_though_its_bulk_listing_is_of_no_use(self, dialect: Dialect):
        inner, fake = faked(dialect)
        await inner.register(ORDERS, ORDER)

        assert [version.subject async for version in inner.versions()] == [ORDERS]
        assert [path for _, path in fake.requests if path == "/schemas"] == []
        assert await inner.highest_id() == 1


async def test_an_id_that_is_not_kept_is_an_error_though_the_product_said_200():
    inner, _ = faked(KARAPACE)

    with pytest.raises(RegistryError, match="not as version 3 with id 70"):
        await inner.register(ORDERS, ORDER, schema_id=70, number=3)


@pytest.mark.parametrize("dialect", [KARAPACE, REDPANDA], ids=lambda dialect: dialect.backend)
async def test_a_history_is_checked_version_by_version_where_the_product_checks_one_only(dialect: Dialect):
    inner, fake = faked(dialect)
    assert (await inner.check(ORDERS, ORDER)).compatible
    await inner.set_config(ORDERS, {"compatibility": "NONE"})
    await inner.register(ORDERS, ORDER)
    await inner.register(ORDERS, GROWN)
    await inner.set_config(ORDERS, {"compatibility": "BACKWARD_TRANSITIVE"})

    assert not (await inner.check(ORDERS, GROWN)).compatible
    await inner.set_config(ORDERS, {"compatibility": "BACKWARD"})
    assert (await inner.check(ORDERS, GROWN)).compatible
    assert all(not path.endswith("/versions") for method, path in fake.requests if "/compatibility/" in path)


class TestAxonops:
    async def test_the_version_that_nobody_put_into_the_metadata_is_left_out(self):
        answer = {"subject": "orders-value", "version": 1, "id": 1, "schema": ORDER.text}
        versions = "/subjects/orders-value/versions/"
        bare = {"metadata": {"properties": {"confluent:version": "1"}}}
        more = {"metadata": {"properties": {"confluent:version": "2", "owner": "a"}, "tags": {"x": ["PII"]}}}
        found, _ = registry({versions + "1": {**answer, **bare}, versions + "2": {**answer, **more}}, "axonops")

        first, second = await found.version(ORDERS, 1), await found.version(ORDERS, 2)

        assert first
        assert second
        assert first.schema.metadata is None
        assert second.schema.metadata == {"properties": {"owner": "a"}, "tags": {"x": ["PII"]}}

    async def test_a_change_of_one_field_takes_the_others_along(self):
        found, product = registry(
            {"/config/orders-value": {"compatibilityLevel": "FULL", "normalize": True}}, "axonops"
        )

        await found.set_config(ORDERS, {"alias": "other"})

        assert product.asked[-1][2] == '{"normalize": true, "compatibility": "FULL", "alias": "other"}'

    async def test_a_configuration_without_a_level_is_refused_because_it_would_change_nothing(self):
        unset = httpx2.Response(404, json={"error_code": 40408, "message": "unset"})
        found, product = registry({"/config/orders-value": unset}, "axonops")

        with pytest.raises(InvalidRequestError, match="level"):
            await found.set_config(ORDERS, {"normalize": True})

        assert [method for method, _, _ in product.asked] == ["GET"]

    async def test_an_empty_registry_says_null(self):
        found, _ = registry({"/subjects": httpx2.Response(200, text="null")}, "axonops")

        assert await found.subjects() == []

    async def test_colons_stand_in_paths_as_they_are(self):
        found, product = registry({"/subjects/a:b/versions": [1]}, "axonops")

        assert await found.numbers(Subject("a:b")) == [1]
        assert product.asked[0][1] == "/subjects/a:b/versions"


FULL = {"compatibilityLevel": "FULL"}


class TestApicurio:
    def made(self, **answers: Any) -> RestRegistry:
        face = "/apis/ccompat/v7"
        told = {
            f"{face}/subjects/orders-value/versions": NO_SUBJECT,
            f"{face}/config/orders-value": FULL,
            f"{face}/config": {"compatibilityLevel": "NONE"},
        }
        return registry(told | answers, "apicurio", face)[0]

    async def test_a_level_of_its_own_is_the_artifacts_rule(self):
        versions = {"/apis/ccompat/v7/subjects/orders-value/versions": [1]}

        assert await self.made(**versions, **{RULE: {"config": "BACKWARD"}}).config(ORDERS) == {
            "compatibilityLevel": "BACKWARD"
        }
        assert await self.made(**versions).config(ORDERS) is None
        assert await self.made(**versions).config(ORDERS, inherited=True) == FULL

    async def test_a_subject_that_is_not_there_yet_has_what_the_face_says(self):
        assert await self.made().config(ORDERS) == FULL

    async def test_what_is_inherited_by_an_unknown_subject_is_the_registrys_own(self):
        unknown = self.made(**{"/apis/ccompat/v7/config/orders-value": NO_SUBJECT})

        assert await unknown.config(ORDERS) is None
        assert await unknown.config(ORDERS, inherited=True) == {"compatibilityLevel": "NONE"}
        with pytest.raises(NotFoundError):
            await unknown.delete_config(ORDERS)
