"""Several processes at work on one store and one ledger at the same time."""

import subprocess
import sys
from pathlib import Path

import pytest

from faults.check import assert_sound
from faults.crowd import KINDS

PROCESSES, EACH = 3, 40


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_lost_or_duplicated(kind: str, tmp_path: Path):
    script = Path(__file__).with_name("crowd.py")
    environ = {"PYTHONPATH": str(script.parent.parent), "PATH": "/usr/bin:/bin"}
    (tmp_path / "registries.yaml").write_text(KINDS[kind], encoding="utf-8")
    crowd = [
        subprocess.Popen(
            [sys.executable, script, kind, tmp_path, str(number), str(EACH)],
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(PROCESSES)
    ]
    ended = [(process.communicate(timeout=200), process.returncode) for process in crowd]

    assert [(code, said[1][-2_000:]) for said, code in ended if code] == []
    told = [line.split() for said, _ in ended for line in said[0].splitlines()]
    assert len(told) == PROCESSES * EACH
    shared = [(version, schema_id) for subject, version, schema_id in told if subject == "shared"]
    own = [(subject, version) for subject, version, _ in told if subject != "shared"]
    assert len(set(shared)) == len(shared)
    assert len(set(own)) == len(own)
    assert_sound(tmp_path, KINDS[kind])
