"""Where we connect to stands in the configuration and nowhere else: no argument, address or schema leads anywhere."""

import json
import re
import socket
from collections.abc import AsyncGenerator, Generator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from mcp import MCPError
from pydantic import BaseModel

import schema_mcp
from fakes.certificates import Authority
from fakes.loopback import answer, serving
from schema_mcp.domain.errors import ConfigurationError, NotFoundError, RegistryError, SchemaMcpError
from schema_mcp.domain.schema import SchemaType
from schema_mcp.interfaces.mcp.resources import OFFERS, Library, Offer
from schema_mcp.registries.configuration import KEYS
from schema_mcp.registries.document import Key
from schema_mcp.settings import SETTINGS, load
from schema_mcp.toolkit.links import link
from schema_mcp.tools import CATALOGUE
from services.asking import ask
from services.conftest import kept_open
from services.world import World, embedded, world_at
from tools.test_reads_write_nothing import asked

SOURCE = Path(schema_mcp.__file__).parent
ADDRESS_WORDS = re.compile(r"url|uri|address|host|endpoint|server|proxy|port$", re.IGNORECASE)


class Trap:
    """A place on loopback that nobody has any business to connect to."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._socket.setblocking(False)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def heard(self) -> int:
        """How many connections were made."""
        heard = 0
        with suppress(BlockingIOError):
            while True:
                self._socket.accept()[0].close()
                heard += 1
        return heard

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def trap() -> Generator[Trap]:
    there = Trap()
    yield there
    there.close()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncGenerator[World]:
    async with kept_open(tmp_path, embedded("dev", "prod")) as opened:
        yield opened


def test_the_trap_hears_who_comes(trap: Trap):
    socket.create_connection(("127.0.0.1", int(trap.url.rpartition(":")[2]))).close()

    assert (trap.heard(), trap.heard()) == (1, 0)


# --- registries ------------------------------------------------------------------------------------------------------


def arguments_of(shape: type[BaseModel]) -> set[str]:
    """The names of all arguments of a tool, those inside others too."""
    schema = shape.model_json_schema()
    return {name for part in (schema, *schema.get("$defs", {}).values()) for name in part.get("properties", {})}


def test_no_tool_has_an_argument_for_an_address():
    named = {f"{tool.name}.{name}" for tool in CATALOGUE.values() for name in arguments_of(tool.request)}

    assert [one for one in named if ADDRESS_WORDS.search(one.partition(".")[2])] == []


async def test_no_argument_of_any_tool_leads_to_an_address(world: World, trap: Trap):
    led: list[str] = []
    for tool in CATALOGUE.values():
        plain = asked(tool.request, 0)
        for name in (name for name, field in tool.request.model_fields.items() if "str" in str(field.annotation)):
            for value in (trap.url, [trap.url]):
                with suppress(SchemaMcpError):
                    await world.read(tool.name, {**plain, name: value})
            led += [f"{tool.name}.{name}"] * trap.heard()

    assert led == []


@pytest.mark.parametrize("offer", OFFERS, ids=lambda offer: offer.name)
async def test_no_resource_leads_to_an_address(offer: Offer, world: World, trap: Trap):
    parts = [trap.url if "{" in part else part for part in offer.template.partition("://")[2].split("/")]
    library, caller = Library(world.workspace), world.workspace.caller

    for last in (parts[-1], "1", "latest"):
        with suppress(MCPError):
            await library.read(link(offer.scheme, *parts[:-1], last), caller)

    assert trap.heard() == 0


async def test_a_registry_that_the_configuration_does_not_name_is_none(world: World, trap: Trap):
    with pytest.raises(NotFoundError, match="No registry named"):
        await ask(world, "test_registry_connection", registry=trap.url)

    assert trap.heard() == 0


# --- schemas ---------------------------------------------------------------------------------------------------------


def leading_away(trap: Trap) -> dict[str, tuple[SchemaType, str]]:
    """Schemas that name a document at an address, each in a way that some reader would follow."""
    there = f"{trap.url}/a.json"
    texts: dict[str, Any] = {
        "ref": {"$ref": there},
        "ref-inside": {"type": "object", "properties": {"a": {"$ref": f"{there}#/definitions/A"}}},
        "relative-ref": {"$id": there, "properties": {"a": {"$ref": "b.json"}}},
        "dialect": {"$schema": there, "type": "object"},
        "dynamic-ref": {"$schema": "https://json-schema.org/draft/2020-12/schema", "$dynamicRef": f"{there}#a"},
    }
    return {name: (SchemaType.JSON, json.dumps(text)) for name, text in texts.items()} | {
        "import": (
            SchemaType.PROTOBUF,
            f'syntax = "proto3"; import "{trap.url}/a.proto"; message A {{ int32 b = 1; }}',
        ),
        "avro": (
            SchemaType.AVRO,
            json.dumps({"type": "record", "name": "A", "fields": [{"name": "b", "type": there}]}),
        ),
    }


LEADING_AWAY = ("ref", "ref-inside", "relative-ref", "dialect", "dynamic-ref", "import", "avro")
TAKES_TEXT = [tool for tool in CATALOGUE.values() if {"schema_text", "schema_type"} <= set(tool.request.model_fields)]


@pytest.mark.parametrize("kind", LEADING_AWAY)
async def test_nothing_that_a_schema_names_is_fetched(kind: str, world: World, trap: Trap):
    schema_type, text = leading_away(trap)[kind]
    about = {"schema_text": text, "schema_type": schema_type, "other_text": text, "subject": "orders-value"}

    for tool in TAKES_TEXT:
        arguments = asked(tool.request, 0) | {
            name: it for name, it in about.items() if name in tool.request.model_fields
        }
        with suppress(SchemaMcpError):
            await world.read(tool.name, arguments)

    assert len(TAKES_TEXT) > 5
    assert trap.heard() == 0


# --- TLS -------------------------------------------------------------------------------------------------------------

LAX = {"PYTHONHTTPSVERIFY": "0", "SSL_VERIFY": "false", "NODE_TLS_REJECT_UNAUTHORIZED": "0", "CURL_CA_BUNDLE": "",
       "SCHEMA_MCP_INSECURE": "1", "SCHEMA_REGISTRY_VERIFY": "false", "GIT_SSL_NO_VERIFY": "1"}  # fmt: skip
WEAKENS = re.compile(r"verify\s*=\s*False|CERT_NONE|CERT_OPTIONAL|check_hostname|verify_mode|_create_unverified")
LAX_WORDS = re.compile(r"insecure|verify|trust_all|unverified|check_hostname|cert_none", re.IGNORECASE)


def names_of(keys: tuple[Key, ...]) -> Iterator[str]:
    for key in keys:
        yield key.name
        yield from names_of(key.keys)


def test_no_setting_and_no_key_speaks_of_verification():
    said = [*(one.name for one in SETTINGS), *(name for one in SETTINGS for name in one.variables), *names_of(KEYS)]

    assert [name for name in said if LAX_WORDS.search(name)] == []


def test_no_line_of_ours_turns_verification_off():
    files = {file: file.read_text(encoding="utf-8") for file in SOURCE.rglob("*.py")}

    assert len(files) > 300
    assert [file.name for file, text in files.items() if WEAKENS.search(text)] == []


async def test_a_server_that_nobody_vouches_for_is_not_spoken_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name, value in LAX.items():
        monkeypatch.setenv(name, value)

    async with serving(lambda _, writer: answer(writer), Authority().server(tmp_path)) as served:
        place = served.url.replace("http:", "https:")
        text = f'registries: {{ prod: {{ backend: confluent, url: "{place}", retries: 0 }} }}\n'
        async with world_at(tmp_path / "w", text, toolsets="all") as there:
            with pytest.raises(RegistryError, match=r"(?i)certificate"):
                await ask(there, "list_subjects", registry="prod")

    assert served.requests == []


@pytest.mark.parametrize(
    "written",
    [
        pytest.param('url: "https://sr.example.com?verify=false"', id="in-the-address"),
        pytest.param('url: "https://sr.example.com", tls: { verify: false }', id="as-a-key"),
        pytest.param('url: "https://sr.example.com", insecure: true', id="as-another-key"),
    ],
)
def test_verification_cannot_be_switched_off_in_the_file(tmp_path: Path, written: str):
    (tmp_path / "registries.yaml").write_text(f"registries: {{ prod: {{ backend: confluent, {written} }} }}\n")

    with pytest.raises(ConfigurationError):
        load({}, environ={"HOME": str(tmp_path)}, folder=tmp_path)
