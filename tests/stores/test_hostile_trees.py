"""Trees that no `git add` would make: read without harm, told as findings, and never written to outside the store."""

import time
from collections.abc import Iterable
from pathlib import Path

import pygit2
import pytest
from pygit2.enums import ObjectType

from schema_mcp.domain.errors import SchemaMcpError, StoreError
from schema_mcp.domain.identity import schema_hash
from schema_mcp.domain.schema import Subject
from schema_mcp.stores.remote import Remote
from schema_mcp.stores.repository import Repository
from schema_mcp.stores.schemastore import AddVersion, SchemaStore, SetMark
from stores.judge import ANN, ORDERS, agrees, git, store_in, stored

FILE, LINK, SUBMODULE, FOLDER = b"100644", b"120000", b"160000", b"40000"
COMPOSED, DECOMPOSED = "caf\u00e9", "cafe\u0301"


class Forge:
    """Makes whatever objects it is asked for, sound or not."""

    def __init__(self, store: SchemaStore) -> None:
        self.repo = pygit2.Repository(str(store.repository.path))

    def blob(self, content: bytes) -> bytes:
        return self.repo.write(ObjectType.BLOB, content).raw

    def tree(self, entries: Iterable[tuple[bytes, bytes, bytes]]) -> bytes:
        content = b"".join(b"%s %s\0%s" % entry for entry in entries)
        return self.repo.write(ObjectType.TREE, content).raw

    def folder(self, path: str, inner: bytes) -> bytes:
        """The trees down to a path, with everything else of the store left out."""
        for name in reversed(path.split("/")):
            inner = self.tree([(FOLDER, name.encode(), inner)])
        return inner

    def commit(self, tree: bytes) -> str:
        parent = str(self.repo.references["refs/heads/main"].target)
        person = pygit2.Signature("Eve", "eve@example.com", 1_700_000_000, 0)
        return str(self.repo.create_commit(None, person, person, "Evil\n", pygit2.Oid(raw=tree), [parent]))

    def move(self, tree: bytes) -> None:
        """Let the branch be at a commit with this tree."""
        self.repo.references["refs/heads/main"].set_target(self.commit(tree))

    def version(self, one: bytes = b"{}") -> bytes:
        return self.tree([(FILE, b"metadata.json", self.blob(one)), (FILE, b"schema.avsc", self.blob(b'"int"'))])


@pytest.fixture
async def store(tmp_path: Path) -> SchemaStore:
    store = store_in(tmp_path / "store")
    await store.commit([AddVersion(stored())], "Add", ANN)
    return store


def evil_names(forge: Forge) -> dict[str, bytes]:
    """Trees with something foul in them, by what it is."""
    file = forge.blob(b"evil")
    inside = forge.tree([(FILE, b"evil", file)])
    return {
        "a folder above": forge.tree([(FOLDER, b"..", inside)]),
        "a folder that is itself": forge.tree([(FOLDER, b".", inside)]),
        "a git folder": forge.tree([(FOLDER, b".git", inside)]),
        "a git folder in capitals": forge.tree([(FOLDER, b".GIT", inside)]),
        "a git folder by its short name": forge.tree([(FOLDER, b"git~1", inside)]),
        "a slash in a name": forge.tree([(FILE, b"../../evil", file)]),
        "no name": forge.tree([(FILE, b"", file)]),
        "a file above": forge.tree([(FILE, b"..", file)]),
        "bytes that are no text": forge.tree([(FILE, b"\xff\xfe", file)]),
    }


FOUL = ["a folder above", "a folder that is itself", "a git folder", "a git folder in capitals",
        "a git folder by its short name", "a file above", "bytes that are no text"]  # fmt: skip
DAMAGED = ["a slash in a name", "no name"]


@pytest.mark.parametrize("what", FOUL)
async def test_a_foul_name_is_a_finding_and_the_good_is_read(store: SchemaStore, what: str):
    forge = Forge(store)
    foul = evil_names(forge)[what]
    good = store.repository
    default = good._trees.folder(good._tree(good.head), "SCHEMASTORE/default")
    assert default is not None
    both = forge.tree([(FOLDER, b"default", default), (FOLDER, b"x", foul)])
    forge.move(forge.folder("SCHEMASTORE", both))

    await store.refresh()

    assert store.history(ORDERS) == [stored()]
    [finding] = store.findings()
    assert finding.path.startswith("SCHEMASTORE/x/")
    assert finding.path.encode()


