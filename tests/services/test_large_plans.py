"""Plans over thousands of subjects: other calls go on meanwhile."""

import asyncio
import gc
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import pytest

from schema_mcp.domain.schema import Schema, Subject, Version
from schema_mcp.services.digests import stored_digest
from schema_mcp.stores.schemastore import AddVersion, StoredVersion
from services.world import ANN, World, record

SUBJECTS = 2_000
LONGEST = 0.035
"""Seconds of computing that nobody may keep the event loop for; a fifth of it is usual."""


@contextmanager
def stretches(monkeypatch: pytest.MonkeyPatch) -> Generator[list[float]]:
    """How long the event loop computed at a stretch; the machine's other work and this suite's garbage do not count."""
    found: list[float] = []
    run = asyncio.Handle._run

    def timed(handle: asyncio.Handle) -> None:
        began = time.thread_time()
        run(handle)
        found.append(time.thread_time() - began)

    gc.disable()
    try:
        with monkeypatch.context() as patched:
            patched.setattr(asyncio.Handle, "_run", timed)
            yield found
    finally:
        gc.enable()


def stored(number: int) -> StoredVersion:
    version = Version(Subject(f"orders-{number}"), 1, 10_001 + number, Schema(record("id:long", name=f"R{number}")))
    return StoredVersion(version, None, (), "", "Ann", "", (), stored_digest(version.schema))


async def test_planning_a_large_store_keeps_no_other_call_waiting(world: World, monkeypatch: pytest.MonkeyPatch):
    await world.store.commit([AddVersion(stored(number)) for number in range(SUBJECTS)], "Fill", ANN)
    longest: dict[str, float] = {}

    async def measured(tool: str, **arguments: Any) -> dict[str, Any]:
        with stretches(monkeypatch) as found:
            told = await world.read(tool, arguments)
        longest[tool] = max(found)
        return told.model_dump()

    made = await measured("plan_deployment", registries=["dev"])
    shown = await measured("get_plan", plan=made["plan"])
    drift = await measured("detect_drift", registry="dev")
    await measured("get_sync_status")
    await measured("reconcile_drift", registry="dev", direction="deploy")

    assert made["total"] == drift["total"] == shown["plan"]["total"] == SUBJECTS
    assert {tool: taken for tool, taken in longest.items() if taken > LONGEST} == {}
