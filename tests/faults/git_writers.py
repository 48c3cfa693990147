"""What a process does to a store until it dies, or runs out of room: the tests `test_git_*.py` start this file."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import anyio

sys.path.insert(0, str(Path(__file__).parents[1]))

from schema_mcp.domain.errors import SchemaMcpError
from schema_mcp.domain.identity import schema_hash
from schema_mcp.stores.remote import Remote
from schema_mcp.stores.repository import Repository
from schema_mcp.stores.schemastore import AddVersion, Change, SchemaStore, SetMark
from stores.judge import ANN, ORDERS, agrees, git, is_sound, stored


def say(*words: object) -> None:
    print(*words, flush=True)  # noqa: T201


def store_at(root: str, upstream: str) -> SchemaStore:
    repository = Repository.open(Path(root))
    return SchemaStore(repository, schema_hash, upstream=Remote(repository.path, upstream))


async def add(store: SchemaStore, number: int) -> str:
    """Add one version, however often the same is asked."""
    return await store.commit(changes_of(number), f"Add v{number}", ANN)


def changes_of(number: int) -> list[Change]:
    return [AddVersion(stored(number=number, schema_id=10_000 + number)), SetMark(10_000 + number)]


def go_on(root: str, upstream: str) -> None:
    """Add one version after the other, each on top of what is upstream, and say which arrived."""
    store = store_at(root, upstream)

    async def run() -> None:
        await store.fetch()
        while True:
            number = 1 + max((one.number for one in store.records(ORDERS)), default=0)
            await add(store, number)
            say(number)

    say("ready")
    anyio.run(run)


def die_everywhere(root: str, upstream: str, stride: str) -> None:
    """Let a child die at one line after the other of a commit, and say what is wrong afterwards."""
    deaths = 0
    for number, line in enumerate(range(1, 100_000, int(stride)), start=1):
        child = os.fork()
        if child == 0:
            _commit_until(store_at(root, upstream), number, line)
        _, status = os.waitpid(child, 0)
        for problem in _problems(store_at(root, upstream), Path(upstream), number):
            say("after line", line, problem)
        if os.waitstatus_to_exitcode(status) == 0:
            break
        deaths += 1
    say("deaths", deaths)


def _commit_until(store: SchemaStore, number: int, last: int) -> None:
    lines = 0

    def count(frame: FrameType, event: str, _: object) -> Callable[..., Any] | None:
        nonlocal lines
        if "schema_mcp/stores" not in frame.f_code.co_filename:
            return None
        lines += event == "line"
        if lines >= last:
            os._exit(9)
        return count

    store._refresh()
    sys.settrace(count)
    store._commit(changes_of(number), f"Add v{number}", ANN)
    os._exit(0)


def _problems(store: SchemaStore, upstream: Path, number: int) -> Iterator[str]:
    """Whatever is not as it should be at the next start; then the caller asks for the same again."""
    store._fetch()
    held = len(store.records(ORDERS))
    if held not in (number - 1, number) or not agrees(store.repository) or not is_sound(upstream):
        yield f"{held} versions here, and Git finds fault"
    left = [*store.repository.path.rglob("refs/**/*.lock"), *store.repository.path.glob("index.lock")]
    left += (store.repository.root or upstream).rglob("*.pending")
    if left:
        yield f"left behind: {left}"
    store._commit(changes_of(number), f"Add v{number}", ANN)
    added = git(upstream, "log", "--reverse", "--format=%s", "main").split("\n")
    if added != [f"Add v{one}" for one in range(1, number + 1)] or git(upstream, "rev-parse", "main") != store.head:
        yield f"upstream has {added}"


def fill(root: str, upstream: str) -> None:
    """Commit on a disk that has no room left, then with room again."""
    store = store_at(root, upstream)
    ballast = Path(root).parent / "ballast"

    async def run() -> None:
        await add(store, 1)
        with ballast.open("wb", buffering=0) as file:
            for piece in (65_536, 512, 1):
                try:
                    while True:
                        file.write(b"x" * piece)
                except OSError:
                    continue
        try:
            await add(store, 2)
            say("done")
        except SchemaMcpError as error:
            say(error.code, error)
        say(store.repository.head == store.head, len(store.history(ORDERS)))
        ballast.unlink()
        await add(store, 2)
        say(len(store.history(ORDERS)))

    anyio.run(run)


def read_only(root: str, upstream: str) -> None:
    """Read, and try to commit, where nothing can be written."""

    async def run() -> None:
        store = store_at(root, upstream)
        await store.refresh()
        say(len(store.history(ORDERS)))
        for act in (lambda: add(store, 2), store.fetch):
            try:
                await act()
                say("done")
            except SchemaMcpError as error:
                say(error.code, error, error.hint)

    anyio.run(run)


PARTS: dict[str, Callable[..., None]] = {each.__name__: each for each in (go_on, die_everywhere, fill, read_only)}

if __name__ == "__main__":
    PARTS[sys.argv[1]](*sys.argv[2:])
