"""Commits into a Git store, beside `git fast-import` and GitPython: `python benchmarks/commits.py`."""

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import anyio
import git
import pygit2

from schema_mcp.domain.identity import schema_hash
from schema_mcp.domain.schema import Level, Schema, Subject, Version
from schema_mcp.stores import disk
from schema_mcp.stores.repository import Author, Repository
from schema_mcp.stores.schemastore import AddVersion, SchemaStore, StoredVersion

ANN = Author("Ann", "ann@example.com")
Files = Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Size:
    """How many subjects with how many versions a store holds, and how many commits are timed."""

    subjects: int
    versions: int
    commits: int


def stored(subject: int, number: int) -> StoredVersion:
    """A version of about 1.2 kB."""
    fields = ",".join(f'{{"name":"field_{n}","type":["null","string"],"default":null}}' for n in range(20))
    text = f'{{"type":"record","name":"Subject{subject}","doc":"{number}","fields":[{fields}]}}'
    schema = Schema(text)
    name = Subject(f"team-{subject % 40}.subject-{subject:05}-value")
    return StoredVersion(
        version=Version(name, number, subject * 100 + number, schema),
        level=Level.BACKWARD, targets=(), created_at="2026-03-01T12:00:00Z", created_by="ann", description="", tags=(),
        schema_hash=schema_hash(schema),
    )  # fmt: skip


def files(one: StoredVersion) -> dict[str, bytes | None]:
    folder = f"SCHEMASTORE/default/{one.version.subject.name}/v{one.version.number}"
    metadata = json.dumps({"schemaId": one.version.id, "schemaHash": one.schema_hash}, indent=2) + "\n" * 400
    return {f"{folder}/schema.avsc": one.version.schema.text.encode(), f"{folder}/metadata.json": metadata.encode()}


def before(size: Size) -> list[StoredVersion]:
    return [stored(subject, number) for subject in range(size.subjects) for number in range(1, size.versions + 1)]


