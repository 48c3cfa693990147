"""From a real product to the embedded registry and back, with ids where the product keeps them."""

import json
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from live.test_tools import BREAKING, V1, V2, Server, lone_server, product

__all__ = ["lone_server", "product"]

pytestmark = pytest.mark.live
key = "tools"

KEEPS_IDS = frozenset({"axonops"})
USER = {"type": "record", "name": "Bill", "namespace": "shop", "fields": [{"name": "of", "type": "Order"}]}


def filled(server: Server, prefix: str, registry: str = "real") -> None:
    """An estate, on the product unless told otherwise: a history, a reference, a level of its own."""
    for text in (V1, V2):
        server.call("register_schema", registry=registry, subject=f"{prefix}orders", schema_text=text)
    used = {"name": "shop.Order", "subject": f"{prefix}orders", "version": 2}
    bills = {"registry": registry, "subject": f"{prefix}bills"}
    server.call("register_schema", **bills, schema_text=json.dumps(USER), references=[used])
    server.call("update_config", **bills, level="NONE")
    server.call("register_schema", **bills, schema_text=BREAKING)


def held(server: Server, registry: str, prefix: str) -> dict[str, Any]:
    """All that a registry tells of the estate."""
    found: dict[str, Any] = {}
    for name in ("orders", "bills"):
        for number in (1, 2):
            one = server.call("get_schema", registry=registry, subject=prefix + name, version=number)
            text = json.loads(one["schema_text"])
            uses = [(used["name"], used["subject"], used["version"]) for used in one.get("references", [])]
            found[f"{name} {number}"] = (one["id"], text, uses)
        found[name] = server.call("get_settings", registry=registry, subject=prefix + name)["own"]
    return found


def move(server: Server, **ends: Any) -> dict[str, Any]:
    shown = server.call("migrate_schemas", **ends)
    assert not shown.get("blocked"), shown
    done = server.call("migrate_schemas", **ends, plan=shown["plan"], wait=60)
    assert done["status"] == "succeeded", done.get("error")
    return done


def gone(server: Server, subject: str) -> None:
    """Delete a subject on the product for good."""
    for permanent in (False, True):
        preview = server.call("delete_subject", subject=subject, permanent=permanent)
        server.call("delete_subject", subject=subject, permanent=permanent, plan=preview["plan"])


def test_an_estate_goes_to_the_embedded_registry_and_back(lone_server: Server, product: str):
    prefix = f"{product}-move-"
    filled(lone_server, prefix)
    before = held(lone_server, "real", prefix)

    move(lone_server, source="real", target="dev", prefix=prefix)

    assert held(lone_server, "dev", prefix) == before
    if product not in KEEPS_IDS:
        refused = lone_server.refusal("migrate_schemas", source="dev", target="real", prefix=prefix, keep_ids=True)
        assert "keep_ids: false" in refused
        return
    for name in ("bills", "orders"):
        gone(lone_server, prefix + name)
    back = move(lone_server, source="dev", target="real", prefix=prefix)
    assert held(lone_server, "real", prefix) == before
    undo = lone_server.call("rollback_change", task=back["task"])["preview"]
    lone_server.call("rollback_change", task=back["task"], plan=undo["plan"], wait=60)
    assert lone_server.call("list_subjects", registry="real", prefix=prefix)["total"] == 0


def test_without_ids_an_estate_goes_under_another_prefix(lone_server: Server, product: str):
    prefix, other = f"{product}-from-", f"{product}-to-"
    filled(lone_server, prefix)
    before = held(lone_server, "real", prefix)

    move(lone_server, source="real", target="dev", prefix=prefix)
    done = move(lone_server, source="dev", target="real", prefix=prefix, target_prefix=other, keep_ids=False)

    after = held(lone_server, "real", other)
    assert after["bills 1"][2] == [("shop.Order", f"{other}orders", 2)]
    assert [after[one][1] for one in ("orders 1", "orders 2", "bills 1", "bills 2")] == [
        before[one][1] for one in ("orders 1", "orders 2", "bills 1", "bills 2")
    ]
    undo = lone_server.call("rollback_change", task=done["task"])["preview"]
    lone_server.call("rollback_change", task=done["task"], plan=undo["plan"], wait=60)
    assert lone_server.call("list_subjects", registry="real", prefix=other)["total"] == 0
    assert held(lone_server, "real", prefix) == before


KILLS = 20
SUBJECTS, EACH = 16, 8


