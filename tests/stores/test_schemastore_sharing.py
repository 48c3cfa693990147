"""Several people and processes on one store: nobody's change is lost, and everybody sees them all."""

from datetime import UTC, datetime
from pathlib import Path

import anyio
import pytest

from schema_mcp.domain.errors import ConflictError, StoreError
from schema_mcp.domain.identity import schema_hash
from schema_mcp.domain.schema import Subject
from schema_mcp.stores import schemastore
from schema_mcp.stores.remote import Remote
from schema_mcp.stores.repository import Repository
from schema_mcp.stores.schemastore import AddVersion, SchemaStore, SetMark, SetWish, SubjectWish
from stores import writers
from stores.judge import ANN, BOB, ORDERS, agrees, commit_by_hand, git, store_in, stored


async def test_a_refresh_reads_only_what_has_changed(tmp_path: Path):
    hashed = list[str]()

    def counting(schema):
        hashed.append(schema.text)
        return schema_hash(schema)

    writer = store_in(tmp_path)
    await writer.commit([AddVersion(stored(Subject(f"s{n}"))) for n in range(50)], "Add", ANN)
    reader = SchemaStore(Repository.open(tmp_path), counting)
    await reader.refresh()
    assert len(hashed) == 50

    await writer.commit([AddVersion(stored(Subject("s7"), 2))], "Add", ANN)
    await reader.refresh()
    await reader.refresh()

    assert len(hashed) == 51
    assert [one.version.number for one in reader.history(Subject("s7"))] == [1, 2]


async def test_an_index_made_in_steps_equals_one_made_at_once(tmp_path: Path):
    writer, follower = store_in(tmp_path), store_in(tmp_path)
    steps = [
        [AddVersion(stored(Subject(name), number)) for name in ("a", "B", "c/d") for number in (1, 2)],
        [SetWish(Subject("a"), SubjectWish(owner="x")), SetMark(11_000)],
        [AddVersion(stored(Subject("e", ".eu"), 5)), SetWish(Subject("a"), SubjectWish())],
    ]
    for step in steps:
        await writer.commit(step, "Step", ANN)
        await follower.refresh()
    commit_by_hand(tmp_path, {"SCHEMASTORE/default/a/v1/metadata.json": "{", "SCHEMASTORE/eu/e/v5/schema.avsc": None})
    await follower.refresh()

    fresh = store_in(tmp_path)
    await fresh.refresh()

    assert follower.subjects() == fresh.subjects()
    assert [follower.history(one) for one in fresh.subjects()] == [fresh.history(one) for one in fresh.subjects()]
    assert follower.wishes() == fresh.wishes()
    assert follower.findings() == fresh.findings()
    assert len(fresh.findings()) == 2
    assert follower.high_water() == fresh.high_water() == 11_000


async def test_texts_that_no_longer_fit_into_memory_are_read_from_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(schemastore, "_SHELF", 3_000)
    store = store_in(tmp_path)
    versions = [stored(number=number, text=f'"{number}"' + " " * 900) for number in range(1, 9)]
    await store.commit([AddVersion(one) for one in versions], "Add", ANN)

    read = list[str]()
    monkeypatch.setattr(
        Repository, "blob", lambda self, blob, act=Repository.blob: (read.append(blob), act(self, blob))[1]
    )

    assert store.history(ORDERS) == versions
    assert len(read) > 6
    read.clear()
    assert store.version(ORDERS, 8) == versions[-1]
    assert read == []


async def test_going_back_in_history_is_followed_too(tmp_path: Path):
    store = store_in(tmp_path)
    first = await store.commit([AddVersion(stored())], "Add", ANN)
    await store.commit([AddVersion(stored(number=2)), SetMark(10_500)], "Add", ANN)

    git(tmp_path, "reset", "-q", "--hard", first)
    await store.refresh()

    assert [one.version.number for one in store.history(ORDERS)] == [1]
    assert store.high_water() == 0