@pytest.mark.parametrize("what", DAMAGED)
async def test_a_folder_that_git_cannot_read_either_is_told_and_what_we_know_stays(store: SchemaStore, what: str):
    forge = Forge(store)
    head = store.head
    forge.move(forge.folder("SCHEMASTORE", evil_names(forge)[what]))

    with pytest.raises(StoreError, match=r"damaged|cannot be read"):
        await store.refresh()

    assert store.head == head
    assert store.history(ORDERS) == [stored()]


@pytest.mark.parametrize("what", [*FOUL, *DAMAGED])
@pytest.mark.parametrize("place", ["SCHEMASTORE/default", "beside"])
def test_what_comes_in_with_a_foul_name_is_written_nowhere(store: SchemaStore, tmp_path: Path, what: str, place: str):
    forge = Forge(store)
    evil = forge.commit(forge.folder(place, evil_names(forge)[what]))
    head, before = store.repository.head, sorted(tmp_path.rglob("*"))

    with pytest.raises(StoreError):
        store.repository.follow(evil)

    assert [one for one in sorted(tmp_path.rglob("*")) if one not in before and ".git" not in one.parts] == []
    assert list(tmp_path.rglob("evil")) == []
    assert store.repository.head == head
    assert git(tmp_path / "store", "status", "--porcelain") == ""


def test_ordinary_things_beside_the_store_come_in_whatever_they_are_called(store: SchemaStore, tmp_path: Path):
    git(tmp_path, "clone", "-q", "store", "theirs")
    names = [".gitignore", ".gitattributes", ".github/workflows/check.yml", "back\\slash", "dot.", "sp ace ", "a\tb",
             COMPOSED, "deep/er/" + "x" * 200, "gitx", ".gitlab-ci.yml"]  # fmt: skip
    for name in names:
        place = tmp_path / "theirs" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("*.tmp\n", encoding="utf-8")
    git(tmp_path / "theirs", "add", "--all")
    git(tmp_path / "theirs", "commit", "-q", "-m", "Others")
    remote = Remote(store.repository.path, str(tmp_path / "theirs"))

    store.repository.follow(str(remote.fetch()))

    assert [(tmp_path / "store" / name).is_file() for name in names] == [True] * len(names)
    assert agrees(store.repository)


@pytest.mark.parametrize("what", [*FOUL[:-1], *DAMAGED])
async def test_a_foul_tree_does_not_even_come_through_a_fetch(store: SchemaStore, tmp_path: Path, what: str):
    forge = Forge(store)
    evil = forge.commit(forge.folder("SCHEMASTORE/default", evil_names(forge)[what]))
    git(store.repository.path, "update-ref", "refs/heads/main", evil)
    ours = Repository.create(tmp_path / "ours")

    with pytest.raises(StoreError, match="could not be fetched"):
        Remote(ours.path, str(tmp_path / "store")).fetch()

    assert ours.head is None


@pytest.mark.parametrize(
    ("one", "other"),
    [("Orders-value", "orders-value"), (COMPOSED, DECOMPOSED), ("orders-value.", "orders-value"), ("a ", "a")],
    ids=["case", "composition", "a dot at the end", "a space at the end"],
)
async def test_names_that_are_one_to_some_file_systems_never_claim_one_subject(
    store: SchemaStore, one: str, other: str
):
    forge = Forge(store)
    whole = forge.tree([(FOLDER, b"v1", forge.version())])
    twins = [(FOLDER, name.encode(), whole) for name in sorted((one, other))]
    forge.move(forge.folder("SCHEMASTORE/default", forge.tree(twins)))

    await store.refresh()
    await store.commit([AddVersion(stored(Subject(one), 7)), AddVersion(stored(Subject(other), 7))], "Add", ANN)

    assert {subject.name for subject in store.subjects()} == {one, other}
    assert len(store.findings()) == 2
    folders = {Path(leaf.path).parts[2].lower() for leaf in store.repository.walk("SCHEMASTORE") if "/v7/" in leaf.path}
    assert len(folders) == 2


