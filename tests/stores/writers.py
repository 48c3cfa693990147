"""What other processes do to a repository: each test that kills or races writers runs this file with a part to play."""

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import anyio

from schema_mcp.domain.errors import ConflictError, LockHeldError, StoreError
from schema_mcp.domain.identity import schema_hash
from schema_mcp.domain.schema import Subject
from schema_mcp.stores import schemastore
from schema_mcp.stores.repository import Repository
from schema_mcp.stores.schemastore import AddVersion, SchemaStore, SetMark

sys.path.insert(0, str(Path(__file__).parents[1]))

from stores.judge import ANN, agrees, stored


def start(part: str, *arguments: object) -> subprocess.Popen[bytes]:
    """Start a process that plays a part and says `ready` on its first line of output."""
    command = [sys.executable, __file__, part, *map(str, arguments)]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, bufsize=0, stdin=pipe, stdout=pipe, stderr=pipe)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n", process.stderr and process.stderr.read()
    return process


def ready() -> None:
    print("ready", flush=True)  # noqa: T201


def commit_for_ever(root: str) -> None:
    """Commit, each time three files, one of them changed again and again; say what was done."""
    repository = Repository.open(Path(root))
    ready()
    number = 0
    while True:
        files: dict[str, bytes | None] = {
            f"s/{number}/a": b"%d" % number * 50,
            "s/mark": b"%d" % number,
            f"s/{number - 3}/a": None,
        }
        head = repository.commit(files, f"Commit {number}", ANN, repository.head)
        print(head, flush=True)  # noqa: T201
        number += 1


def create(root: str) -> None:
    """Make a repository and one commit."""
    Repository.create(Path(root)).commit({"a": b"x\r\n"}, "Add", ANN, None)
    ready()


def hold(root: str) -> None:
    """Take the writers' lock and keep it."""
    with Repository.open(Path(root)).writing():
        ready()
        sys.stdin.read()


def count(root: str, name: str, turns: str) -> None:
    """Commit files of one's own onto whatever is there, as often as asked."""
    repository = Repository.open(Path(root))
    ready()
    for number in range(int(turns)):
        while True:
            try:
                files = {f"{name}/{number}": b"x", "shared": f"{name} {number}".encode()}
                repository.commit(files, f"{name} {number}", ANN, repository.head)
            except ConflictError:
                continue
            break


def store(root: str, name: str, turns: str) -> None:
    """Add versions to a subject of one's own and move the mark, at the first try each time."""
    schemastore._TURNS = 1
    schemas = SchemaStore(Repository.open(Path(root)), schema_hash)

    async def add() -> None:
        for number in range(1, int(turns) + 1):
            version = stored(Subject(name), number, int(name) + number)
            await schemas.commit([AddVersion(version), SetMark(int(name) + number)], "Add", ANN)

    ready()
    anyio.run(add)


def commit_within(root: str, size: str) -> None:
    """Commit while no file may grow beyond a size, as on a full disk; then say whether it worked."""
    repository = Repository.open(Path(root))
    ready()
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(size), int(size)))
    head = repository.head
    try:
        noise = bytes(number * 7919 % 256 for number in range(3_000))
        repository.commit({"s/new": noise, "s/old": b"changed"}, "Add", ANN, head)
    except (StoreError, LockHeldError) as error:
        print("refused", error, flush=True)  # noqa: T201
    else:
        print("done", flush=True)  # noqa: T201


def die_everywhere(root: str, stride: str) -> None:
    """Let a child die at one line after the other of a commit; say at which of them something was left behind."""
    ready()
    turn = 0
    for line in range(1, 10_000, int(stride)):
        child = os.fork()
        if child == 0:
            _commit_until(Path(root), turn, line)
        _, status = os.waitpid(child, 0)
        repository = Repository.open(Path(root))
        counted = int(repository.read("s/counter") or b"-1")
        files = {leaf.path for leaf in repository.walk("s")}
        if files - {"s/counter"} != {f"s/{counted}"} or not agrees(repository):
            print("left behind at", line, sorted(files), flush=True)  # noqa: T201
        if os.waitstatus_to_exitcode(status) == 0:
            print("lines:", line, flush=True)  # noqa: T201
            return
        turn = counted + 1


def _commit_until(root: Path, turn: int, last: int) -> None:
    lines = 0

    def count_down(frame: FrameType, event: str, _: object) -> Callable[..., Any] | None:
        nonlocal lines
        if "schema_mcp/stores" not in frame.f_code.co_filename:
            return None
        lines += event == "line"
        if lines >= last:
            os._exit(9)
        return count_down

    repository = Repository.open(root)
    files = {"s/counter": b"%d" % turn, f"s/{turn}": b"x", f"s/{turn - 1}": None}
    sys.settrace(count_down)
    repository.commit(files, "Commit", ANN, repository.head)
    os._exit(0)


PARTS: dict[str, Callable[..., None]] = {
    each.__name__: each for each in (commit_for_ever, create, die_everywhere, hold, count, store, commit_within)
}

if __name__ == "__main__":
    PARTS[sys.argv[1]](*sys.argv[2:])
