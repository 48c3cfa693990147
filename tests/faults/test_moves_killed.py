"""A migration with references, three contexts and clashes, or a restore, killed at random points: it ends equal."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
ENVIRON = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(HERE.parent)}

READS_AFTER_A_KILL = 64
"""Requests at most: what the next versions find, and what was written and not read back; twenty of each are asked for
one by one, more in one listing."""


@pytest.mark.parametrize(
    ("script", "kills", "versions"),
    [
        pytest.param("migrates.py", 2, 120, id="migration"),
        pytest.param("restores.py", 2, 90, id="restore"),
        pytest.param("migrates.py", 20, 2_000, id="large migration", marks=pytest.mark.soak),
        pytest.param("restores.py", 20, 1_000, id="large restore", marks=pytest.mark.soak),
    ],
)
def test_all_arrives_once_however_often_the_run_is_killed(tmp_path: Path, script: str, kills: int, versions: int):
    done = subprocess.run(
        [sys.executable, HERE / script, str(kills), str(versions), tmp_path / "world"],
        env=ENVIRON | {"HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120 + versions,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    more = {kind: count - told["calm"].get(kind, 0) for kind, count in told["disturbed"].items()}
    assert told["kills"] == kills
    assert "finished_again" not in more
    assert more["write"] <= kills  # the one that was under way
    assert more["mode_write"] <= 2 * kills  # a subject that was left in IMPORT goes back, and in once more
    assert more["read"] <= READS_AFTER_A_KILL * kills
