"""A kill at every single point of a registration and a deployment, and what the next process makes of it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SAID = {
    "registry": ("nothing was registered; the number is free again", "was in dev only; committed as", "is committed"),
    "ledger": ("was left in IMPORT and is none of its own again", "was cut off while it was deployed", "is committed"),
}


@pytest.mark.parametrize("kind", SAID)
def test_after_a_kill_at_any_point_the_same_calls_end_well_and_say_what_was_repaired(kind: str, tmp_path: Path):
    script = Path(__file__).with_name("sweep.py")
    ran = subprocess.run(
        [sys.executable, script, kind, tmp_path],
        env={"PYTHONPATH": str(script.parent.parent), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert ran.returncode == 0, ran.stderr[-3_000:]
    points = [json.loads(line) for line in ran.stdout.splitlines()]
    said = [sentence for one in points for sentence in one["said"]]
    assert len(points) > 10
    assert [wanted for wanted in SAID[kind] if not any(wanted in one for one in said)] == []
    assert all(sentence in ran.stderr for sentence in said)  # the log has it, too
