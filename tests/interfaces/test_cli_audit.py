"""`schema-mcp audit verify`: an edit, a gap and a truncation are found, and a whole chain is called whole."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from schema_mcp.stores.audit import Audit, Entry


async def _written(folder: Path) -> None:
    audit = Audit(folder)
    for number in range(6):
        await audit.record(Entry(f"tool_{number}", caller="ann"))
    audit.close()


@pytest.fixture
def state(tmp_path: Path) -> Path:
    anyio.run(_written, tmp_path / "state" / "audit")
    return tmp_path / "state"


def verified(state: Path, *more: str) -> tuple[int, str]:
    words = [sys.executable, "-m", "schema_mcp", "audit", "verify", "--state", str(state), *more]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, cwd=state.parent, check=False)
    return done.returncode, done.stdout + done.stderr


def edit(lines: list[str]) -> list[str]:
    return [line.replace("ann", "eve") if number == 2 else line for number, line in enumerate(lines)]


def gap(lines: list[str]) -> list[str]:
    return lines[:2] + lines[3:]


def truncation(lines: list[str]) -> list[str]:
    return lines[:-2]


def swap(lines: list[str]) -> list[str]:
    return [lines[1], lines[0], *lines[2:]]


def test_a_whole_chain_is_called_whole(state: Path):
    assert verified(state) == (0, "The chain holds: 6 lines\n")


@pytest.mark.parametrize(
    ("forge", "said"),
    [
        (edit, "line 3 was changed"),
        (gap, "lines 3 to 3 are missing"),
        (truncation, "lines 5 to 6 are missing"),
        (swap, "missing"),
    ],
)
def test_what_was_done_to_it_is_found(forge: Callable[[list[str]], list[str]], said: str, state: Path):
    path = state / "audit" / "audit.jsonl"
    path.write_text("".join(forge(path.read_text().splitlines(keepends=True))))

    status, output = verified(state)
    as_json = json.loads(verified(state, "--json")[1])

    assert status == 1
    assert said in output
    assert (as_json["holds"], bool(as_json["findings"])) == (False, True)


def test_it_changes_nothing_itself(state: Path):
    path = state / "audit" / "audit.jsonl"
    path.write_text(path.read_text() + '{"half": ')
    before = path.read_text()

    assert verified(state)[0] == 1
    assert path.read_text() == before


def test_where_there_is_no_trail_it_says_so(tmp_path: Path):
    status, output = verified(tmp_path / "nowhere")

    assert status == 1
    assert "no audit trail" in output
    assert not (tmp_path / "nowhere").exists()
