"""What clients see of resources and prompts: a difference is a change of the contract. `UPDATE_SNAPSHOTS=1` accepts."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mcp.client import Client
from mcp.server.lowlevel import Server

from schema_mcp import app
from schema_mcp.interfaces.mcp.server import build_server
from schema_mcp.settings import Settings

SNAPSHOTS = Path(__file__).parent.parent / "snapshots" / "mcp"


@pytest.mark.parametrize("what", ["resources", "resource_templates", "prompts"])
async def test_what_is_listed_looks_as_it_did(settings: Callable[..., Settings], what: str):
    async with Client(build_server(lambda: app.workspace(settings()))) as connected:
        listed: Any = await getattr(connected, f"list_{what}")()
    seen = [one.model_dump(mode="json", by_alias=True, exclude_none=True) for one in getattr(listed, what)]
    text = json.dumps(seen, indent=2, ensure_ascii=False) + "\n"
    path = SNAPSHOTS / f"{what}.json"
    if "UPDATE_SNAPSHOTS" in os.environ:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")

    assert path.read_text(encoding="utf-8") == text, "run `make snapshots`, and look at the difference"


def test_what_a_server_can_do_is_said_for_both_eras():
    server = build_server(lambda: app.workspace(None))  # type: ignore[arg-type] - never opened
    over_http = build_server(lambda: app.workspace(None), via="http")  # type: ignore[arg-type]

    def can(one: Server[Any], revision: str) -> tuple[bool, ...]:
        said = one.get_capabilities(protocol_version=revision)
        assert said.resources is not None
        return said.prompts is not None, said.completions is not None, bool(said.resources.subscribe)

    assert can(server, "2025-11-25") == (True, True, True)
    assert can(server, "2026-07-28") == can(over_http, "2026-07-28") == (True, True, True)
    assert can(over_http, "2025-11-25") == (True, True, False)  # there is no connection to tell a client through
