"""Disks that are full or cannot be written to, as real file systems: nothing half-visible, and well afterwards."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from faults import git_writers
from schema_mcp.stores.repository import Repository
from stores.judge import agrees, git, is_sound

# A mount of one's own, seen by nobody else and gone with its process; without root, by a user namespace.
_WAYS = (["unshare", "-m"], ["unshare", "-Urm"])


def _works(way: list[str]) -> bool:
    probe = [*way, "sh", "-c", "mount -t tmpfs -o size=1m none /mnt"]
    return bool(shutil.which("unshare")) and subprocess.run(probe, capture_output=True, check=False).returncode == 0


WAY = next((way for way in _WAYS if _works(way)), None)
pytestmark = pytest.mark.skipif(WAY is None, reason="nothing can be mounted on this machine")


def play(disk: Path, script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a part on a disk that a script has prepared; the script sees it as `$1`, and us as the rest."""
    command = [sys.executable, git_writers.__file__, *map(str, arguments)]
    assert WAY is not None
    return subprocess.run(
        [*WAY, "sh", "-euc", script, "sh", disk, *command], capture_output=True, text=True, check=False, timeout=100
    )


@pytest.fixture
def upstream(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q", "--bare", "-b", "main", "upstream.git")
    return tmp_path / "upstream.git"


@pytest.fixture(params=["bare", "checked-out"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A folder with a store in it, and room for a copy."""
    Repository.create(tmp_path / "disk" / "ours", bare=request.param == "bare")
    (tmp_path / "copy").mkdir()
    return tmp_path / "disk"


FULL = """
disk=$1; shift
cp -a "$disk/." "$disk/../copy"
mount -t tmpfs -o size=4m none "$disk"
cp -a "$disk/../copy/." "$disk"
"$@"
find "$disk/../copy" -mindepth 1 -delete
cp -a "$disk/." "$disk/../copy"
"""


def test_on_a_full_disk_nothing_is_committed_and_all_is_well_once_there_is_room(disk: Path, upstream: Path):
    played = play(disk, FULL, "fill", disk / "ours", upstream)

    assert played.returncode == 0, played.stderr
    refused, sound, again = played.stdout.splitlines()
    assert refused.startswith("store_error ")
    assert "No space left" in refused
    assert (sound, again) == ("True 1", "2")
    repository = Repository.open(disk.parent / "copy" / "ours")
    assert agrees(repository)
    assert is_sound(upstream)
    assert git(upstream, "rev-parse", "main") == repository.head
    assert git(upstream, "rev-list", "--count", "main") == "2"
    assert list((disk.parent / "copy").rglob("*.pending")) == []


READ_ONLY = """
disk=$1; shift
mount --bind "$disk" "$disk"
mount -o remount,bind,ro "$disk"
"$@"
"""


async def test_a_disk_that_cannot_be_written_to_is_read_and_told(disk: Path, upstream: Path):
    await git_writers.add(git_writers.store_at(str(disk / "ours"), str(upstream)), 1)

    played = play(disk, READ_ONLY, "read_only", disk / "ours", upstream)

    assert played.returncode == 0, played.stderr
    held, *refused = played.stdout.splitlines()
    assert held == "1"
    assert len(refused) == 2
    for line in refused:
        assert line.startswith("store_error ")
        assert "Read-only file system" in line
    assert agrees(Repository.open(disk / "ours"))
    assert git(upstream, "rev-list", "--count", "main") == "1"
