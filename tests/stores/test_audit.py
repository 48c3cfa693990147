"""The audit trail: every call leaves its line, and no line can be changed, moved or cut off unseen."""

import asyncio
import json
import os
import random
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema_mcp.domain.errors import InvalidRequestError, ReadOnlyError, RegistryError, StoreError
from schema_mcp.stores import chain, trail
from schema_mcp.stores.audit import Audit, Entry, Outcome
from schema_mcp.stores.locks import lock, unlock
from schema_mcp.toolkit.recording import recorded
from stores import crowd

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "audit"


@pytest.fixture
def audit(folder: Path) -> Iterator[Audit]:
    trail_ = Audit(folder, clock=lambda: NOON)
    yield trail_
    trail_.close()


def ann(tool: str, request_id: str = "r1", **named: str) -> Entry:
    return Entry(tool, request_id=request_id, caller="ann", scopes=("read", "write"), **named)


def lines(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "audit.jsonl").read_text().splitlines()]


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("audit*"))


async def leave(folder: Path, count: int, **settings: int) -> None:
    """A trail of so many lines, left by a process that has ended."""
    audit = Audit(folder, **settings)
    for turn in range(count):
        await audit.record(Entry("get_schema", caller="ann", request_id=str(turn + 1)))
    audit.close()


# --- what a line says ---


async def test_a_read_leaves_one_line_that_says_who_asked_for_what(audit: Audit, folder: Path):
    digest = audit.digest({"version": 3})
    asked = ann("get_schema", registry="dev", subject="orders-value", context="eu", arguments_digest=digest)

    async with recorded(asked, audit, writes=False):
        pass

    (line,) = lines(folder)
    duration = line.pop("duration_ms")
    assert isinstance(duration, float)
    assert line == {
        "seq": 1,
        "previous": "0" * 64,
        "hash": line["hash"],
        "at": "2026-03-01T12:00:00.000Z",
        "tool": "get_schema",
        "outcome": "ok",
        "request_id": "r1",
        "caller": "ann",
        "scopes": ["read", "write"],
        "registry": "dev",
        "context": "eu",
        "subject": "orders-value",
        "arguments_digest": digest,
    }


async def test_the_intent_of_a_write_stands_in_the_trail_before_its_effect(audit: Audit, folder: Path):
    async with recorded(ann("register_schema", reason="new field"), audit, writes=True):
        before = lines(folder)

    assert [line["outcome"] for line in before] == ["started"]
    assert [(line["outcome"], line["reason"]) for line in lines(folder)] == [
        ("started", "new field"),
        ("ok", "new field"),
    ]


