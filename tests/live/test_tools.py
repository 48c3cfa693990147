"""The tools over MCP, from the real server process, against the real registries."""

import json
import subprocess
import sys
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from interfaces.processes import Process, serving
from live.record import Run, Session

pytestmark = pytest.mark.live
key = "tools"

PRODUCTS = {"apicurio": "/apis/ccompat/v7", "axonops": ""}


def record(*fields: dict[str, Any], name: str = "Order") -> str:
    return json.dumps({"type": "record", "name": name, "namespace": "shop", "fields": list(fields)})


ID, NOTE = {"name": "id", "type": "long"}, {"name": "note", "type": "string", "default": ""}
V1, V2, BREAKING = record(ID), record(ID, NOTE), record(ID, {"name": "total", "type": "double"})


@dataclass
class Server:
    process: Process

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        reply = self.process.call(tool, **arguments)
        assert not reply.get("isError"), reply
        return reply["structuredContent"]

    def refusal(self, tool: str, **arguments: Any) -> str:
        reply = self.process.call(tool, **arguments)
        assert reply.get("isError"), reply
        return reply["content"][0]["text"]


@pytest.fixture(params=PRODUCTS)
def product(request: pytest.FixtureRequest, session: Session) -> str:
    request.getfixturevalue(request.param)
    session.runs.setdefault(key, Run(key, "The tools over MCP", ""))
    return request.param


@pytest.fixture
def server(product: str, request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Server]:
    """One server over an embedded registry and the product; we hand out the ids."""
    yield from _serving(request, tmp_path, product, "ledger")


@pytest.fixture
def lone_server(product: str, request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Server]:
    """The same, where the product hands out the ids."""
    yield from _serving(request, tmp_path, product, "registry")


def _serving(request: pytest.FixtureRequest, folder: Path, product: str, ids: str) -> Generator[Server]:
    url = request.getfixturevalue(product) + PRODUCTS[product]
    world = folder / "world"
    subprocess.run(["git", "init", "-q", "-b", "main", world], check=True)
    (world / "registries.yaml").write_text(
        f"default: real\nids: {ids}\nregistries:\n  real: {{ url: '{url}', backend: confluent }}\n"
        "  dev: { backend: embedded }\n",
        encoding="utf-8",
    )
    author = {"GIT_AUTHOR_NAME": "Ann", "GIT_AUTHOR_EMAIL": "ann@example.com"}
    environ = {"HOME": str(folder / "home"), "PATH": str(Path(sys.executable).parent) + ":/usr/bin:/bin", **author}
    with serving(world, environ, "--toolsets", "all") as process:
        process.initialize()
        yield Server(process)


@pytest.fixture
def subject(request: pytest.FixtureRequest) -> str:
    return f"{request.node.name.replace('[', '-').rstrip(']')}-value"


def test_the_product_is_recognised(server: Server, product: str):
    info = server.call("get_registry_info", registry="real")

    assert product in info["product"].lower()
    assert server.call("test_registry_connection", registry="real")


def test_a_subject_lives_and_is_governed(lone_server: Server, subject: str):
    first = lone_server.call("register_schema", subject=subject, schema_text=V1)
    second = lone_server.call("register_schema", subject=subject, schema_text=V2)
    again = lone_server.call("register_schema", subject=subject, schema_text=V2)
    refused = lone_server.refusal("register_schema", subject=subject, schema_text=BREAKING)

    assert (first["version"], second["version"], again["id"]) == (1, 2, second["id"])
    assert "total" in refused
    read = lone_server.call("get_schema", subject=subject, version=1)
    assert (read["id"], json.loads(read["schema_text"])) == (first["id"], json.loads(V1))
    listed = lone_server.call("list_subjects", prefix=subject)
    assert subject in json.dumps(listed)
    assert lone_server.call("detect_drift", subjects=[subject])["in_sync"]
    asked = lone_server.call("check_compatibility", subject=subject, schema_text=BREAKING, ask_registry=True)
    assert not asked["compatible"]


def test_a_level_is_set_and_a_version_deleted(lone_server: Server, subject: str):
    for text in (V1, V2):
        lone_server.call("register_schema", subject=subject, schema_text=text)

    lone_server.call("update_config", subject=subject, level="FULL")
    preview = lone_server.call("delete_schema_version", subject=subject, version=1)
    lone_server.call("delete_schema_version", subject=subject, version=1, plan=preview["plan"])

    settings = lone_server.call("get_settings", subject=subject)
    assert "FULL" in json.dumps(settings)
    assert lone_server.call("detect_drift", subjects=[subject])["in_sync"]
    assert "1" not in [str(one) for one in lone_server.call("get_schema", subject=subject).get("versions", [2])]


def test_a_deployment_keeps_ids_or_says_that_it_cannot(server: Server, product: str, subject: str):
    made = [server.call("register_schema", registry="dev", subject=subject, schema_text=text) for text in (V1, V2)]

    plan = server.call("plan_deployment", registries=["real"], subjects=[subject])

    if product == "apicurio":
        assert plan["total"] == 0
        assert {row["version"] for row in plan["blocked"]} == {1, 2}
        assert "ignores both" in plan["blocked"][0]["reason"]
        return
    assert plan["total"] == 2
    assert server.call("apply_plan", plan=plan["plan"], wait=60)["status"] == "succeeded"
    for one in made:
        there = server.call("get_schema", registry="real", subject=subject, version=one["version"])
        assert there["id"] == one["id"]
    assert server.call("detect_drift", registries=["real", "dev"], subjects=[subject])["in_sync"]
    assert server.call("get_registry_info", registry="real")["mode"] == "READWRITE"


def test_a_migration_keeps_ids_or_says_that_it_cannot(server: Server, product: str, subject: str):
    made = [server.call("register_schema", registry="dev", subject=subject, schema_text=text) for text in (V1, V2)]

    if product == "apicurio":
        refused = server.refusal("plan_migration", source="dev", target="real", subjects=[subject])
        assert "keep" in refused
        assert "keep_ids: false" in refused
    keep = product == "axonops"
    plan = server.call("plan_migration", source="dev", target="real", subjects=[subject], keep_ids=keep)
    assert server.call("apply_plan", plan=plan["plan"], wait=60)["status"] == "succeeded"

    for one in made:
        there = server.call("get_schema", registry="real", subject=subject, version=one["version"])
        assert not keep or there["id"] == one["id"]
    compared = server.call("compare_registries", source="dev", target="real", prefix=subject)
    assert compared["total"] == 0 or not keep


def test_what_would_be_lost_is_refused_before_anything_is_written(server: Server, product: str, subject: str):
    refused = server.refusal(
        "register_schema", registry="real", subject=subject, schema_text=V1, metadata={"properties": {"owner": "a"}}
    )

    assert "real cannot give " in refused
    assert server.call("lookup_id", id=10_001).get("subjects", []) == []
    assert server.call("list_subjects", registry="real", prefix=subject)["total"] == 0
    assert subject not in json.dumps(server.call("list_subjects", registry="dev", prefix=subject))
