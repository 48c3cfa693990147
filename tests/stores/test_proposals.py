"""Branches for review: a change waits there, here and upstream, and the store stays as it is until it is merged."""

from pathlib import Path

import pytest

from schema_mcp.domain.errors import ConflictError, InvalidRequestError, StoreError
from schema_mcp.domain.identity import schema_hash
from schema_mcp.domain.schema import Subject
from schema_mcp.stores.remote import Remote
from schema_mcp.stores.repository import Repository
from schema_mcp.stores.schemastore import AddVersion, SchemaStore, SetMark
from stores.judge import ANN, BOB, ORDERS, agrees, commit_by_hand, git, store_in, stored

REVIEW = "review/orders-v2"


@pytest.fixture(params=["bare", "checked-out"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> SchemaStore:
    return store_in(tmp_path / "store", bare=request.param == "bare")


@pytest.fixture
def shared(tmp_path: Path) -> tuple[SchemaStore, SchemaStore, Path]:
    """Two stores on two machines, and the upstream that both push to."""
    git(tmp_path, "init", "-q", "--bare", "-b", "main", "upstream.git")
    upstream = tmp_path / "upstream.git"
    repositories = [Repository.create(tmp_path / "one"), Repository.create(tmp_path / "two", bare=True)]
    one, two = (SchemaStore(each, schema_hash, upstream=Remote(each.path, str(upstream))) for each in repositories)
    return one, two, upstream


async def test_a_proposal_moves_nothing_but_its_branch(store: SchemaStore):
    head = await store.commit([AddVersion(stored())], "Add", ANN)

    proposed = await store.commit([AddVersion(stored(number=2))], "Propose", BOB, {"Tool": "test"}, branch=REVIEW)

    assert git(store.repository.path, "rev-parse", REVIEW) == proposed
    assert git(store.repository.path, "rev-parse", "main", f"{REVIEW}^").split() == [head, head]
    assert git(store.repository.path, "log", "-1", "--format=%an %s %(trailers:key=Tool,valueonly)", REVIEW) == (
        "Bob Propose test"
    )
    assert store.head == store.repository.head == head
    assert store.history(ORDERS) == [stored()]
    assert agrees(store.repository)


async def test_proposals_on_one_branch_add_up_and_are_checked_there(store: SchemaStore):
    await store.commit([AddVersion(stored())], "Add", ANN)
    first = await store.commit([AddVersion(stored(number=2))], "Two", ANN, branch=REVIEW)
    second = await store.commit([AddVersion(stored(number=3))], "Three", ANN, branch=REVIEW)

    with pytest.raises(ConflictError, match="v2 is in the store already"):
        await store.commit([AddVersion(stored(number=2, text='"int"'))], "Other", ANN, branch=REVIEW)

    assert git(store.repository.path, "rev-parse", REVIEW, f"{REVIEW}^").split() == [second, first]
    view = await store.proposal(REVIEW)
    assert (view.head, view.history(ORDERS)) == (second, [stored(number=n) for n in (1, 2, 3)])
    other = await store.commit([AddVersion(stored(number=2, text='"int"'))], "Other", ANN, branch="other")
    assert git(store.repository.path, "rev-parse", "other^") == store.head != other


async def test_a_proposal_of_what_is_there_makes_no_commit(store: SchemaStore):
    head = await store.commit([AddVersion(stored())], "Add", ANN)

    assert await store.commit([AddVersion(stored())], "Again", ANN, branch=REVIEW) == head
    assert git(store.repository.path, "branch", "--list", REVIEW) == ""
    assert (await store.proposal(REVIEW)).head == head


async def test_after_the_merge_a_branch_of_the_same_name_starts_anew(tmp_path: Path):
    store = store_in(tmp_path)
    await store.commit([AddVersion(stored())], "Add", ANN)
    await store.commit([AddVersion(stored(number=2))], "Two", ANN, branch=REVIEW)
    git(tmp_path, "merge", "-q", "--no-ff", "-m", "Merge", REVIEW)
    commit_by_hand(tmp_path, {"README.md": "later"})
    await store.refresh()
    assert [one.number for one in store.records(ORDERS)] == [1, 2]

    proposed = await store.commit([AddVersion(stored(number=3))], "Three", ANN, branch=REVIEW)

    assert git(tmp_path, "rev-parse", f"{REVIEW}^") == store.head
    assert git(tmp_path, "rev-parse", REVIEW) == proposed
    assert agrees(store.repository)


async def test_unfinished_work_is_no_obstacle_for_a_proposal_and_stays(tmp_path: Path):
    store = store_in(tmp_path)
    head = await store.commit([AddVersion(stored())], "Add", ANN)
    place = "SCHEMASTORE/default/orders-value/v1/schema.avsc"
    (tmp_path / place).write_text("unfinished", encoding="utf-8")
    (tmp_path / "staged").write_text("staged", encoding="utf-8")
    git(tmp_path, "add", "staged")
    git(tmp_path, "checkout", "-q", "--detach")
    before = git(tmp_path, "status", "--porcelain")

    await store.commit([AddVersion(stored(number=2)), SetMark(10_500)], "Two", ANN, branch=REVIEW)

    assert git(tmp_path, "status", "--porcelain") == before
    assert git(tmp_path, "rev-parse", "HEAD", f"{REVIEW}^").split() == [head, head]


@pytest.mark.parametrize(
    "branch",
    ["", "-x", "--force", "a b", "a..b", "x.lock", "a\nb", "a:b", "/a", "a/", "a//b", "a@{1}", "HEAD", "refs/heads/a",
     "f" * 40, "x" * 201, "é", "a~1", "a^", "a?", ".a", "a/.b"],
)  # fmt: skip
async def test_a_name_that_cannot_be_a_branch_is_refused(tmp_path: Path, branch: str):
    store = store_in(tmp_path)
    await store.commit([AddVersion(stored())], "Add", ANN)

    with pytest.raises(InvalidRequestError, match="cannot name a branch"):
        await store.commit([AddVersion(stored(number=2))], "Two", ANN, branch=branch)

    assert git(tmp_path, "branch", "--format=%(refname)") == "refs/heads/main"


@pytest.mark.parametrize("branch", ["main", "Main", "linked"])
async def test_a_branch_that_somebody_has_checked_out_takes_no_proposals(tmp_path: Path, branch: str):
    store = store_in(tmp_path / "store")
    await store.commit([AddVersion(stored())], "Add", ANN)
    git(tmp_path / "store", "worktree", "add", "-q", "-b", "linked", str(tmp_path / "linked"))

    with pytest.raises(InvalidRequestError, match="is checked out"):
        await store.commit([AddVersion(stored(number=2))], "Two", ANN, branch=branch)


async def test_an_empty_store_has_nothing_to_propose_a_change_of(tmp_path: Path):
    with pytest.raises(ConflictError, match="no commit yet"):
        await store_in(tmp_path).commit([AddVersion(stored())], "Add", ANN, branch=REVIEW)


async def test_a_branch_in_the_way_of_another_is_refused_and_nothing_stays(store: SchemaStore):
    await store.commit([AddVersion(stored())], "Add", ANN)
    await store.commit([AddVersion(stored(number=2))], "Two", ANN, branch="review")

    with pytest.raises(StoreError, match="could not be made"):
        await store.commit([AddVersion(stored(number=2))], "Two", ANN, branch="review/below")

    assert await store.commit([AddVersion(stored(number=2))], "Two", ANN)
    assert agrees(store.repository)


async def test_a_proposal_is_upstream_when_it_is_here_and_others_add_to_it(shared):
    one, two, upstream = shared
    head = await one.commit([AddVersion(stored())], "Add", ANN)
    await two.fetch()
    first = await one.commit([AddVersion(stored(number=2))], "Two", ANN, branch=REVIEW)
    assert git(upstream, "rev-parse", REVIEW, "main").split() == [first, head]

    second = await two.commit([AddVersion(stored(number=3))], "Three", BOB, branch=REVIEW)
    third = await one.commit([AddVersion(stored(number=4))], "Four", ANN, branch=REVIEW)

    assert git(upstream, "rev-list", REVIEW, "--not", "main").split() == [third, second, first]
    assert git(one.repository.path, "rev-parse", REVIEW) == third
    assert one.head == head
    assert agrees(one.repository)


async def test_a_review_that_was_rewritten_upstream_is_gone_on_with(shared, tmp_path: Path):
    one, _, upstream = shared
    await one.commit([AddVersion(stored())], "Add", ANN)
    await one.commit([AddVersion(stored(number=2))], "Two", ANN, branch=REVIEW)
    git(tmp_path, "clone", "-q", "-b", REVIEW, str(upstream), "reviewer")
    git(tmp_path / "reviewer", "commit", "-q", "--amend", "-m", "Two, better said")
    git(tmp_path / "reviewer", "push", "-q", "--force", "origin", REVIEW)

    await one.commit([AddVersion(stored(number=3))], "Three", ANN, branch=REVIEW)

    assert git(upstream, "log", "--format=%s", REVIEW, "--not", "main").split("\n") == ["Three", "Two, better said"]


async def test_a_review_that_was_deleted_upstream_starts_anew(shared):
    one, _, upstream = shared
    head = await one.commit([AddVersion(stored())], "Add", ANN)
    await one.commit([AddVersion(stored(number=2))], "Rejected", ANN, branch=REVIEW)
    git(upstream, "branch", "-D", REVIEW)

    assert (await one.proposal(REVIEW)).history(ORDERS) == [stored()]
    await one.commit([AddVersion(stored(number=2, text='"int"'))], "Better", ANN, branch=REVIEW)

    assert git(upstream, "log", "--format=%s", REVIEW, "--not", head) == "Better"


@pytest.mark.parametrize("there", [False, True], ids=["only here", "also upstream"])
async def test_commits_that_a_person_has_not_pushed_are_neither_published_nor_lost(shared, there: bool):
    one, two, upstream = shared
    await one.commit([AddVersion(stored())], "Add", ANN)
    await two.fetch()
    if there:
        await two.commit([AddVersion(stored(number=2))], "Two", BOB, branch=REVIEW)
    root = one.repository.root
    git(root, "checkout", "-q", "-b", REVIEW)
    mine = commit_by_hand(root, {"notes": "not for others"})
    git(root, "checkout", "-q", "main")

    with pytest.raises(ConflictError, match="has commits here that upstream does not have"):
        await one.commit([AddVersion(stored(Subject("b")))], "Add", ANN, branch=REVIEW)

    assert git(root, "rev-parse", REVIEW) == mine
    assert git(upstream, "branch", "--contains", mine, fails=True) == ""


async def test_while_the_upstream_is_away_nothing_is_proposed(shared):
    one, _, upstream = shared
    await one.commit([AddVersion(stored())], "Add", ANN)
    upstream.rename(upstream.with_suffix(".moved"))

    with pytest.raises(StoreError, match="could not be fetched"):
        await one.commit([AddVersion(stored(number=2))], "Two", ANN, branch=REVIEW)

    assert git(one.repository.path, "branch", "--list", REVIEW) == ""
    assert agrees(one.repository)


async def test_a_faster_proposal_is_built_upon(shared, monkeypatch: pytest.MonkeyPatch):
    one, two, upstream = shared
    await one.commit([AddVersion(stored())], "Add", ANN)
    await two.fetch()
    push, others = Remote.push, [AddVersion(stored(number=2))]

    def late(self: Remote, commit: str) -> None:
        if others:
            two._propose([others.pop()], "Faster", BOB, REVIEW)
        push(self, commit)

    monkeypatch.setattr(Remote, "push", late)

    await one.commit([AddVersion(stored(Subject("b")))], "Slower", ANN, branch=REVIEW)

    assert git(upstream, "log", "--format=%s", REVIEW, "--not", "main").split("\n") == ["Slower", "Faster"]
