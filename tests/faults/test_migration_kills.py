"""A migration with references, three contexts and clashes, killed at random moments and resumed: it ends equal."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ENVIRON = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(HERE.parent)}


@pytest.mark.parametrize(
    ("kills", "versions", "least"),
    [
        pytest.param(2, 120, 1, id="few"),
        pytest.param(20, 2_000, 20, id="all", marks=pytest.mark.soak),
    ],
)
def test_all_arrives_however_often_the_run_is_killed(tmp_path: Path, kills: int, versions: int, least: int):
    done = subprocess.run(
        [sys.executable, HERE / "migrates.py", str(kills), str(versions), tmp_path],
        env=ENVIRON | {"HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120 + versions,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["kills"] >= least
