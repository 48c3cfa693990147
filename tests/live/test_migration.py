"""From a real product to the embedded registry and back, with ids where the product keeps them."""

import json
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