LINKS = {
    "the store": ("SCHEMASTORE", LINK, b"/etc"),
    "a schema": ("SCHEMASTORE/default/orders-value/v9/schema.avsc", LINK, b"/etc/passwd"),
    "metadata": ("SCHEMASTORE/default/orders-value/v9/metadata.json", LINK, b"../../../../../../etc/passwd"),
    "a version": ("SCHEMASTORE/default/orders-value/v9", LINK, b"v1"),
    "ids": ("SCHEMASTORE/ids.json", LINK, b"/etc/passwd"),
    "the store as a submodule": ("SCHEMASTORE", SUBMODULE, b""),
    "a version as a submodule": ("SCHEMASTORE/default/orders-value/v9", SUBMODULE, b""),
}


@pytest.mark.parametrize(("path", "mode", "target"), LINKS.values(), ids=LINKS)
async def test_links_and_submodules_are_findings_and_nothing_of_theirs_is_read(
    store: SchemaStore, path: str, mode: bytes, target: bytes
):
    forge = Forge(store)
    folder, _, name = path.rpartition("/")
    thing = forge.blob(target) if mode == LINK else bytes.fromhex(str(store.repository.head))
    leaf = forge.tree([(mode, name.encode(), thing)])
    forge.move(forge.folder(folder, leaf) if folder else leaf)

    await store.refresh()

    assert [one.reason for one in store.findings() if "link" in one.reason]
    assert store.subjects() == []
    with pytest.raises(SchemaMcpError):
        await store.commit([AddVersion(stored(number=9)), SetMark(20_000)], "Add", ANN)


async def test_a_hundred_thousand_strangers_are_told_in_good_time(store: SchemaStore):
    forge = Forge(store)
    file = forge.blob(b"evil")
    crowd = forge.tree((FILE, b"stranger-%06d" % number, file) for number in range(100_000))
    forge.move(forge.folder("SCHEMASTORE/default", crowd))
    began = time.monotonic()

    await store.refresh()

    assert len(store.findings()) == 100_000
    assert time.monotonic() - began < 30
    await store.commit([AddVersion(stored(number=2))], "Add", ANN, branch="review")


async def test_a_tree_of_trees_without_end_is_an_error_and_no_standstill(store: SchemaStore):
    forge = Forge(store)
    bomb = forge.tree([(FILE, b"f", forge.blob(b"x"))])
    for _ in range(12):
        bomb = forge.tree((FOLDER, b"%d" % number, bomb) for number in range(10))
    head = store.head
    forge.move(forge.folder("SCHEMASTORE", bomb))
    began = time.monotonic()

    with pytest.raises(StoreError, match="more than"):
        await store.refresh()

    assert time.monotonic() - began < 60
    assert store.head == head
    assert store.history(ORDERS) == [stored()]


@pytest.mark.parametrize("damage", [b"40000 x", b"no mode\0" + b"1" * 20, b"100644 short\0abc"])
async def test_a_tree_that_is_no_tree_is_an_error_of_ours(store: SchemaStore, damage: bytes):
    forge = Forge(store)
    broken = forge.repo.write(ObjectType.TREE, damage).raw
    head = store.head
    forge.move(forge.folder("SCHEMASTORE/default", broken))

    try:
        await store.refresh()
    except StoreError:
        assert store.head == head
    else:
        assert store.findings()
    assert store.history(ORDERS) in ([], [stored()])


async def test_our_own_folder_inside_git_is_not_a_way_out(tmp_path: Path):
    store = store_in(tmp_path / "store")
    await store.commit([AddVersion(stored())], "Add", ANN)
    outside = tmp_path / "outside"
    (store.repository.path / "schema-mcp").rename(outside)
    (store.repository.path / "schema-mcp").symlink_to(outside)
    before = sorted(outside.iterdir())

    with pytest.raises(StoreError, match="is a link"):
        SchemaStore(Repository.open(tmp_path / "store"), schema_hash)

    assert sorted(outside.iterdir()) == before