async def test_a_commit_that_was_cleaned_away_is_no_obstacle(tmp_path: Path):
    store, fresh = store_in(tmp_path), store_in(tmp_path)
    await store.commit([AddVersion(stored()), SetMark(10_500)], "Add", ANN)
    store._index.commit = "f" * 40  # what `git gc` does to a commit that was rewritten

    commit_by_hand(tmp_path, {"SCHEMASTORE/ids.json": "{}"})
    await store.refresh()
    await fresh.refresh()

    assert store.history(ORDERS) == fresh.history(ORDERS) == [stored()]
    assert store.high_water() == fresh.high_water() == 0


async def test_commits_of_one_process_at_once_all_arrive(tmp_path: Path):
    store = store_in(tmp_path)

    async with anyio.create_task_group() as crowd:
        for number in range(1, 16):
            crowd.start_soon(store.commit, [AddVersion(stored(number=number)), SetMark(10_000 + number)], "Add", ANN)

    assert [one.version.number for one in store.history(ORDERS)] == list(range(1, 16))
    assert store.high_water() == 10_015
    assert agrees(store.repository)


async def test_two_processes_lose_nothing_of_each_other(tmp_path: Path):
    store = store_in(tmp_path)
    crowd = [writers.start("store", tmp_path, name, 12) for name in (20_000, 30_000, 40_000)]
    for writer in crowd:
        _, error = await anyio.to_thread.run_sync(writer.communicate)
        assert writer.returncode == 0, error

    await store.refresh()

    assert store.findings() == []
    for name in ("20000", "30000", "40000"):
        assert [one.version.number for one in store.history(Subject(name))] == list(range(1, 13))
    assert store.high_water() == 40_012
    assert git(tmp_path, "rev-list", "--count", "HEAD") == "36"
    assert agrees(store.repository)


async def test_a_race_for_one_number_has_one_winner(tmp_path: Path):
    one, other = store_in(tmp_path), store_in(tmp_path)
    await one.refresh()
    await other.refresh()
    await one.commit([AddVersion(stored())], "Mine", ANN)

    with pytest.raises(ConflictError, match="v1 is in the store already"):
        await other.commit([AddVersion(stored(text='"int"'))], "Mine too", BOB)

    assert one.history(ORDERS) == other.history(ORDERS) == [stored()]


async def test_answers_come_from_one_moment_until_the_next_refresh(tmp_path: Path):
    reader, writer = store_in(tmp_path), store_in(tmp_path)
    await reader.refresh()
    records = reader.records(ORDERS)

    await writer.commit([AddVersion(stored())], "Add", ANN)

    assert reader.head is None
    assert reader.subjects() == []
    assert records == ()
    await reader.refresh()
    assert reader.head == writer.head


async def test_a_store_in_a_folder_of_a_larger_repository_stays_in_its_folder(tmp_path: Path):
    git(tmp_path, "init", "-q", "-b", "main")
    commit_by_hand(tmp_path, {"src/app.py": "pass", "schemas/README.md": "ours"})
    (tmp_path / "src" / "app.py").write_text("unfinished", encoding="utf-8")

    store = SchemaStore(Repository.open(tmp_path / "schemas"), schema_hash)
    await store.commit([AddVersion(stored())], "Add", ANN)

    assert (tmp_path / "schemas/SCHEMASTORE/default/orders-value/v1/schema.avsc").exists()
    assert store.history(ORDERS) == [stored()]
    assert git(tmp_path, "status", "--porcelain") == "M src/app.py"
    assert [commit.message for commit in await store.log("default/orders-value")] == ["Add\n"]


@pytest.fixture
def shared(tmp_path: Path) -> tuple[SchemaStore, SchemaStore, Path]:
    """Two stores on two machines, and the upstream that both push to."""
    git(tmp_path, "init", "-q", "--bare", "-b", "main", "upstream.git")
    upstream = tmp_path / "upstream.git"
    repositories = [Repository.create(tmp_path / "one"), Repository.create(tmp_path / "two", bare=True)]
    one, two = (SchemaStore(each, schema_hash, upstream=Remote(each.path, str(upstream))) for each in repositories)
    return one, two, upstream


