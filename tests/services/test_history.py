"""The store's history is told from Git: who, when, why, and what changed in the schemas."""

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from schema_mcp.domain.errors import InvalidRequestError, NotFoundError
from schema_mcp.domain.schema import Subject
from schema_mcp.services.digests import stored_digest
from schema_mcp.stores import lineage
from schema_mcp.stores.repository import Repository
from schema_mcp.stores.schemastore import AddVersion, SchemaStore
from services.asking import ask
from services.world import ANN, ORDERS, V1, V2, World, record

ODD = "a/b:Ünïcode"


def git(world: World, *arguments: str, clone: Path | None = None) -> str:
    place = ["-C", str(clone)] if clone else [f"--git-dir={world.store.repository.path}"]
    person = ["-c", "user.name=Bob", "-c", "user.email=bob@example.com"]
    return subprocess.run(["git", *place, *person, *arguments], capture_output=True, text=True, check=True).stdout


def by_hand(world: World, tmp_path: Path) -> Path:
    """A person's clone of the store."""
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", str(world.store.repository.path), str(clone)], check=True)
    return clone


def pushed(world: World, clone: Path, message: str) -> None:
    git(world, "add", "-A", clone=clone)
    git(world, "commit", "-q", "-m", message, clone=clone)
    taken(world, clone)


def taken(world: World, clone: Path) -> None:
    """The store goes on from what the person has."""
    git(world, "fetch", "-q", str(clone), "HEAD")
    git(world, "update-ref", "refs/heads/main", git(world, "rev-parse", "HEAD", clone=clone).strip())


async def history(world: World, **arguments: Any) -> Any:
    return await ask(world, "get_schema_history", **arguments)


async def test_a_subjects_history_says_who_when_why_and_what(world: World):
    await ask(world, "store_schema", subject="orders-value", schema_text=V1, reason="we begin")
    await ask(world, "store_schema", subject="other", schema_text=V1)
    await ask(world, "store_schema", subject="orders-value", schema_text=V2)
    await ask(world, "update_stored_schema", subject="orders-value", level="FULL", version=None)
    await ask(world, "update_stored_schema", subject="orders-value", version=1, retired=True)

    told = (await history(world, subject="orders-value")).commits

    assert [row.message for row in told] == [
        "Retire orders-value v1",
        "Change level of orders-value",
        "Add orders-value v2 (ID: 10002)",
        "Add orders-value v1 (ID: 10001)",
    ]
    assert [row.changes for row in told[:2]] == [("v1: retired",), ("level: nothing became FULL",)]
    assert told[2].changes[0] == "v2 added (id 10002, AVRO)"
    assert "note" in told[2].changes[1]
    assert (told[3].changes, told[3].reason, told[3].tool) == (
        ("v1 added (id 10001, AVRO)",),
        "we begin",
        "store_schema",
    )
    assert told[3].author.startswith(world.workspace.caller.name)
    assert told[3].request_id


async def test_a_shallow_clone_says_that_it_does_not_know_who_began(world: World, tmp_path: Path):
    await ask(world, "store_schema", subject="orders-value", schema_text=V1)
    await ask(world, "store_schema", subject="orders-value", schema_text=V2)
    git(world, "clone", "-q", "--depth", "1", world.store.repository.path.as_uri(), str(tmp_path / "shallow"))
    store = SchemaStore(Repository.open(tmp_path / "shallow"), stored_digest)

    there = await history(World(replace(world.workspace, store=store)), subject="orders-value")
    whole = await history(world, subject="orders-value")

    assert (len(there.commits), "shallow" in there.notes[0]) == (1, True)
    assert (len(whole.commits), whole.notes) == (2, ())


async def test_pages_go_on_where_the_last_one_ended(world: World):
    for text in (V1, V2):
        await ask(world, "store_schema", subject="orders-value", schema_text=text)

    first = await history(world, subject="orders-value", limit=1)
    second = await history(world, subject="orders-value", limit=1, cursor=first.cursor)

    assert [row.changes[0] for row in (*first.commits, *second.commits)] == [
        "v2 added (id 10002, AVRO)",
        "v1 added (id 10001, AVRO)",
    ]
    assert (first.cursor is not None, second.cursor) == (True, None)


async def test_a_subject_whose_folder_is_a_hash_has_a_history(world: World):
    await ask(world, "store_schema", subject=ODD, schema_text=V1, context="eu")

    told = await history(world, subject=ODD, context="eu")

    assert [row.changes for row in told.commits] == [("v1 added (id 10001, AVRO)",)]


async def test_a_context_and_the_whole_store_have_one_too(world: World):
    await ask(world, "store_schema", subject="orders-value", schema_text=V1)
    await ask(world, "store_schema", subject="orders-value", schema_text=V2, context="eu")

    eu, whole = await history(world, context="eu"), await history(world)

    assert [row.changes for row in eu.commits] == [(":.eu:orders-value v1 added (id 10002, AVRO)",)]
    assert len(whole.commits) == 2


async def test_what_never_was_has_none(world: World):
    await ask(world, "store_schema", subject="orders-value", schema_text=V1)

    with pytest.raises(NotFoundError):
        await history(world, subject="nobody")


async def test_a_commit_made_by_hand_is_told_in_the_same_words(world: World, tmp_path: Path):
    await ask(world, "store_schema", subject="orders-value", schema_text=V1)
    clone = by_hand(world, tmp_path)
    folder = clone / "SCHEMASTORE" / "default" / "orders-value"
    (folder / "subject.json").write_text('{"owner": "shop", "team": "x"}')
    pushed(world, clone, "Say who owns it\n\nBecause nobody knew.")

    row = (await history(world, subject="orders-value")).commits[0]

    assert (row.message, row.author, row.tool, row.reason) == ("Say who owns it", "Bob <bob@example.com>", None, None)
    assert row.changes == ("owner: nothing became shop", "team: nothing became x")