def test_a_migration_to_a_product_arrives_whole_however_often_it_is_killed(
    lone_server: Server, product: str, tmp_path: Path
):
    prefix, keeps_ids = f"{product}-killed-", product in KEEPS_IDS
    other = prefix if keeps_ids else f"{product}-arrived-"
    many(lone_server, prefix)
    before = all_of(lone_server, "dev", prefix)
    ends = {"source": "dev", "target": "real", "prefix": prefix, "target_prefix": other, "keep_ids": keeps_ids}
    shown = lone_server.call("migrate_schemas", **ends)

    killed = until_done(lone_server, tmp_path / "world", ends, shown["plan"])

    assert killed > 0
    after = all_of(lone_server, "real", other)
    assert {name: one[1:] for name, one in after.items()} == {name: one[1:] for name, one in before.items()}
    if keeps_ids:
        assert after == before
    assert not lone_server.call("get_registry_info", registry="real").get("importing")
    [task] = [row for row in lone_server.call("list_tasks")["tasks"] if row.get("plan") == shown["plan"]]
    assert (task["status"], task["done"]) == ("succeeded", task["total"])
    undo = lone_server.call("rollback_change", task=task["task"])["preview"]
    lone_server.call("rollback_change", task=task["task"], plan=undo["plan"], wait=60)
    assert lone_server.call("list_subjects", registry="real", prefix=other)["total"] == 0


def many(server: Server, prefix: str) -> None:
    """Histories on the embedded registry, each of which uses the one before it."""
    for number in range(SUBJECTS):
        used = [{"name": f"shop.R{number - 1}", "subject": f"{prefix}{number - 1:02}", "version": EACH}][: number > 0]
        for turn in range(1, EACH + 1):
            fields: list[dict[str, Any]] = [{"name": f"f{one}", "type": "long", "default": 0} for one in range(turn)]
            fields += [{"name": "of", "type": ["null", one["name"]], "default": None} for one in used]
            text = json.dumps({"type": "record", "name": f"R{number}", "namespace": "shop", "fields": fields})
            there = {"registry": "dev", "subject": f"{prefix}{number:02}"}
            server.call("register_schema", **there, schema_text=text, references=used)


def all_of(server: Server, registry: str, prefix: str) -> dict[str, Any]:
    """Ids, texts and references of all of them, by number and version."""
    found: dict[str, Any] = {}
    for number in range(SUBJECTS):
        for turn in range(1, EACH + 1):
            one = server.call("get_schema", registry=registry, subject=f"{prefix}{number:02}", version=turn)
            uses = [(used["name"], used["subject"].removeprefix(prefix)) for used in one.get("references", [])]
            found[f"{number} {turn}"] = (one["id"], json.loads(one["schema_text"]), uses)
    return found


def until_done(server: Server, world: Path, ends: dict[str, Any], plan: str) -> int:
    """Carry a migration out in processes that are killed at random points; how many were."""
    keeps = "--keep-ids" if ends["keep_ids"] else "--no-keep-ids"
    options = [f"--{name.replace('_', '-')}={value}" for name, value in ends.items() if name != "keep_ids"]
    command = [sys.executable, "-m", "schema_mcp", "migrate-schemas", *options, keeps, f"--plan={plan}", "--wait=120"]
    points = sorted(random.Random(plan).sample(range(1, SUBJECTS * EACH * 9 // 10), KILLS))
    for killed in range(KILLS + 1):
        run = subprocess.Popen(command, cwd=world, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        point = points[killed] if killed < KILLS else sys.maxsize
        until = time.monotonic() + 120
        while run.poll() is None and progress(server, plan) < point and time.monotonic() < until:
            time.sleep(0.01)
        if run.poll() is not None:
            told = run.communicate()[0]
            assert run.returncode == 0 or "has carried it out already" in told, told
            return killed
        run.kill()
        run.communicate()
    raise AssertionError("it was not done in 120 seconds")


def progress(server: Server, plan: str) -> int:
    """How many of a plan's steps are done."""
    return next((row["done"] for row in server.call("list_tasks")["tasks"] if row.get("plan") == plan), 0)


def test_a_bundle_is_brought_in_and_taken_back(lone_server: Server, product: str):
    prefix, keeps_ids = f"{product}-in-", product in KEEPS_IDS
    origin = "real" if keeps_ids else "dev"
    filled(lone_server, prefix, origin)
    before = held(lone_server, origin, prefix)
    bundle = lone_server.call("export_schemas", registry=origin, prefix=prefix, format="zip")["name"]
    for name in ("bills", "orders") if keeps_ids else ():
        gone(lone_server, prefix + name)
    terms = {"path": bundle, "registry": "real", "keep_ids": keeps_ids}

    seen = lone_server.call("import_schemas", **terms)
    task = lone_server.call("import_schemas", **terms, plan=seen["preview"]["plan"], wait=60)["task"]

    assert task["status"] == "succeeded", task
    after = held(lone_server, "real", prefix)
    versions = [name for name in before if " " in name]
    assert [after[name][1] for name in versions] == [before[name][1] for name in versions]
    if keeps_ids:
        assert after == before
    undo = lone_server.call("rollback_change", task=task["task"])["preview"]
    lone_server.call("rollback_change", task=task["task"], plan=undo["plan"], wait=60)
    assert lone_server.call("list_subjects", registry="real", prefix=prefix)["total"] == 0
