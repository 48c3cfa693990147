"""Settings in, workspace out: what is made where, and in whose name."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from schema_mcp import app
from schema_mcp.domain.errors import SchemaMcpError
from schema_mcp.interfaces.cli.clients import entry
from schema_mcp.settings import Settings, load

ROOT = Path(__file__).parents[2]
Make = Callable[..., Settings]


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


async def test_the_state_folder_is_nobodys_business(settings: Make, world: Path):
    async with app.workspace(settings()):
        pass

    assert git(world, "status", "--porcelain") == "?? registries.yaml"
    assert (world / ".schema-mcp").stat().st_mode & 0o077 == 0


async def test_a_repository_around_the_data_folder_is_not_our_store(tmp_path: Path):
    git(tmp_path, "init", "-q")

    async with app.workspace(load({}, environ={"XDG_DATA_HOME": str(tmp_path)}, folder=Path("/"))) as workspace:
        assert workspace.store.repository.root == tmp_path / "schema-mcp/store"


async def test_a_missing_store_is_made(settings: Make, tmp_path: Path):
    async with app.workspace(settings(store=tmp_path / "new")) as workspace:
        assert workspace.store.repository.root == tmp_path / "new"


async def test_a_folder_full_of_other_things_is_not_made_a_store(settings: Make, tmp_path: Path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/cat.jpg").touch()

    with pytest.raises(SchemaMcpError, match="no Git repository"):
        async with app.workspace(settings(store=tmp_path / "photos")):
            pass

    assert [one.name for one in (tmp_path / "photos").iterdir()] == ["cat.jpg"]


async def test_a_server_that_only_reads_makes_no_store(settings: Make, tmp_path: Path):
    with pytest.raises(SchemaMcpError):
        async with app.workspace(settings(store=tmp_path / "new", read_only=True)):
            pass

    assert not (tmp_path / "new").exists()


async def test_a_place_that_cannot_be_used_is_named(settings: Make, tmp_path: Path):
    (tmp_path / "file").touch()

    with pytest.raises(SchemaMcpError, match="file"):
        async with app.workspace(settings(state=tmp_path / "file" / "state")):
            pass


@pytest.mark.parametrize(
    ("environ", "config", "name", "email"),
    [
        pytest.param({"GIT_AUTHOR_NAME": "Ann", "GIT_AUTHOR_EMAIL": "ann@example.com"}, {}, "Ann", "ann@example.com"),
        pytest.param({}, {"user.name": "Bob", "user.email": "bob@example.com"}, "Bob", "bob@example.com"),
    ],
    ids=["variables", "git"],
)
async def test_the_owner_is_known_by_the_name_that_git_knows(
    settings: Make,
    world: Path,
    monkeypatch: pytest.MonkeyPatch,
    environ: dict[str, str],
    config: dict[str, str],
    name: str,
    email: str,
):
    for variable in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL"):
        monkeypatch.delenv(variable, raising=False)
    for variable, said in environ.items():
        monkeypatch.setenv(variable, said)
    for key, said in config.items():
        git(world, "config", key, said)

    async with app.workspace(settings(scopes="write")) as workspace:
        caller = workspace.caller

    assert (caller.name, caller.email, sorted(caller.scopes)) == (name, email, ["read", "write"])


async def test_an_error_inside_a_workspace_stays_what_it_is(settings: Make):
    with pytest.raises(KeyError, match="mine"):
        async with app.workspace(settings()):
            raise KeyError("mine")


async def test_work_in_the_background_ends_with_the_workspace(settings: Make):
    ended: list[str] = []

    async def work() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            ended.append("work")

    async with app.workspace(settings()) as workspace:
        assert workspace.background is not None
        workspace.background.start_soon(work)

    assert ended == ["work"]


def test_the_examples_beside_the_readme_work(tmp_path: Path):
    told = load({"config": ROOT / "registries.yaml"}, environ={"HOME": str(tmp_path)}, folder=tmp_path)
    example = json.loads((ROOT / "claude_desktop_config.example.json").read_text(encoding="utf-8"))
    ours = entry("claude-desktop", Path("/home/someone/schemas"), tmp_path)

    assert [one.name for one in told.connections] == ["dev"]
    assert example[ours.section]["schema-mcp"]["args"] == ours.content["args"]
