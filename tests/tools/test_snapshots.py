"""What clients see of each tool: a difference here is a change of the public contract. `UPDATE_SNAPSHOTS=1` accepts."""

import json
import os
from pathlib import Path

import pytest

from schema_mcp.interfaces.mcp.desk import describe
from schema_mcp.tools import CATALOGUE

SNAPSHOTS = Path(__file__).parent.parent / "snapshots" / "tools"


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_tool_looks_as_it_did(name: str):
    seen = describe(CATALOGUE[name]).model_dump(mode="json", by_alias=True, exclude_none=True)
    text = json.dumps(seen, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    path = SNAPSHOTS / f"{name}.json"
    if "UPDATE_SNAPSHOTS" in os.environ:
        path.write_text(text, encoding="utf-8")

    assert path.read_text(encoding="utf-8") == text, "run `make snapshots`, and look at the difference"


def test_no_snapshot_outlives_its_tool():
    if "UPDATE_SNAPSHOTS" in os.environ:
        for path in SNAPSHOTS.glob("*.json"):
            if path.stem not in CATALOGUE:
                path.unlink()

    assert {path.stem for path in SNAPSHOTS.glob("*.json")} == set(CATALOGUE)
