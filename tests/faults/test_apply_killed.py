"""A deployment to two regions that is killed at random moments, and resumed: it ends as planned, and repeats little."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
ENVIRON = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(HERE.parent)}


@pytest.fixture
def port() -> Generator[str]:
    """Where two regions answer, in a process of their own."""
    command = [sys.executable, HERE / "regions.py"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=ENVIRON) as regions:
        assert regions.stdout
        try:
            yield regions.stdout.readline().strip()
        finally:
            regions.kill()


@pytest.mark.parametrize("kills", [6, pytest.param(200, marks=pytest.mark.soak)])
def test_every_region_ends_as_planned_however_often_the_run_is_killed(tmp_path: Path, port: str, kills: int):
    done = subprocess.run(
        [sys.executable, HERE / "applies.py", str(kills), tmp_path, port],
        env=ENVIRON | {"HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=30 + 5 * kills,
        check=False,
    )
    counted = counts(port)

    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    killed = sum(one["kills"] for one in told)
    assert killed >= kills
    assert sum(counted["repeated"].values()) <= killed, counted
    assert all(repeated <= killed for repeated in counted["repeated"].values())


def counts(port: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/counts", timeout=10) as answer:
        return json.load(answer)
