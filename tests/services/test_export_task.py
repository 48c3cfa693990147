"""An export that takes long: it answers in time, goes on as a task, can be watched, ended, and fetched in the end."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest

from schema_mcp.domain.errors import ConflictError, NotFoundError, RegistryError
from schema_mcp.domain.schema import Schema, Subject
from schema_mcp.services import export_task, pages
from schema_mcp.stores.journal import Status
from schema_mcp.toolkit.paging import TEXT_CHARACTERS
from schema_mcp.tools import CATALOGUE
from services.world import World, record

SUBJECTS = 250


@pytest.fixture
async def estate(world: World) -> World:
    for number in range(SUBJECTS):
        await world.registry("dev").register(Subject(f"s{number:03}"), Schema(record("id:long", name=f"R{number}")))
    return world


@asynccontextmanager
async def held_up(
    world: World, monkeypatch: pytest.MonkeyPatch, at: int, error: Exception | None = None
) -> AsyncIterator[anyio.Event]:
    """dev stops answering at a certain settings read; gives what lets it go on, or fail."""
    dev, go, asked = world.registry("dev"), anyio.Event(), 0
    plain = dev.config

    async def config(*args: Any, **kwargs: Any) -> Any:
        nonlocal asked
        asked += 1
        if asked >= at:
            await go.wait()
            if error:
                raise error
        return await plain(*args, **kwargs)

    monkeypatch.setattr(dev, "config", config)
    async with anyio.create_task_group() as background:
        world.workspace = replace(world.workspace, background=background)
        yield go
    world.workspace = replace(world.workspace, background=None)


async def begun(world: World, **more: Any) -> Any:
    return await world.read("export_schemas", {"format": "zip", "wait": 0.05, **more})


async def task(world: World, named: str) -> Any:
    return await world.read("get_task", {"task": named})


async def test_a_long_one_answers_in_time_and_its_task_tells_the_file(estate: World, monkeypatch: pytest.MonkeyPatch):
    async with held_up(estate, monkeypatch, at=150) as go:
        told = await begun(estate)
        meanwhile = await task(estate, told.task)
        go.set()
    done = await task(estate, told.task)

    assert (told.status, told.file, told.exit_code) == (Status.RUNNING, None, 3)
    assert (meanwhile.status, meanwhile.kind) == (Status.RUNNING, "export")
    assert 100 / 3 < meanwhile.done < 200 / 3  # percents: all versions are read, and a part of the settings
    assert meanwhile.total == 100
    assert meanwhile.rate > 0
    assert meanwhile.seconds_left is not None
    assert (done.status, done.done) == (Status.SUCCEEDED, done.total)
    [path] = estate.workspace.exports.iterdir()
    assert done.notes[0].startswith(f"{path}: ")
    assert hashlib.sha256(path.read_bytes()).hexdigest() in done.notes[0]
    assert done.notes[1] == f"export://{told.task}/1 reads the file."


@pytest.mark.parametrize("form", ["jsonl", "markdown"])
async def test_a_text_that_nobody_waits_for_becomes_a_file(estate: World, monkeypatch: pytest.MonkeyPatch, form: str):
    few = {"subjects": ["s001"], "format": form}
    listing, go = estate.registry("dev").subjects, anyio.Event()

    async def later(**kwargs: Any) -> Any:
        await go.wait()
        return await listing(**kwargs)

    monkeypatch.setattr(estate.registry("dev"), "subjects", later)
    async with held_up(estate, monkeypatch, at=1_000):
        told = await begun(estate, **few)
        go.set()

    assert told.text is None
    assert (await task(estate, told.task)).status is Status.SUCCEEDED
    [path] = estate.workspace.exports.iterdir()
    assert path.read_text(encoding="utf-8") == (await begun(estate, **few, wait=30)).text


@pytest.mark.parametrize("form", ["zip", "markdown", "raw", "jsonl"])
async def test_how_far_it_is_goes_up_and_never_back(estate: World, form: str):
    told: list[tuple[float, float | None]] = []

    async def report(done: float, total: float | None, message: str) -> None:
        told.append((done, total))

    estate.workspace = replace(estate.workspace, report=report)
    tool = CATALOGUE["export_schemas"]
    await tool.run(estate.workspace, tool.request(format=form))

    assert told == sorted(told)
    assert {total for _, total in told} == {100}
    assert told[-1] == (100, 100)
    assert len(told) > 2 or form == "jsonl"


async def test_one_that_is_cancelled_writes_no_file(estate: World, monkeypatch: pytest.MonkeyPatch):
    async with held_up(estate, monkeypatch, at=150) as go:
        told = await begun(estate)
        await estate.read("cancel_task", {"task": told.task, "wait": 0})
        go.set()
    done = await task(estate, told.task)

    assert done.status is Status.CANCELLED
    assert "export_schemas again" in done.next
    assert not estate.workspace.exports.exists()


async def test_one_that_is_cancelled_while_it_writes_leaves_no_file_either(
    estate: World, monkeypatch: pytest.MonkeyPatch
):
    plain, asked, there, go = pages.whole, 0, anyio.Event(), anyio.Event()

    async def held(*args: Any, **kwargs: Any) -> Any:
        nonlocal asked
        asked += 1
        if asked == SUBJECTS // 2:
            there.set()
            await go.wait()
        return await plain(*args, **kwargs)

    monkeypatch.setattr(pages, "whole", held)
    async with held_up(estate, monkeypatch, at=10_000):
        told = await begun(estate, format="html", wait=0)
        await there.wait()
        await estate.read("cancel_task", {"task": told.task, "wait": 0})
        go.set()

    assert (await task(estate, told.task)).status is Status.CANCELLED
    assert not estate.workspace.exports.exists()


async def test_one_that_fails_says_why_and_what_to_do(estate: World, monkeypatch: pytest.MonkeyPatch):
    error = RegistryError("dev does not answer", hint="Ask again later.")
    async with held_up(estate, monkeypatch, at=150, error=error) as go:
        told = await begun(estate)
        go.set()
    done = await task(estate, told.task)

    [registry] = done.registries
    assert (done.status, registry.code, registry.hint) == (Status.FAILED, error.code, error.hint)
    assert "export_schemas again" in done.next


async def test_one_that_is_cut_off_says_so_and_is_begun_anew(estate: World, monkeypatch: pytest.MonkeyPatch):
    async with held_up(estate, monkeypatch, at=150):
        told = await begun(estate)
        estate.workspace.background.cancel_scope.cancel()  # type: ignore[union-attr]
    done = await task(estate, told.task)

    assert done.status is Status.INTERRUPTED
    assert "export_schemas again" in done.next
    with pytest.raises(ConflictError, match="its kind is export"):
        await estate.read("resume_task", {"task": told.task})


async def test_a_text_too_long_for_a_reply_is_a_file_as_well(estate: World):
    told: Any = await begun(estate, format="jsonl", wait=30)
    parts, cursor = [told.text], told.cursor
    while cursor:
        more: Any = await begun(estate, format="jsonl", wait=30, cursor=cursor)
        parts, cursor = [*parts, more.text], more.cursor

    assert len(told.text) == TEXT_CHARACTERS
    [path] = estate.workspace.exports.iterdir()
    assert (told.file, "".join(parts)) == (str(path), path.read_text(encoding="utf-8"))
    assert told.link == f"export://{told.task}/1"


# --- what was written, read again ------------------------------------------------------------------------------------


@pytest.fixture
async def written(world: World, monkeypatch: pytest.MonkeyPatch) -> tuple[World, Any, Path]:
    """A bundle of three parts, and what was said of it."""
    await world.registry("dev").register(Subject("s"), Schema(record("id:long")))
    told: Any = await begun(world, wait=30)
    monkeypatch.setattr(export_task, "PART", -(-told.bytes // 3))
    return world, told, Path(told.file)


async def part(world: World, named: str, number: int) -> export_task.Part:
    run = await world.ground.journal.run(named)
    assert run
    return await export_task.part_of(run, world.workspace.exports, number)


async def test_its_parts_give_the_whole(written: tuple[World, Any, Path]):
    world, told, path = written

    parts = [await part(world, told.task, number) for number in (1, 2, 3)]

    assert b"".join(one.data for one in parts) == path.read_bytes()
    assert {(one.parts, one.size, one.digest) for one in parts} == {(3, told.bytes, told.sha256)}


def replaced(path: Path) -> None:
    path.write_bytes(b"another export")


def moved_behind_a_link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to(path.with_name("elsewhere"))


@pytest.mark.parametrize("change", [Path.unlink, replaced, moved_behind_a_link], ids=["gone", "replaced", "a link"])
async def test_another_file_under_its_name_is_not_given_for_it(written: tuple[World, Any, Path], change: Any):
    world, told, path = written
    change(path)

    with pytest.raises(NotFoundError, match="gone, or another export") as refused:
        await part(world, told.task, 1)
    assert "export_schemas again" in refused.value.hint


@pytest.mark.parametrize("number", [0, -1, 4, 10**9])
async def test_a_part_that_there_is_not_is_told(written: tuple[World, Any, Path], number: int):
    world, told, _ = written

    with pytest.raises(NotFoundError, match="no part") as refused:
        await part(world, told.task, number)
    assert "1 to 3" in refused.value.hint


async def test_a_task_that_wrote_nothing_has_no_parts(world: World):
    run = await world.ground.journal.start(kind="deployment", owner="Ann")

    with pytest.raises(NotFoundError, match="no file"):
        await part(world, run.task, 1)