def after(size: Size) -> list[StoredVersion]:
    """One new version each for subjects all over the store."""
    return [stored(turn * 7 % size.subjects, size.versions + 1 + turn // size.subjects) for turn in range(size.commits)]


def filled(folder: Path, size: Size, *, bare: bool, durable: bool = True) -> Repository:
    repository = Repository.create(folder, bare=bare, durable=durable)
    everything = {path: content for one in before(size) for path, content in files(one).items()}
    repository.commit(everything, "Fill", ANN, repository.head)
    return repository


def timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def ours(folder: Path, size: Size, *, bare: bool, durable: bool = True) -> float:
    repository = filled(folder, size, bare=bare, durable=durable)
    batches = [files(one) for one in after(size)]

    def run() -> None:
        for batch in batches:
            repository.commit(batch, "Add", ANN, repository.head)

    return size.commits / timed(run)


def file_by_file(folder: Path, size: Size, *, bare: bool) -> float:
    """As on a system that cannot write out a whole file system at once."""
    with mock.patch.object(disk, "CAN_SYNC", new=False):
        rate = ours(folder, size, bare=bare)
    pygit2.settings.enable_fsync_gitdir(False)
    return rate


def through_the_store(folder: Path, size: Size, *, bare: bool) -> float:
    async def run() -> float:
        store = SchemaStore(Repository.create(folder, bare=bare), schema_hash)
        await store.commit([AddVersion(one) for one in before(size)], "Fill", ANN)
        versions = after(size)
        began = time.perf_counter()
        for one in versions:
            await store.commit([AddVersion(one)], "Add", ANN)
        return size.commits / (time.perf_counter() - began)

    return anyio.run(run)


def stream(batches: Iterable[Files], *, onto: bool) -> bytes:
    """What `git fast-import` reads: one commit per batch."""
    out = bytearray()
    for turn, batch in enumerate(batches):
        start = b"from refs/heads/main^0\n" if onto and turn == 0 else b""
        out += b"commit refs/heads/main\ncommitter Ann <ann@example.com> 1767225600 +0000\ndata 3\nAdd\n" + start
        for path, content in batch.items():
            out += b"M 100644 inline %s\ndata %d\n%s\n" % (path.encode(), len(content), content)
    return bytes(out)


def fast_import(folder: Path, batches: list[Files], *, onto: bool) -> float:
    command = ["git", "-C", str(folder), "fast-import", "--quiet"]
    given = stream(batches, onto=onto)
    return timed(lambda: subprocess.run(command, input=given, check=True))


def fast_import_singly(folder: Path, size: Size, *, bare: bool) -> float:
    filled(folder, size, bare=bare)
    return size.commits / fast_import(folder, [files(one) for one in after(size)], onto=True)


def gitpython(folder: Path, size: Size) -> float:
    """GitPython's index, as its tutorial shows, which needs a working tree; a few commits are enough to know."""
    root = filled(folder, size, bare=False).root
    repository = git.Repo(root)
    turns = min(size.commits, 10)
    batches = [files(one) for one in after(size)[:turns]]

    def run() -> None:
        for batch in batches:
            for path, content in batch.items():
                place = Path(root, path)
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(content)
            repository.index.add(list(batch))
            repository.index.commit("Add", author=git.Actor("Ann", "a@example.com"), skip_hooks=True)

    return turns / timed(run)


def bulk(folder: Path, versions: int, *, bare: bool) -> tuple[float, float]:
    """Versions per second in one commit: ours, and `git fast-import` with the same content."""
    size = Size(versions // 5, 5, 0)
    everything = {path: content for one in before(size) for path, content in files(one).items()}
    repository = Repository.create(folder / "ours", bare=bare)
    mine = timed(lambda: repository.commit(everything, "Import", ANN, None))
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(folder / "theirs")], check=True)
    return versions / mine, versions / fast_import(folder / "theirs", [everything], onto=False)


def reading(folder: Path, versions: int) -> tuple[float, float]:
    """Seconds to index so many versions, and to take in one more commit."""

    async def run() -> tuple[float, float]:
        repository = Repository.create(folder, bare=True)
        writer, reader = SchemaStore(repository, schema_hash), SchemaStore(repository, schema_hash)
        await writer.commit([AddVersion(one) for one in before(Size(versions // 5, 5, 0))], "Fill", ANN)
        began = time.perf_counter()
        await reader.refresh()
        first = time.perf_counter() - began
        await writer.commit([AddVersion(stored(1, 6))], "Add", ANN)
        began = time.perf_counter()
        await reader.refresh()
        return first, time.perf_counter() - began

    return anyio.run(run)


def told(name: str, mine: float, theirs: float, baseline: str, target: str) -> None:
    print(f"{name:<34} {mine:>9,.0f}/s   {baseline:<22} {theirs:>9,.1f}/s   {mine / theirs:>8.2f} x   {target}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subjects", type=int, default=1_000)
    parser.add_argument("--versions", type=int, default=5, help="of each subject")
    parser.add_argument("--commits", type=int, default=300)
    parser.add_argument("--bulk", type=int, default=10_000, help="versions in the bulk import")
    chosen = parser.parse_args()
    size = Size(chosen.subjects, chosen.versions, chosen.commits)
    print(f"{size.commits} single commits into a store of {size.subjects * size.versions:,} versions")
    for bare, target in ((True, "target 200/s"), (False, "target 40/s")):
        kind = "bare" if bare else "checked out"
        with tempfile.TemporaryDirectory() as folder:
            places = (Path(folder, str(number)) for number in range(9))
            mine = ours(next(places), size, bare=bare)
            told(f"{kind}, durable", mine, fast_import_singly(next(places), size, bare=bare), "fast-import", target)
            told(f"{kind}, durable", mine, gitpython(next(places), size), "GitPython's index", target)
            told(f"{kind}, durable", mine, ours(next(places), size, bare=bare, durable=False), "not durable", target)
            told(f"{kind}, durable", mine, file_by_file(next(places), size, bare=bare), "an fsync for each file", "")
            whole = through_the_store(next(places), size, bare=bare)
            told(f"{kind}, through the schema store", whole, mine, "the repository alone", target)
    print(f"\nOne commit of {chosen.bulk:,} versions")
    for bare in (True, False):
        with tempfile.TemporaryDirectory() as folder:
            mine, theirs = bulk(Path(folder), chosen.bulk, bare=bare)
            told("bare" if bare else "checked out", mine, theirs, "fast-import, bare", "target 0.5 x" if bare else "")
    with tempfile.TemporaryDirectory() as folder:
        first, next_one = reading(Path(folder), chosen.bulk)
        print(f"\nIndexing {chosen.bulk:,} versions {first:.2f} s, then one more commit {next_one * 1000:.1f} ms")


if __name__ == "__main__":
    main()
