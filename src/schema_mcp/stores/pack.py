"""Many Git objects at once, as one pack: a bulk import writes two files instead of tens of thousands.

Formats: Git's documentation, "gitformat-pack": pack version 2 and index version 2, without deltas.
"""

import hashlib
import os
import struct
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from itertools import accumulate
from pathlib import Path
from typing import Final, Self

from schema_mcp.stores.trees import Objects

LARGEST: Final = 1 << 30
"""Bytes of content in one pack; offsets up to 2 GiB need no second table in its index."""

_TYPES: Final = {"commit": 1, "tree": 2, "blob": 3}
_FASTEST: Final = 1


def write_packs(objects: Objects, folder: Path, *, durable: bool) -> None:
    """Put the objects into as many packs as their size asks for; a pack is seen once its index is there."""
    for part in _parts(objects):
        _write_pack(part, folder, durable=durable)


def _parts(objects: Objects) -> Iterator[Objects]:
    part: Objects = {}
    size = 0
    for key, (kind, content) in objects.items():
        if part and size + len(content) > LARGEST:
            yield part
            part, size = {}, 0
        part[key] = (kind, content)
        size += len(content)
    yield part


def _write_pack(objects: Objects, folder: Path, *, durable: bool) -> None:
    folder.mkdir(exist_ok=True)
    table: list[tuple[bytes, int, int]] = []  # id, CRC-32, offset
    with _Draft(folder, durable=durable) as pack, _Draft(folder, durable=durable) as index:
        offset = pack.write(struct.pack(">4sII", b"PACK", 2, len(objects)))
        for key, (kind, content) in objects.items():
            entry = _header(_TYPES[kind], len(content)) + zlib.compress(content, _FASTEST)
            table.append((key, zlib.crc32(entry), offset))
            offset += pack.write(entry)
        name = f"pack-{pack.sum.hexdigest()}"
        pack.write(checksum := pack.sum.digest())
        index.write(_index(sorted(table), checksum))
        index.write(index.sum.digest())
        pack.keep(folder / f"{name}.pack")
        index.keep(folder / f"{name}.idx")
    if durable:
        _sync(folder)


def _header(kind: int, size: int) -> bytes:
    first, rest = kind << 4 | size & 15, size >> 4
    out = bytearray()
    while rest:
        out.append(first | 128)
        first, rest = rest & 127, rest >> 7
    return bytes(out) + bytes([first])


def _index(table: list[tuple[bytes, int, int]], pack: bytes) -> bytes:
    counts = [0] * 256
    for key, _, _ in table:
        counts[key[0]] += 1
    return b"".join(
        (
            b"\xfftOc" + _numbers([2]),
            _numbers(accumulate(counts)),
            b"".join(key for key, _, _ in table),
            _numbers(crc for _, crc, _ in table),
            _numbers(offset for _, _, offset in table),
            pack,
        )
    )


def _numbers(values: Iterable[int]) -> bytes:
    listed = list(values)
    return struct.pack(f">{len(listed)}I", *listed)


def _sync(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


class _Draft:
    """A file that appears under its name whole, or not at all."""

    def __init__(self, folder: Path, *, durable: bool) -> None:
        self._durable = durable
        number, name = tempfile.mkstemp(prefix="tmp_pack_", dir=folder)  # a name that `git gc` clears away
        self._path = Path(name)
        self._file = os.fdopen(number, "wb")
        self.sum = hashlib.sha1(usedforsecurity=False)
        """Over everything written so far: both kinds of file end in it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._file.close()
        finally:
            self._path.unlink(missing_ok=True)

    def write(self, data: bytes) -> int:
        self.sum.update(data)
        return self._file.write(data)

    def keep(self, path: Path) -> None:
        self._file.flush()
        if self._durable:
            os.fsync(self._file.fileno())
        self._path.chmod(0o444)
        self._path.rename(path)
