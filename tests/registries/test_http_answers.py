"""What the HTTP client makes of strange answers: an error that says what came and what to do, and no secret."""

import gzip

import httpx2
import pytest
from pydantic import SecretStr

from schema_mcp.domain.errors import (
    ConfigurationError,
    ConflictError,
    IncompatibleError,
    InvalidSchemaError,
    NotFoundError,
    ReadOnlyError,
    RegistryError,
    SchemaMcpError,
)
from schema_mcp.registries import http
from schema_mcp.registries.calls import Call
from schema_mcp.registries.contract import Auth, Connection
from schema_mcp.registries.http import RestClient

READ = Call("GET", ("subjects",))
SECRET = "canary-5f2c"


def client(answer: httpx2.Response | httpx2.MockTransport, **settings) -> RestClient:
    transport = answer if isinstance(answer, httpx2.MockTransport) else httpx2.MockTransport(lambda _: answer)
    connection = Connection("prod", **{"urls": ("http://sr.example.com",), "retries": 0, **settings})
    return RestClient(connection, headers={}, transport=transport)


async def error_of(answer: httpx2.Response, **settings) -> SchemaMcpError:
    with pytest.raises(SchemaMcpError) as raised:
        await client(answer, **settings).send(READ)
    return raised.value


def refusal(status: int, code: int, message: str = "because") -> httpx2.Response:
    return httpx2.Response(status, json={"error_code": code, "message": message})


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        pytest.param(refusal(404, 40401), NotFoundError, id="no-subject"),
        pytest.param(refusal(404, 40402), NotFoundError, id="no-version"),
        pytest.param(refusal(409, 409), IncompatibleError, id="incompatible-older"),
        pytest.param(refusal(409, 40901), IncompatibleError, id="incompatible"),
        pytest.param(refusal(422, 42201), InvalidSchemaError, id="invalid"),
        pytest.param(refusal(422, 42206), ConflictError, id="referenced"),
        pytest.param(refusal(422, 42205, "Subject s is in read-only mode"), ReadOnlyError, id="read-only"),
        pytest.param(refusal(422, 42205, "Subject s is not in import mode"), RegistryError, id="not-import"),
        pytest.param(refusal(500, 50001), RegistryError, id="store"),
        pytest.param(refusal(404, 404), RegistryError, id="no-such-endpoint"),
        pytest.param(httpx2.Response(409, json={"error_code": 0, "message": "x"}), IncompatibleError, id="code-zero"),
        pytest.param(httpx2.Response(401, json={"message": "who are you"}), RegistryError, id="no-code"),
    ],
)
async def test_a_refusal_keeps_the_registrys_words(answer: httpx2.Response, kind: type[SchemaMcpError]):
    error = await error_of(answer)

    assert type(error) is kind
    assert str(error) == f"prod: {answer.json()['message']}"
    assert error.details["registry"] == "prod"
    assert error.details["status"] == answer.status_code


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        pytest.param(
            httpx2.Response(200, text="<html>Welcome</html>"), ["200", "not JSON", "<html>Welcome"], id="html"
        ),
        pytest.param(httpx2.Response(200, text='[{"subject": "a"'), ["200", "not JSON"], id="cut-off"),
        pytest.param(httpx2.Response(200, text='["\\ud800"]'), ["200", "not JSON"], id="lone-surrogate"),
        pytest.param(httpx2.Response(200, text="[" * 100_000), ["200", "not JSON"], id="deeply-nested"),
        pytest.param(httpx2.Response(200, content=b"\xff\xfe\x00"), ["200", "not JSON"], id="binary"),
        pytest.param(httpx2.Response(500, text="disk full"), ["500", "disk full"], id="text-of-a-proxy"),
        pytest.param(httpx2.Response(404, text=""), ["404"], id="empty-404"),
        pytest.param(httpx2.Response(400, json=["x"]), ["400", "x"], id="no-object"),
        pytest.param(httpx2.Response(599, text="odd"), ["599", "odd"], id="unknown-status"),
    ],
)
async def test_nonsense_is_shown_with_its_status(answer: httpx2.Response, words: list[str]):
    error = await error_of(answer)

    assert type(error) is RegistryError
    assert all(word in str(error) for word in ["prod", *words])
    assert error.hint
    assert error.details == {"registry": "prod", "status": answer.status_code}