async def test_a_file_that_cannot_be_read_is_history_as_well(world: World, tmp_path: Path):
    await ask(world, "store_schema", subject="orders-value", schema_text=V1)
    clone = by_hand(world, tmp_path)
    folder = clone / "SCHEMASTORE" / "default" / "orders-value"
    (folder / "v1" / "metadata.json").write_text("{")
    (folder / "README.txt").write_text("hello")
    pushed(world, clone, "Break it")

    row = (await history(world, subject="orders-value")).commits[0]

    assert row.changes == (
        "default/orders-value/README.txt changed, which is no file of the store",
        "v1 removed, or made unreadable",
    )


async def test_both_sides_of_a_merge_are_told_and_the_merge_itself_only_where_it_adds(world: World, tmp_path: Path):
    await ask(world, "store_schema", subject="orders-value", schema_text=V1)
    clone = by_hand(world, tmp_path)
    git(world, "switch", "-q", "-c", "side", clone=clone)
    subject = clone / "SCHEMASTORE" / "default" / "orders-value" / "subject.json"
    subject.write_text('{"owner": "shop"}')
    git(world, "add", "-A", clone=clone)
    git(world, "commit", "-q", "-m", "On the side", clone=clone)
    git(world, "switch", "-q", "-", clone=clone)
    (clone / "notes.md").write_text("x")
    git(world, "add", "-A", clone=clone)
    git(world, "commit", "-q", "-m", "Elsewhere", clone=clone)
    git(world, "merge", "-q", "--no-ff", "-m", "Merge the side", "side", clone=clone)
    taken(world, clone)

    told = await history(world, subject="orders-value")

    assert [row.message for row in told.commits] == ["On the side", "Add orders-value v1 (ID: 10001)"]


async def test_a_folder_that_was_moved_keeps_its_past(world: World, tmp_path: Path):
    await ask(world, "store_schema", subject="orders-value", schema_text=V1)
    await ask(world, "store_schema", subject="orders-value", schema_text=V2)
    clone = by_hand(world, tmp_path)
    place = clone / "SCHEMASTORE" / "default"
    (place / "orders-value").rename(place / "orders-v2-value")
    for metadata in place.glob("orders-v2-value/v*/metadata.json"):
        metadata.write_text(metadata.read_text().replace('"orders-value"', '"orders-v2-value"'))
    pushed(world, clone, "Call it by its name")

    told = (await history(world, subject="orders-v2-value")).commits

    assert [row.message for row in told] == [
        "Call it by its name",
        "Add orders-value v2 (ID: 10002)",
        "Add orders-value v1 (ID: 10001)",
    ]
    assert told[0].renamed_from == "SCHEMASTORE/default/orders-value"
    assert await pages(world, "orders-v2-value") == [row.commit for row in told]


async def pages(world: World, subject: str) -> list[str]:
    """The commits of a history that is read one at a time."""
    found: list[str] = []
    cursor = None
    while True:
        told = await history(world, subject=subject, limit=1, cursor=cursor)
        found += [row.commit for row in told.commits]
        cursor = told.cursor
        if cursor is None:
            return found


async def test_a_cursor_of_another_history_is_refused(world: World):
    await ask(world, "store_schema", subject="orders-value", schema_text=V1)

    with pytest.raises(InvalidRequestError):
        await history(world, subject="orders-value", cursor="0" * 40)


@pytest.mark.parametrize(
    ("after", "said"),
    [
        pytest.param(record("id:long", "by:string="), "by", id="a field"),
        pytest.param(record("id:long").replace('"long"', '"double"'), "double", id="a type"),
    ],
)
async def test_what_changed_inside_is_told_for_each_version(world: World, after: str, said: str):
    await ask(world, "store_schema", subject="orders-value", schema_text=V1)
    await ask(world, "update_stored_schema", subject="orders-value", level="NONE")
    await ask(world, "store_schema", subject="orders-value", schema_text=after)

    newest = (await history(world, subject="orders-value")).commits[0]

    assert any(said in change for change in newest.changes[1:])


async def many_commits(world: World, count: int) -> None:
    """One of orders-value, and then all the others."""
    await ask(world, "store_schema", subject="orders-value", schema_text=V1)
    (stored,) = world.store.history(ORDERS)
    for index in range(count):
        other = replace(stored, version=replace(stored.version, subject=Subject(f"s{index % 7}"), number=index + 1))
        await world.store.commit([AddVersion(other)], f"Add {index}", ANN)


async def test_the_history_of_one_subject_is_found_among_thousands_of_commits(world: World):
    await many_commits(world, 300)

    told = await history(world, subject="orders-value")

    assert [row.message for row in told.commits] == ["Add orders-value v1 (ID: 10001)"]
    assert told.notes == ()


async def test_one_answer_reads_so_much_and_the_next_goes_on_without_reading_it_again(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    await many_commits(world, 60)
    monkeypatch.setattr(lineage, "_MOST_READ", 5_000)
    read: list[tuple[bytes, bytes]] = []
    below = vars(lineage.Lineage)["_below"]

    def counted(own: lineage.Lineage, tree: bytes, name: bytes) -> bytes | None:
        read.append((tree, name))
        return below(own, tree, name)

    monkeypatch.setattr(lineage.Lineage, "_below", counted)

    first = await history(world, subject="orders-value")
    found = await pages(world, "orders-value")

    assert (first.commits, [note[:13] for note in first.notes]) == ((), ["Older commits"])
    assert len(found) == 1
    assert len(read) == len(set(read))
