"""A restore that is killed at random moments and resumed ends with what the backup holds, id by id."""

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
        pytest.param(3, 90, 1, id="few"),
        pytest.param(20, 1_000, 15, id="all", marks=pytest.mark.soak),
    ],
)
def test_all_is_back_however_often_the_run_is_killed(tmp_path: Path, kills: int, versions: int, least: int):
    done = subprocess.run(
        [sys.executable, HERE / "restores.py", str(kills), str(versions), tmp_path],
        env=ENVIRON | {"HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120 + versions,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["kills"] >= least