async def test_the_intent_of_a_write_is_on_disk_before_its_effect(
    audit: Audit, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    happened: list[str] = []

    def sync(descriptor: int) -> None:
        assert os.path.samestat(os.fstat(descriptor), os.stat(folder / "audit.jsonl"))  # noqa: PTH116
        happened.append("on disk")

    monkeypatch.setattr(chain, "_sync", sync)

    async with recorded(ann("register_schema"), audit, writes=True):
        happened.append("effect")
    async with recorded(ann("get_schema"), audit, writes=False):
        happened.append("read")

    assert happened == ["on disk", "effect", "on disk", "read"]


@pytest.mark.parametrize(
    ("error", "outcome", "code"),
    [
        pytest.param(ReadOnlyError("no"), "refused", "read_only", id="not-allowed"),
        pytest.param(InvalidRequestError("no"), "refused", "invalid_request", id="arguments-make-no-sense"),
        pytest.param(RegistryError("down"), "failed", "registry_error", id="registry-down"),
        pytest.param(ZeroDivisionError(), "failed", "bug", id="a-bug"),
        pytest.param(asyncio.CancelledError(), "failed", "cancelled", id="cancelled"),
    ],
)
@pytest.mark.parametrize("writes", [True, False])
async def test_how_a_call_ended_is_told_and_the_error_travels_on(
    audit: Audit, folder: Path, error: BaseException, outcome: str, code: str, writes: bool
):
    with pytest.raises(type(error)):
        async with recorded(ann("some_tool"), audit, writes=writes):
            raise error

    assert (lines(folder)[-1]["outcome"], lines(folder)[-1]["code"]) == (outcome, code)


async def test_a_cancelled_call_still_leaves_its_outcome(audit: Audit, folder: Path):
    with anyio.move_on_after(0.05):
        async with recorded(ann("apply_plan"), audit, writes=True):
            await anyio.sleep_forever()

    assert [line.get("code") for line in lines(folder)] == [None, "cancelled"]


async def test_equal_arguments_can_be_matched_but_only_with_the_folders_own_key(audit: Audit, folder: Path):
    one, other = {"a": 1, "b": "x"}, {"a": 1, "b": "y"}
    elsewhere = Audit(folder.parent / "elsewhere")

    assert audit.digest(one) == audit.digest(dict(reversed(one.items())))
    assert audit.digest(one) != audit.digest(other)
    assert audit.digest(one) != elsewhere.digest(one)
    again = Audit(folder)
    assert again.digest(one) == audit.digest(one)
    again.close()
    elsewhere.close()


async def test_only_the_owner_may_look_into_the_folder(audit: Audit, folder: Path):
    await audit.record(Entry("get_schema"))

    assert all(stat.S_IMODE(path.stat().st_mode) & 0o077 == 0 for path in [folder, *files(folder)])


async def test_a_callers_text_cannot_break_a_line(audit: Audit, folder: Path):
    hostile = 'x"}\n{"seq":99,"hash":"' + "0" * 64 + '"}\n\u2028\x1b[2J\udc80' + "y" * 5_000

    async with recorded(ann("register_schema", hostile, reason=hostile), audit, writes=True):
        pass

    assert len(lines(folder)) == 2
    assert await audit.verify() == []
    assert (await audit.recent(1))[0].request_id == hostile


# --- does the chain hold ---


Damage = Callable[[list[bytes]], list[bytes]]


def _resealed(line: bytes, **changed: object) -> bytes:
    """What somebody would write who knows how a line is made."""
    body = {**json.loads(line), **changed}
    link = chain.Link(body.pop("seq") - 1, body.pop("previous"))
    body.pop("hash")
    return chain.sealed(body, link)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        pytest.param(lambda x: [*x[:3], x[3].replace(b"ann", b"bob"), *x[4:]], "line 4 was changed", id="edited"),
        pytest.param(
            lambda x: [*x[:3], _resealed(x[3], caller="bob"), *x[4:]], "line 5 does not follow", id="resealed"
        ),
        pytest.param(lambda x: [*x[:-1], _resealed(x[-1], caller="bob")], "not the one that was", id="last-resealed"),
        pytest.param(lambda x: [*x[:3], *x[4:]], "lines 4 to 4 are missing", id="one-taken-out"),
        pytest.param(lambda x: [*x[:3], x[4], x[3], *x[5:]], "lines 4 to 4 are missing", id="two-swapped"),
        pytest.param(lambda x: [*x[:4], x[3], *x[4:]], "line 4 does not follow line 4", id="one-repeated"),
        pytest.param(lambda x: x[2:], "lines 1 to 2 are missing", id="beginning-cut-off"),
        pytest.param(lambda x: x[:-2], "lines 9 to 10 are missing", id="end-cut-off"),
        pytest.param(lambda x: [], "lines 1 to 10 are missing", id="emptied"),
        pytest.param(lambda x: [*x[:-1], x[-1][:-20]], "unfinished line", id="half-a-line"),
        pytest.param(lambda x: [*x[:3], b"not json\n", *x[3:]], "not a line of this trail", id="something-else"),
        pytest.param(lambda x: [*x[:3], b"{}\n", *x[3:]], "not a line of this trail", id="other-json"),
    ],
)
async def test_what_was_done_to_the_trail_is_found(folder: Path, damage: Damage, reason: str):
    await leave(folder, 10)
    assert trail.verify(folder) == []
    path = folder / "audit.jsonl"

    path.write_bytes(b"".join(damage(path.read_bytes().splitlines(keepends=True))))

    assert any(reason in finding.reason for finding in trail.verify(folder)), trail.verify(folder)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound trail of three files."""
    folder = tmp_path_factory.mktemp("sound") / "audit"
    anyio.run(lambda: leave(folder, 30, rotate_at=3_000))
    assert len(list(folder.glob("audit*.jsonl"))) == 3
    assert trail.verify(folder) == []
    return folder


@given(data=st.data())
def test_any_changed_byte_is_found(sound: Path, data: st.DataObject):
    path = data.draw(st.sampled_from(sorted(sound.glob("audit*.jsonl"))))
    was = path.read_bytes()
    place = data.draw(st.integers(0, len(was) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda byte: byte != was[place]))

    try:
        path.write_bytes(was[:place] + bytes([byte]) + was[place + 1 :])
        assert trail.verify(sound)
    finally:
        path.write_bytes(was)


@given(data=st.data())
def test_any_cut_is_found(sound: Path, data: st.DataObject):
    path = data.draw(st.sampled_from(sorted(sound.glob("audit*.jsonl"))))
    was = path.read_bytes()
    size = data.draw(st.integers(0, len(was) - 1))

    try:
        path.write_bytes(was[:size])
        assert trail.verify(sound)
    finally:
        path.write_bytes(was)


def test_a_file_that_was_taken_away_is_missed(sound: Path, tmp_path: Path):
    for place, path in enumerate(sorted(sound.glob("audit*.jsonl"))):
        copy = shutil.copytree(sound, tmp_path / str(place))

        (copy / path.name).unlink()

        assert "missing" in trail.verify(copy)[0].reason


async def test_an_end_that_was_cut_off_stays_missed_after_the_trail_went_on(folder: Path):
    await leave(folder, 10)
    path = folder / "audit.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-3]))

    await leave(folder, 2)

    assert [finding.reason for finding in trail.verify(folder)] == ["lines 8 to 10 are missing"]
    assert [line["seq"] for line in lines(folder)][-3:] == [7, 11, 12]


async def test_a_head_that_was_taken_away_is_noted_for_ever(folder: Path):
    await leave(folder, 3)
    (folder / "audit.head").unlink()
    assert ["nothing proves" in finding.reason for finding in trail.verify(folder)] == [True]

    await leave(folder, 1)

    assert [line.get("reason") for line in lines(folder)] == [None, None, None, "audit.head was missing", None]
    assert trail.verify(folder) == []


async def test_an_unreadable_end_without_a_head_refuses_to_go_on(folder: Path):
    await leave(folder, 3)
    (folder / "audit.head").write_text("nonsense")
    (folder / "audit.jsonl").write_text("nonsense\n")

    with pytest.raises(StoreError, match="not readable"):
        Audit(folder)


def test_where_nothing_was_recorded_nothing_is_found(tmp_path: Path):
    assert trail.verify(tmp_path) == []


# --- crashes and crowds ---


async def test_half_a_line_left_by_a_crash_is_removed_and_that_is_said(folder: Path):
    await leave(folder, 3)
    with (folder / "audit.jsonl").open("ab") as file:
        file.write(b'{"at":"2026-03-01T12:00:00.0')

    Audit(folder).close()

    assert trail.verify(folder) == []
    said = lines(folder)[-1]
    assert (said["tool"], said["code"]) == ("audit", "repaired")
    assert "28 bytes of an unfinished line" in str(said["reason"])


async def test_a_line_whose_writer_died_before_noting_it_in_the_head_is_kept(folder: Path):
    await leave(folder, 2)
    head = (folder / "audit.head").read_bytes()
    await leave(folder, 1)

    (folder / "audit.head").write_bytes(head)
    await leave(folder, 1)

    assert trail.verify(folder) == []
    assert [line["seq"] for line in lines(folder)] == [1, 2, 3, 4]


@pytest.mark.parametrize("rotate_at", [chain.ROTATE_AT, 20_000], ids=["one-file", "many-files"])
def test_killed_processes_leave_a_chain_that_holds_and_every_line_they_were_promised(folder: Path, rotate_at: int):
    chance = random.Random(7)
    crew = {name: crowd.ready(crowd.join("record", folder, name, rotate_at)) for name in "abcd"}
    for name in "aebfcgdh":
        time.sleep(0.1 + chance.random() / 10)
        if name in crew:
            crowd.kill(crew[name])
        else:
            crowd.kill(crowd.ready(crowd.join("record", folder, name, rotate_at)))

    assert trail.verify(folder) == []
    said = list(trail.newest(folder))
    assert [line["seq"] for line in said] == list(range(len(said), 0, -1))
    assert len(said) > 200
    for name in crew:
        turns = [int(line["request_id"]) for line in reversed(said) if line["caller"] == name and "effect" not in line]
        reads = sorted(set(turns))
        assert reads == list(range(1, len(reads) + 1)), f"lines of {name} are lost"


async def test_files_are_set_aside_by_size_and_the_chain_goes_on(folder: Path):
    await leave(folder, 100, rotate_at=5_000)

    assert len(files(folder)) > 6
    assert all(path.stat().st_size <= 5_000 for path in files(folder))
    assert trail.verify(folder) == []
    assert [line["seq"] for line in trail.newest(folder)] == list(range(100, 0, -1))


async def test_a_second_process_follows_when_the_first_sets_the_file_aside(folder: Path):
    one, two = Audit(folder, rotate_at=2_000), Audit(folder, rotate_at=2_000)
    for turn in range(40):
        await (one, two)[turn % 2].record(Entry("get_schema", request_id=str(turn)))
    one.close()
    two.close()

    assert trail.verify(folder) == []
    assert len(list(trail.newest(folder))) == 40


def test_a_full_disk_refuses_the_write_and_leaves_a_chain_that_holds(folder: Path):
    process = crowd.join("record_on_a_full_disk", folder, 20_000)

    output, errors = process.communicate(timeout=60)

    assert process.returncode == 0, errors.decode()
    read, write = output.decode().splitlines()
    assert read.startswith("read: The audit trail in")
    assert write.startswith("write: The audit trail in")
    assert trail.verify(folder) == []
    assert next(trail.newest(folder))["request_id"] == "there is room again"
    assert all(line["tool"] != "audit" for line in trail.newest(folder)), "half a line had to be removed"


async def test_a_write_is_refused_while_the_trail_is_locked_away(
    audit: Audit, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(chain, "PATIENCE", 0.1)
    stranger = os.open(folder / "audit.head", os.O_RDWR)
    assert lock(stranger, 0)

    with pytest.raises(StoreError, match="locked") as refused:
        async with recorded(ann("register_schema"), audit, writes=True):
            pytest.fail("written all the same")

    assert "nothing was done" in refused.value.hint
    os.close(stranger)


async def test_a_read_that_waits_for_its_turn_keeps_no_other_call_waiting(audit: Audit, folder: Path):
    stranger = os.open(folder / "audit.head", os.O_RDWR)
    assert lock(stranger, 0)
    ticks = 0

    with anyio.fail_after(5):
        async with anyio.create_task_group() as calls:
            for tick in range(20):
                if tick % 7 == 0:
                    calls.start_soon(audit.record, Entry("get_schema"))
                await anyio.sleep(0.005)
                ticks += 1
            assert lines(folder) == []
            unlock(stranger)
    os.close(stranger)

    assert ticks == 20
    assert len(lines(folder)) == 3


# --- asking the trail ---


async def test_the_newest_lines_come_first_and_can_be_chosen(folder: Path):
    hours = iter(range(100))
    audit = Audit(folder, clock=lambda: NOON + timedelta(hours=next(hours)), rotate_at=2_000)
    for turn in range(20):
        entry = Entry("get_schema", caller="ann" if turn % 2 else "bob", duration_ms=1.5, scopes=("read",))
        await (audit.intent if turn == 7 else audit.record)(entry)

    assert [entry.seq for entry in await audit.recent(3)] == [20, 19, 18]
    assert [entry.seq for entry in await audit.recent(3, before=18)] == [17, 16, 15]
    assert [entry.seq for entry in await audit.recent(3, caller="ann", before=18)] == [16, 14, 12]
    assert [entry.seq for entry in await audit.recent(99, since="2026-03-02T05:00:00")] == [20, 19, 18]
    assert await audit.recent(1, outcome="started") == [
        Entry(
            "get_schema",
            Outcome.STARTED,
            caller="ann",
            scopes=("read",),
            duration_ms=1.5,
            at="2026-03-01T19:00:00.000Z",
            seq=8,
        ),
    ]
    audit.close()


async def test_whether_something_could_be_recorded_is_found_out_without_recording_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    audit = Audit(tmp_path / "audit")
    before = {path.name: path.read_bytes() for path in (tmp_path / "audit").iterdir()}
    await audit.try_out(1)
    after = {path.name: path.read_bytes() for path in (tmp_path / "audit").iterdir()}

    monkeypatch.setattr(chain.os, "write", lambda *_: 0)  # the disk is full
    with pytest.raises(StoreError, match="No space left"):
        await audit.try_out(1)
    left = {path.name for path in (tmp_path / "audit").iterdir()}
    audit.close()

    assert after == before
    assert left == set(before)
