"""A store in somebody's busy repository: linked, with submodules, links and unfinished work, on clocks that jump."""

from pathlib import Path

import pytest

from schema_mcp.domain.errors import ConflictError
from schema_mcp.domain.identity import schema_hash
from schema_mcp.domain.schema import Subject
from schema_mcp.stores.remote import Remote
from schema_mcp.stores.repository import Repository
from schema_mcp.stores.schemastore import AddVersion, SchemaStore, SetMark
from stores.judge import ANN, ORDERS, commit_by_hand, git, is_clean, is_sound, stored

SCHEMA = "SCHEMASTORE/default/orders-value/v1/schema.avsc"


@pytest.fixture
def upstream(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q", "--bare", "-b", "main", "upstream.git")
    return tmp_path / "upstream.git"


@pytest.fixture
def busy(tmp_path: Path, upstream: Path) -> Path:
    """A working tree with everything that people have: a submodule, links, programs, staged and other edits."""
    git(tmp_path, "init", "-q", "-b", "main", "library")
    commit_by_hand(tmp_path / "library", {"lib.txt": "1"})
    root = tmp_path / "busy"
    git(tmp_path, "init", "-q", "-b", "main", "busy")
    git(root, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(tmp_path / "library"), "vendor")
    (root / "latest").symlink_to("src/app.py")
    git(root, "add", "latest")
    commit_by_hand(root, {"src/app.py": "1\n", "src/old.py": "1\n", "docs/a.md": "a\n", ".gitignore": "*.log\n"})
    git(root, "push", "-q", str(upstream), "main")
    (root / "src" / "app.py").write_text("unfinished\n", encoding="utf-8")
    git(root, "mv", "src/old.py", "src/new.py")
    (root / "docs" / "a.md").unlink()
    (root / "notes.txt").write_text("untracked", encoding="utf-8")
    (root / "debug.log").write_text("ignored", encoding="utf-8")
    (root / "staged.txt").write_text("staged", encoding="utf-8")
    git(root, "add", "staged.txt")
    (root / "vendor" / "lib.txt").write_text("edited there", encoding="utf-8")
    return root


def shared(root: Path, upstream: Path) -> SchemaStore:
    repository = Repository.open(root)
    return SchemaStore(repository, schema_hash, upstream=Remote(repository.path, str(upstream)))


async def test_whatever_people_are_at_stays_as_it_is(busy: Path, upstream: Path, tmp_path: Path):
    before = git(busy, "status", "--porcelain=v2", "--ignored")
    assert len(before.splitlines()) >= 7
    store = shared(busy, upstream)

    await store.commit([AddVersion(stored()), SetMark(10_500)], "Add", ANN)
    other = shared(Repository.create(tmp_path / "other", bare=True).path, upstream)
    await other.fetch()
    await other.commit([AddVersion(stored(number=2))], "Add two", ANN)
    await store.fetch()
    head = await store.commit([AddVersion(stored(number=3))], "Add three", ANN)

    assert git(busy, "status", "--porcelain=v2", "--ignored") == before
    assert git(upstream, "rev-parse", "main") == git(busy, "rev-parse", "HEAD") == head
    changed = git(busy, "diff", "--name-only", "HEAD~3", "HEAD").split("\n")
    assert len(changed) == 1 + 3 * 2
    assert all(path.startswith("SCHEMASTORE/") for path in changed)
    assert is_sound(busy)
    git(busy, "commit", "-q", "-m", "What was staged")
    assert "src/new.py" in git(busy, "ls-tree", "-r", "--name-only", "HEAD")


async def test_an_edit_of_a_file_that_others_changed_too_is_refused_with_its_name_and_kept(
    busy: Path, upstream: Path, tmp_path: Path
):
    store = shared(busy, upstream)
    head = await store.commit([AddVersion(stored())], "Add", ANN)
    git(tmp_path, "clone", "-q", str(upstream), "theirs")
    commit_by_hand(tmp_path / "theirs", {SCHEMA: '"string"\n'})
    git(tmp_path / "theirs", "push", "-q")
    (busy / SCHEMA).write_text("mine, unfinished", encoding="utf-8")
    before = git(busy, "status", "--porcelain=v2")

    with pytest.raises(ConflictError, match=f"{SCHEMA} has a change of yours in the working tree"):
        await store.fetch()

    assert git(busy, "status", "--porcelain=v2") == before
    assert (busy / SCHEMA).read_text(encoding="utf-8") == "mine, unfinished"
    assert store.head == git(busy, "rev-parse", "HEAD") == head


async def test_a_linked_working_tree_shares_upstream_and_proposals(busy: Path, upstream: Path, tmp_path: Path):
    git(busy, "worktree", "add", "-q", "-b", "schemas", str(tmp_path / "linked"))
    repository = Repository.open(tmp_path / "linked")
    store = SchemaStore(repository, schema_hash, upstream=Remote(repository.path, str(upstream), "schemas"))
    before = git(busy, "status", "--porcelain=v2")

    head = await store.commit([AddVersion(stored())], "Add", ANN)
    proposed = await store.commit([AddVersion(stored(number=2))], "Propose", ANN, branch="review/two")

    assert git(upstream, "rev-parse", "schemas", "review/two").split() == [head, proposed]
    assert git(busy, "rev-parse", "schemas", "review/two").split() == [head, proposed]
    assert is_clean(tmp_path / "linked")
    assert git(busy, "status", "--porcelain=v2") == before


async def test_an_unborn_branch_of_a_repository_with_files_takes_the_first_commit(tmp_path: Path):
    git(tmp_path, "init", "-q", "-b", "trunk")
    (tmp_path / "staged.txt").write_text("staged", encoding="utf-8")
    git(tmp_path, "add", "staged.txt")
    store = SchemaStore(Repository.open(tmp_path), schema_hash)

    await store.commit([AddVersion(stored())], "Add", ANN)

    assert git(tmp_path, "status", "--porcelain") == "A  staged.txt"
    assert git(tmp_path, "log", "--format=%s %D") == "Add HEAD -> trunk"


@pytest.mark.parametrize("jump", [-86_400, -2e9, 3e9, 1e15], ids=["a day back", "before 1970", "2120", "never"])
async def test_a_clock_that_jumps_disturbs_nobody(tmp_path: Path, upstream: Path, jump: float):
    now = [1_750_000_000.0]
    git(tmp_path, "init", "-q", "-b", "main", "one")
    repository = Repository.open(tmp_path / "one", clock=lambda: now[0])
    one = SchemaStore(repository, schema_hash, upstream=Remote(repository.path, str(upstream)))
    two = shared(Repository.create(tmp_path / "two").path, upstream)
    await one.commit([AddVersion(stored())], "One", ANN)
    await two.fetch()

    now[0] += jump
    await one.commit([AddVersion(stored(number=2))], "Two", ANN)
    now[0] -= jump
    await one.commit([AddVersion(stored(number=3))], "Three", ANN)
    await two.fetch()
    await two.commit([AddVersion(stored(Subject("b")))], "Four", ANN)
    await one.fetch()

    assert [commit.message.strip() for commit in await one.log()] == ["Four", "Three", "Two", "One"]
    assert [record.number for record in two.records(ORDERS)] == [1, 2, 3]
    assert is_sound(tmp_path / "one")
    assert is_sound(upstream)
    assert is_clean(tmp_path / "one")
