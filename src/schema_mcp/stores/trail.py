"""Reading a chain of audit lines: does it hold, and what stands in it, newest first."""

import json
import os
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from schema_mcp.domain.schema import Json
from schema_mcp.stores.chain import HEAD, PATIENCE, Link, explained, files_of, head_of, is_intact, link_of, locked
from schema_mcp.stores.lines import backwards
from schema_mcp.stores.locks import lock, unlock


@dataclass(frozen=True, slots=True)
class Finding:
    """A place where the chain does not hold; `line` counts within the file, 0 is the file as a whole."""

    file: str
    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class _Part:
    """One file of the chain, open, as far as it went when we looked."""

    name: str
    descriptor: int
    size: int

    def lines(self) -> Iterator[bytes]:
        with os.fdopen(os.dup(self.descriptor), "rb") as file:
            file.seek(0)
            while file.tell() < self.size:
                yield file.readline()


def verify(folder: Path) -> list[Finding]:
    """Where lines were changed, moved, added or cut off, the end included; empty while the chain holds."""
    with _opened(folder) as (parts, head):
        findings: list[Finding] = []
        last = Link()
        for part in parts:
            for number, line in enumerate(part.lines(), start=1):
                link = link_of(line)
                findings += [Finding(part.name, number, flaw) for flaw in _flaws(line, link, last)]
                last = link or last
        return findings + [Finding(HEAD, 0, flaw) for flaw in _flaws_of_end(last, head)]


def newest(folder: Path) -> Iterator[Json]:
    """What the lines say, newest first; a line that cannot be read is passed over (`verify` names it)."""
    with _opened(folder) as (parts, _):
        for part in reversed(parts):
            yield from (json.loads(line) for line in backwards(part.descriptor, part.size) if link_of(line))


def _flaws(line: bytes, link: Link | None, last: Link) -> Iterator[str]:
    if not line.endswith(b"\n"):
        yield "an unfinished line, as a crash leaves it; the next start removes it"
    elif link is None:
        yield "not a line of this trail"
    elif not is_intact(line):
        yield f"line {link.seq} was changed"
    elif link.seq > last.seq + 1:
        yield f"lines {last.seq + 1} to {link.seq - 1} are missing"
    elif (link.seq, link.previous) != (last.seq + 1, last.hash):
        yield f"line {link.seq} does not follow line {last.seq} as it stands here"


def _flaws_of_end(last: Link, head: Link | None) -> Iterator[str]:
    if head is None:
        if last.seq:
            yield "missing or not readable: nothing proves where the trail ends"
    elif head.seq > last.seq:
        yield f"lines {last.seq + 1} to {head.seq} are missing: cut off, or reads that a power cut took"
    elif head.seq == last.seq and head.hash != last.hash:
        yield f"line {last.seq} is not the one that was written"


@contextmanager
def _opened(folder: Path) -> Generator[tuple[Sequence[_Part], Link | None]]:
    """The files of the chain and its head at one moment, between two lines."""
    with explained(folder), ExitStack() as stack:
        try:
            head = _open(stack, folder / HEAD)
        except FileNotFoundError:
            yield [_part(stack, path) for path in files_of(folder)], None
            return
        if not lock(head, PATIENCE):
            raise locked(folder)
        try:
            parts, link = [_part(stack, path) for path in files_of(folder)], head_of(head)
        finally:
            unlock(head)
        yield parts, link


def _part(stack: ExitStack, path: Path) -> _Part:
    descriptor = _open(stack, path)
    return _Part(path.name, descriptor, os.fstat(descriptor).st_size)


def _open(stack: ExitStack, path: Path) -> int:
    descriptor = os.open(path, os.O_RDONLY)
    stack.callback(os.close, descriptor)
    return descriptor
