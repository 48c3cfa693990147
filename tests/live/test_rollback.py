"""A deployment is taken back on every product, so that it stands as it stood before."""

from typing import Any

import pytest

from live.rewrites import avro, compact
from live.test_converges import ID, NOTE, Server, deploy, planned, product, server, store

__all__ = ["product", "server"]

pytestmark = pytest.mark.live


def held(server: Server, prefix: str) -> dict[str, Any]:
    """All that the product tells of these subjects, soft-deleted versions included."""
    found: dict[str, Any] = {}
    listed = server.call("list_subjects", registry="real", prefix=prefix, deleted=True).get("subjects", [])
    for subject in sorted(one if isinstance(one, str) else one["subject"] for one in listed):
        if not subject.startswith(prefix):
            continue  # the product does not know prefixes
        versions = server.call("get_schema_versions", registry="real", subject=subject, deleted=True)["versions"]
        config = server.call("get_settings", registry="real", subject=subject)["own"]
        found[subject] = ([(one["version"], one["id"], one.get("deleted", False)) for one in versions], config)
    return found


def applied(server: Server, product: str, prefix: str) -> str:
    plan = planned(server, product, prefix)
    assert not plan.get("blocked"), plan
    task = server.call("apply_plan", plan=plan["plan"], wait=60)
    assert task["status"] == "succeeded", [one.get("error") for one in task["registries"]]
    return task["task"]


def taken_back(server: Server, task: str) -> None:
    shown = server.call("rollback_change", task=task)["preview"]
    assert shown["plan"], shown
    done = server.call("rollback_change", task=task, plan=shown["plan"], wait=60)["task"]
    assert done["status"] == "succeeded", [one.get("error") for one in done["registries"]]


def test_new_subjects_are_gone_and_can_come_again(server: Server, product: str):
    prefix = f"{product}-undo-new-"
    store(server, prefix + "a", compact(avro("UA")), level="FULL")
    store(server, prefix + "a", compact(avro("UA", ID, NOTE)))
    used = {"name": "probes.UA", "subject": prefix + "a", "version": 1}
    user = {"type": "record", "name": "UB", "namespace": "probes", "fields": [{"name": "a", "type": "probes.UA"}]}
    store(server, prefix + "b", compact(user), references=[used])

    taken_back(server, applied(server, product, prefix))

    assert held(server, prefix) == {}
    assert deploy(server, product, prefix)["total"] == 0


def test_what_was_there_before_stays_as_it_was(server: Server, product: str):
    prefix = f"{product}-undo-later-"
    store(server, prefix + "a", compact(avro("UC")))
    deploy(server, product, prefix)
    before = held(server, prefix)
    store(server, prefix + "a", compact(avro("UC", ID, NOTE)))
    server.call("update_stored_schema", subject=prefix + "a", level="FULL")

    task = applied(server, product, prefix)
    changed = held(server, prefix)
    taken_back(server, task)

    assert changed != before
    assert held(server, prefix) == before