async def test_a_commit_is_upstream_when_it_is_here(shared):
    one, two, upstream = shared
    head = await one.commit([AddVersion(stored())], "Add", ANN)
    assert git(upstream, "rev-parse", "main") == head

    await two.fetch()

    assert two.head == head
    assert two.history(ORDERS) == [stored()]


async def test_a_push_that_came_too_late_is_tried_again_on_top(shared):
    one, two, upstream = shared
    await one.commit([AddVersion(stored())], "Add", ANN)
    await two.commit([AddVersion(stored(number=2)), SetMark(10_200)], "Add", BOB)

    head = await one.commit([AddVersion(stored(number=3)), SetMark(10_100)], "Add", ANN)

    assert git(upstream, "rev-parse", "main") == head
    assert git(upstream, "rev-list", "--count", "main") == "3"
    assert [one.version.number for one in one.history(ORDERS)] == [1, 2, 3]
    assert one.high_water() == 10_200
    assert agrees(one.repository)


async def test_a_number_that_was_taken_upstream_is_refused_and_nothing_stays(shared):
    one, two, upstream = shared
    await one.fetch()
    theirs = await two.commit([AddVersion(stored())], "Add orders", BOB)

    with pytest.raises(ConflictError, match="v1 is in the store already") as refused:
        await one.commit([AddVersion(stored(text='"int"'))], "Add", ANN)

    assert f"It was put there by Bob on {datetime.now(UTC).date()} ({theirs[:10]}, “Add orders”)" in refused.value.hint
    assert git(upstream, "rev-parse", "main") == theirs
    assert one.head == theirs
    assert one.history(ORDERS) == [stored()]
    assert agrees(one.repository)


async def test_while_the_upstream_is_away_nothing_is_committed(shared):
    one, _, upstream = shared
    head = await one.commit([AddVersion(stored())], "Add", ANN)
    upstream.rename(upstream.with_suffix(".moved"))

    with pytest.raises(StoreError, match="could not be pushed"):
        await one.commit([AddVersion(stored(number=2))], "Add", ANN)
    with pytest.raises(StoreError, match="could not be fetched"):
        await one.fetch()

    assert one.repository.head == head
    assert agrees(one.repository)


async def test_a_rewritten_upstream_stops_the_next_commit(shared, tmp_path: Path):
    one, _, upstream = shared
    await one.commit([AddVersion(stored())], "Add", ANN)
    head = await one.commit([AddVersion(stored(number=2))], "Add", ANN)
    git(tmp_path, "clone", "-q", str(upstream), "evil")
    git(tmp_path / "evil", "reset", "-q", "--hard", "HEAD~1")
    commit_by_hand(tmp_path / "evil", {"SCHEMASTORE/README.md": "rewritten"})
    git(tmp_path / "evil", "push", "-q", "--force", "origin", "HEAD:main")

    with pytest.raises(StoreError, match="rewritten"):
        await one.commit([AddVersion(stored(number=3))], "Add", ANN)

    assert one.repository.head == head


async def test_two_machines_at_once_lose_nothing(shared):
    one, two, upstream = shared

    async def add(store: SchemaStore, subject: str) -> None:
        for number in range(1, 5):
            await store.commit([AddVersion(stored(Subject(subject), number))], f"{subject} {number}", ANN)

    async with anyio.create_task_group() as both:
        both.start_soon(add, one, "from-one")
        both.start_soon(add, two, "from-two")

    await one.fetch()
    assert git(upstream, "rev-list", "--count", "main") == "8"
    assert len(one.history(Subject("from-one"))) == len(one.history(Subject("from-two"))) == 4
    assert agrees(one.repository)
