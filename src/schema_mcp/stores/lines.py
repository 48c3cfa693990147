"""Lines of a file, from its end."""

import os
from collections.abc import Iterator

_READ_AT_ONCE = 64 * 1024


def backwards(descriptor: int, size: int) -> Iterator[bytes]:
    """The lines of an open file, last one first; the very first answer is what stands after the last line's end."""
    rest = b""
    for start in reversed(range(0, size, _READ_AT_ONCE)):
        block = os.pread(descriptor, min(_READ_AT_ONCE, size - start), start)
        rest, *lines = (block + rest).split(b"\n")
        yield from reversed(lines)
    yield rest
