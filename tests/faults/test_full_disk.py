"""A full disk: a coded error, nothing half-written, and the same call again ends well once there is room."""

import asyncio
import json
import resource
import subprocess
import sys
from pathlib import Path
from signal import SIG_IGN, SIGXFSZ, signal

import pytest

from schema_mcp.domain.errors import SchemaMcpError
from services.world import V1, V2, embedded, world_at

KINDS = {"ledger": embedded("dev", "prod"), "registry": embedded("dev")}


async def register_without_room(kind: str, folder: Path, room: int) -> None:
    """Print how a registration ended while no file could grow beyond so many bytes; then whether all is well."""
    async with world_at(folder, KINDS[kind]) as world:
        await world.register(V1)
        signal(SIGXFSZ, SIG_IGN)
        _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, most))
        try:
            await world.register(V2)
            code = ""
        except SchemaMcpError as error:
            code = error.code
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        done = await world.register(V2)
        print(  # noqa: T201
            json.dumps(
                {
                    "code": code,
                    "deployed": done.deployed,
                    "same": world.stored() == await world.held() and list(world.stored()) == [1, 2],
                    "modes": [str(mode) for mode in await world.modes()],
                    "findings": len(world.store.findings()),
                }
            )
        )


@pytest.mark.parametrize("room", [0, 400, 20_000])
@pytest.mark.parametrize("kind", KINDS)
def test_a_full_disk_is_a_coded_error_and_nothing_is_half_written(kind: str, room: int, tmp_path: Path):
    ran = subprocess.run(
        [sys.executable, __file__, kind, tmp_path, str(room)],
        env={"PYTHONPATH": str(Path(__file__).parent.parent), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )

    assert ran.returncode == 0, ran.stderr[-3_000:]
    told = json.loads(ran.stdout)
    assert told["code"] in ("store_error", "registry_error", *([""] if room else []))
    assert (told["deployed"], told["same"], told["findings"]) == (True, True, 0)
    assert "IMPORT" not in told["modes"]
    fsck = ["git", "fsck", "--strict"]
    subprocess.run(fsck, cwd=tmp_path / ".schema-mcp" / "store", check=True, capture_output=True)


if __name__ == "__main__":
    asyncio.run(register_without_room(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))
