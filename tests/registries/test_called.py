"""Registries are told in whose name they are asked, where they want to know."""

import httpx2
import pytest
from pydantic import SecretStr

from registries.test_http_answers import READ, client
from schema_mcp.domain.errors import ConfigurationError
from schema_mcp.registries.called import called_by
from schema_mcp.registries.configuration import configuration
from schema_mcp.registries.contract import Auth

HEADER = "X-Schema-Caller"


async def told(name: str, **settings: object) -> list[str | None]:
    """What a registry hears, within a call of somebody and after it."""
    heard: list[str | None] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        heard.append(request.headers.get(HEADER))
        return httpx2.Response(200, json=[])

    rest = client(httpx2.MockTransport(answer), **settings)
    with called_by(name):
        await rest.send(READ)
    await rest.send(READ)
    return heard


@pytest.mark.parametrize(
    ("name", "header"),
    [
        pytest.param("ann", "ann", id="a login"),
        pytest.param("repo:shop/orders:ref:refs/heads/main", "repo:shop/orders:ref:refs/heads/main", id="a pipeline"),
        pytest.param("ann\r\nAuthorization: Bearer x", "ann%0D%0AAuthorization: Bearer x", id="a line break"),
        pytest.param("zoë", "zo%C3%AB", id="a letter that no header has"),
        pytest.param("a" * 1_000, "a" * 200, id="a long name"),
    ],
)
async def test_it_hears_the_name_of_whoever_calls_and_of_nobody_else(name: str, header: str):
    assert await told(name, caller_header=HEADER) == [header, None]


async def test_it_hears_nothing_unless_the_configuration_says_so():
    assert await told("ann") == [None, None]


async def test_a_header_of_the_configuration_is_not_replaced():
    heard = await told("ann", caller_header=HEADER, auth=Auth(headers={HEADER: SecretStr("fixed")}))

    assert heard == ["fixed", "fixed"]


@pytest.mark.parametrize("header", ["Authorization", "Content-Type", "Host", "Cookie", "X Caller", "X-Caller:", "é"])
def test_a_header_that_means_something_else_is_refused_at_the_start(tmp_path, header: str):
    file = tmp_path / "registries.yaml"
    file.write_text(
        f'registries: {{ a: {{ backend: confluent, url: "http://a", caller_header: "{header}" }} }}', "utf-8"
    )

    with pytest.raises(ConfigurationError, match="no header of your own"):
        configuration(file, {})


def test_an_embedded_registry_has_no_log_to_tell(tmp_path):
    file = tmp_path / "registries.yaml"
    file.write_text("registries: { a: { caller_header: X-Who } }", "utf-8")

    with pytest.raises(ConfigurationError, match="no log of its own"):
        configuration(file, {})
