"""What was deployed is in sync, on every product: plan, apply, and the next plan is empty."""

import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from interfaces.processes import serving
from live.record import Run, Session
from live.rewrites import avro, compact, pretty, proto
from live.test_rewrites import PRODUCTS
from live.test_tools import Server

pytestmark = pytest.mark.live
key = "converges"

NOTE = {"name": "note", "type": "string", "default": ""}
ID = {"name": "id", "type": "long"}
NUMBERS_ITSELF = frozenset({"apicurio-v7", "apicurio-v8"})


@pytest.fixture(params=PRODUCTS)
def product(request: pytest.FixtureRequest, session: Session) -> str:
    if PRODUCTS[request.param][0]:
        request.getfixturevalue(PRODUCTS[request.param][0])
    session.runs.setdefault(key, Run(key, "Deployments that converge", ""))
    return request.param


@pytest.fixture
def server(product: str, request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Server]:
    """A server over the product and an embedded registry; we hand out the ids."""
    fixture, path = PRODUCTS[product]
    real = f"url: '{request.getfixturevalue(fixture)}{path}', backend: confluent" if fixture else "backend: embedded"
    world = tmp_path / "world"
    subprocess.run(["git", "init", "-q", "-b", "main", world], check=True)
    (world / "registries.yaml").write_text(
        f"default: real\nids: ledger\nregistries:\n  real: {{ {real} }}\n  dev: {{ backend: embedded }}\n",
        encoding="utf-8",
    )
    author = {"GIT_AUTHOR_NAME": "Ann", "GIT_AUTHOR_EMAIL": "ann@example.com"}
    environ = {"HOME": str(tmp_path), "PATH": str(Path(sys.executable).parent) + ":/usr/bin:/bin", **author}
    with serving(world, environ, "--toolsets", "all") as process:
        process.initialize()
        yield Server(process)


def store(server: Server, subject: str, text: str, kind: str = "AVRO", **more: Any) -> None:
    server.call("store_schema", subject=subject, schema_text=text, schema_type=kind, **more)


def planned(server: Server, product: str, prefix: str) -> dict[str, Any]:
    keep = product not in NUMBERS_ITSELF
    return server.call("plan_deployment", registries=["real"], prefix=prefix, keep_ids=keep)


def deploy(server: Server, product: str, prefix: str) -> dict[str, Any]:
    """Plan, apply to the end, and the next plan."""
    plan = planned(server, product, prefix)
    assert not plan.get("blocked"), plan
    assert plan["total"]
    task = server.call("apply_plan", plan=plan["plan"], wait=60)
    assert task["status"] == "succeeded", [one.get("error") for one in task["registries"]]
    return planned(server, product, prefix)


def assert_blocked(server: Server, product: str, prefix: str, why: str) -> None:
    """What cannot be done is told before, and stays drift."""
    plan = planned(server, product, prefix)
    assert [why in one["reason"] for one in plan["blocked"]] == [True], plan
    assert drift(server, prefix)["counts"]["missing"] == 1


def drift(server: Server, prefix: str) -> dict[str, Any]:
    return server.call("detect_drift", registry="real", prefix=prefix)


def assert_converged(server: Server, product: str, again: dict[str, Any], prefix: str) -> None:
    assert (again["total"], again.get("blocked", [])) == (0, []), again
    found = drift(server, prefix)
    assert found["in_sync"], found
    status = server.call("get_sync_status", registries=["real"], prefix=prefix)
    assert status["in_sync"], status
    assert {row["rule"] for row in found.get("drift", [])} <= {
        "numbers",
        "spelling",
        "order",
        "docs",
        "aliases",
        "words",
    }
    if product in NUMBERS_ITSELF:
        assert "numbers" in {row["rule"] for row in found.get("drift", [])}


def test_all_languages_converge(server: Server, product: str):
    prefix = f"{product}-languages-"
    shape = {"type": "object", "properties": {"b": {"type": "number"}, "a": {"type": "string"}}}
    store(server, prefix + "avro", pretty(avro("CA")))
    store(server, prefix + "avro", pretty(avro("CA", ID, NOTE, doc="With a note")))
    store(server, prefix + "json", pretty(shape), "JSON")
    store(server, prefix + "protobuf", proto("CP", before="// said\n", gap="  "), "PROTOBUF")
    user = {"type": "record", "name": "User", "namespace": "probes", "fields": [{"name": "a", "type": "probes.CA"}]}
    used = {"name": "probes.CA", "subject": prefix + "avro", "version": -1}
    store(server, prefix + "user", compact(user), references=[used])

    again = deploy(server, product, prefix)

    assert_converged(server, product, again, prefix)


def test_settings_and_later_versions_converge(server: Server, product: str):
    prefix = f"{product}-later-"
    store(server, prefix + "avro", compact(avro("CL")), level="FULL")
    server.call("update_stored_schema", subject=prefix + "avro", level="FULL")
    deploy(server, product, prefix)
    store(server, prefix + "avro", compact(avro("CL", ID, NOTE)))

    again = deploy(server, product, prefix)

    assert_converged(server, product, again, prefix)


def test_a_gap_of_numbers_converges(server: Server, product: str):
    prefix = f"{product}-gap-"
    store(server, prefix + "avro", compact(avro("CG")))
    store(server, prefix + "avro", compact(avro("CG", ID, NOTE)))
    server.call("update_stored_schema", subject=prefix + "avro", version=1, retired=True)
    if product in NUMBERS_ITSELF:
        assert_blocked(server, product, prefix, "it would become version 1 there")
        return

    again = deploy(server, product, prefix)

    assert_converged(server, product, again, prefix)


def test_a_soft_deleted_version_that_lives_again_converges(server: Server, product: str):
    prefix, name = f"{product}-again-", f"{product}-again-avro"
    store(server, name, compact(avro("CS")))
    store(server, name, compact(avro("CS", ID, NOTE)))
    deploy(server, product, prefix)
    server.call("update_stored_schema", subject=name, version=2, retired=True)
    deploy(server, product, prefix)
    server.call("update_stored_schema", subject=name, version=2, retired=False)
    if product in NUMBERS_ITSELF:
        assert_blocked(server, product, prefix, "it would become version 3 there")
        return
    if product == "axonops":
        assert_blocked(server, product, prefix, "it answers 500")
        return

    again = deploy(server, product, prefix)

    assert_converged(server, product, again, prefix)


def test_docs_that_a_product_does_not_look_at_are_told_before(server: Server, product: str):
    prefix = f"{product}-docs-"
    store(server, prefix + "avro", compact(avro("CD")))
    store(server, prefix + "avro", compact(avro("CD", doc="The same in other words")))

    if product == "axonops":
        plan = planned(server, product, prefix)
        assert [(one["version"], "other docs" in one["reason"]) for one in plan["blocked"]] == [(2, True)]
        return
    assert_converged(server, product, deploy(server, product, prefix), prefix)