async def test_only_the_printable_beginning_of_nonsense_is_shown():
    error = await error_of(httpx2.Response(200, text="a\x1b[31m\x00\u202e" + "b" * 10_000))

    assert "\x1b" not in str(error)
    assert "\u202e" not in str(error)
    assert len(str(error)) < 300


@pytest.mark.parametrize("status", [200, 204])
async def test_an_empty_answer_will_do_for_a_write_but_not_for_a_read(status: int):
    empty = client(httpx2.Response(status))

    assert await empty.send(Call("DELETE", ("contexts", ":.eu:"), writes=True)) is None
    with pytest.raises(RegistryError, match="not JSON"):
        await empty.send(READ)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(status: int):
    asked: list[httpx2.URL] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request.url)
        return httpx2.Response(status, headers={"Location": f"https://user:{SECRET}@evil.example.org/x?t={SECRET}"})

    with pytest.raises(RegistryError, match="evil") as refused:
        await client(httpx2.MockTransport(answer), auth=Auth("bearer", token=SecretStr("t0ken"))).send(READ)

    assert len(asked) == 1
    assert SECRET not in str(refused.value)
    assert "url" in refused.value.hint


async def test_an_endless_body_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(http, "LARGEST_BODY", 1_000)
    read = 0

    async def body():
        nonlocal read
        while read < 1_000_000:
            read += 100
            yield b"x" * 100

    error = await error_of(httpx2.Response(200, content=body()))

    assert "more than 1,000 bytes" in str(error)
    assert read < 5_000


async def test_a_packed_body_counts_unpacked(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(http, "LARGEST_BODY", 10_000)
    bomb = gzip.compress(b"[" + b" " * 1_000_000 + b"]")

    async def body():
        yield bomb

    error = await error_of(httpx2.Response(200, headers={"Content-Encoding": "gzip"}, content=body()))

    assert "more than 10,000 bytes" in str(error)


async def test_a_body_that_cannot_be_unpacked_is_an_error():
    async def body():
        yield b"this is not gzip"

    error = await error_of(httpx2.Response(200, headers={"Content-Encoding": "gzip"}, content=body()))

    assert type(error) is RegistryError


@pytest.mark.parametrize(
    "auth",
    [
        pytest.param(Auth("basic", username="me", password=SecretStr(SECRET)), id="basic"),
        pytest.param(Auth("bearer", token=SecretStr(SECRET)), id="bearer"),
        pytest.param(Auth(headers={"X-Key": SecretStr(SECRET)}), id="header"),
    ],
)
@pytest.mark.parametrize("status", [200, 302, 401, 403, 404, 500])
async def test_secrets_that_come_back_are_not_shown(auth: Auth, status: int):
    def mirror(request: httpx2.Request) -> httpx2.Response:
        told = "\n".join(f"{name}: {value}" for name, value in request.headers.items())
        if status == 404:
            return httpx2.Response(404, json={"error_code": 40401, "message": told})
        return httpx2.Response(status, text=told, headers={"Location": f"https://{SECRET}.example.org"})

    rest = client(httpx2.MockTransport(mirror), auth=auth)
    with pytest.raises(SchemaMcpError) as raised:
        await rest.send(READ)

    shown = f"{raised.value} {raised.value.hint} {raised.value.details} {rest!r}"
    sent = mirror(httpx2.Request("GET", "http://x", headers=await rest._credentials.headers())).text
    secrets = {SECRET, *(line.partition(": ")[2].removeprefix("Basic ") for line in sent.split("\n") if "auth" in line)}
    assert not [secret for secret in secrets if secret in shown]


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"urls": ()}, id="no-address"),
        pytest.param({"urls": ("sr.example.com:8081",)}, id="no-scheme"),
        pytest.param({"urls": ("ftp://sr.example.com",)}, id="not-http"),
        pytest.param({"urls": ("http://",)}, id="no-host"),
        pytest.param({"auth": Auth("bearer", token=SecretStr(f"{SECRET}\n"))}, id="line-break-in-a-token"),
        pytest.param({"auth": Auth(headers={"X-Key": SecretStr(f"{SECRET}\u2028")})}, id="odd-character-in-a-header"),
    ],
)
def test_what_cannot_work_is_said_before_the_first_request(settings: dict):
    with pytest.raises(ConfigurationError) as refused:
        client(httpx2.Response(200), **settings)

    assert "prod" in str(refused.value)
    assert SECRET not in f"{refused.value} {refused.value.hint}"
