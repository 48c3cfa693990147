"""Git trees as data: what stands where, what differs between two, and the few objects that a change makes.

libgit2 has all of this too, several times slower on a folder of 5,000 subjects: it parses and compares such a tree
anew for every question, and here the last ones stay parsed.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from threading import Lock
from typing import Final, TypeAlias, TypeVar

from schema_mcp.domain.errors import StoreError

Objects: TypeAlias = dict[bytes, tuple[str, bytes]]
"""New Git objects by id: their type and their content."""

_Entries: TypeAlias = dict[bytes, bytes]
# Of one tree, by sort key (a folder sorts as if its name ended in a slash): mode, name and id as Git writes them.

_Found = TypeVar("_Found")

_FOLDER: Final = b"40000"
_FILES: Final = ("100644", "100755", "100664")
_REMEMBERED: Final = 16
_LARGEST_WALK: Final = 500_000


@dataclass(frozen=True, slots=True)
class Leaf:
    """What stands at a path in a commit and is not a folder; neither a link nor a submodule is a file."""

    path: str
    blob: str
    mode: str = "100644"

    @property
    def is_file(self) -> bool:
        return self.mode in _FILES

    @property
    def is_executable(self) -> bool:
        return self.mode == "100755"


def object_id(kind: str, content: bytes) -> bytes:
    """The id under which Git keeps an object."""
    return hashlib.sha1(b"%s %d\0" % (kind.encode(), len(content)) + content, usedforsecurity=False).digest()


class Trees:
    """Answers about trees, and trees made from trees; safe for threads. `read` gives the content of a tree."""

    def __init__(self, read: Callable[[bytes], bytes]) -> None:
        self._read = read
        self._parsed: OrderedDict[bytes, _Entries] = OrderedDict()
        self._lock = Lock()

    def leaf(self, root: bytes | None, path: str) -> Leaf | None:
        """What stands at a path and is not a folder."""
        folder, _, name = path.rpartition("/")
        entry = self._entries(self.folder(root, folder)).get(_encoded(name))
        return _leaf(path, entry) if entry else None

    def folder(self, root: bytes | None, path: str) -> bytes | None:
        """The tree of the folder at a path (the root's own is empty)."""
        for name in path.split("/") if path else ():
            entry = self._entries(root).get(_encoded(name) + b"/")
            root = entry[-20:] if entry else None
        return root

    def leaves(self, root: bytes | None, path: str) -> list[Leaf]:
        """Everything in a folder, at any depth, that is not a folder itself."""
        return _bounded(self._walk(self.folder(root, path), path), path)

    def difference(self, old: bytes | None, new: bytes | None, path: str) -> list[str]:
        """The paths in a folder where two trees have not the same."""
        return _bounded(self._difference(self.folder(old, path), self.folder(new, path), path), path)

    def changed(self, root: bytes | None, files: Mapping[str, Leaf | None], objects: Objects) -> bytes:
        """The id of the tree `root` with these files at these paths (None removes); new trees go into `objects`."""
        return self._changed(root, _sorted_out(files), "", objects) or self._kept({}, objects)

    def _walk(self, tree: bytes | None, path: str) -> Generator[Leaf]:
        folders = [(path, tree)]
        while folders:
            path, tree = folders.pop()
            for key, entry in self._entries(tree).items():
                name = _joined(path, key)
                if key.endswith(b"/"):
                    folders.append((name, entry[-20:]))
                else:
                    yield _leaf(name, entry)

    def _difference(self, old: bytes | None, new: bytes | None, path: str) -> Generator[str]:
        if old == new:
            return
        one, other = self._entries(old), self._entries(new)
        for key in sorted({key for key, _ in one.items() ^ other.items()}):
            name = _joined(path, key)
            if key.endswith(b"/"):
                yield from self._difference(_tree_in(one, key), _tree_in(other, key), name)
            else:
                yield name

    def _changed(self, tree: bytes | None, wanted: "_Wanted", path: str, objects: Objects) -> bytes | None:
        entries = dict(self._entries(tree))
        for name, leaf in wanted.files.items():
            _refuse_odd(entries, name, path)
            _put(entries, name, leaf and _entry(leaf.mode.encode(), name, bytes.fromhex(leaf.blob)))
        for name, inside in wanted.folders.items():
            key = name + b"/"
            below = self._changed(_tree_in(entries, key), inside, _joined(path, name), objects)
            _put(entries, key, below and _entry(_FOLDER, name, below))
        for name in wanted.files.keys() | wanted.folders.keys():
            _refuse_twins(entries, name, path)
        return self._kept(entries, objects) if entries else None

    def _kept(self, entries: _Entries, objects: Objects) -> bytes:
        content = b"".join([entries[key] for key in sorted(entries)])
        tree = object_id("tree", content)
        objects[tree] = ("tree", content)
        self._remember(tree, entries)
        return tree

    def _entries(self, tree: bytes | None) -> _Entries:
        if tree is None:
            return {}
        with self._lock:
            found = self._parsed.get(tree)
        if found is None:
            found = _parse(self._read(tree))
            self._remember(tree, found)
        return found

    def _remember(self, tree: bytes, entries: _Entries) -> None:
        with self._lock:
            self._parsed[tree] = entries
            self._parsed.move_to_end(tree)
            if len(self._parsed) > _REMEMBERED:
                self._parsed.popitem(last=False)


@dataclass(slots=True)
class _Wanted:
    """What is wanted of one folder: files by name, None to remove one, and what is wanted of its folders."""

    files: dict[bytes, Leaf | None] = field(default_factory=dict[bytes, "Leaf | None"])
    folders: dict[bytes, "_Wanted"] = field(default_factory=dict[bytes, "_Wanted"])


def _sorted_out(files: Mapping[str, Leaf | None]) -> _Wanted:
    root = _Wanted()
    for path, leaf in files.items():
        *folders, name = _encoded(path).split(b"/")
        place = root
        for folder in folders:
            place = place.folders.setdefault(folder, _Wanted())
        place.files[name] = leaf
    return root


def _bounded(found: Iterable[_Found], path: str) -> list[_Found]:
    """All that is found, unless that is without end: a few objects can spell such a tree."""
    listed = list(islice(found, _LARGEST_WALK + 1))
    if len(listed) > _LARGEST_WALK:
        raise StoreError(f"There are more than {_LARGEST_WALK:,} files below {path or 'the repository'}")
    return listed


def _parse(content: bytes) -> _Entries:
    entries: _Entries = {}
    start = 0
    while start < len(content):
        end = content.find(b"\0", start) + 21
        mode, _, name = content[start : end - 21].partition(b" ")
        if not name or b"/" in name or end > len(content):
            raise StoreError("A folder in the repository is damaged", hint="`git fsck` shows where it comes from.")
        entries[name + b"/" if mode == _FOLDER else name] = content[start:end]
        start = end
    return entries


def _leaf(path: str, entry: bytes) -> Leaf:
    return Leaf(path, entry[-20:].hex(), entry.partition(b" ")[0].decode("ascii", "replace"))


def _joined(path: str, key: bytes) -> str:
    # Bytes that are no UTF-8 come back as the same bytes.
    name = key.rstrip(b"/").decode("utf-8", "surrogateescape")
    return f"{path}/{name}" if path else name


def _encoded(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


def _tree_in(entries: _Entries, key: bytes) -> bytes | None:
    found = entries.get(key)
    return found[-20:] if found else None


def _entry(mode: bytes, name: bytes, key: bytes) -> bytes:
    return b"%s %s\0%s" % (mode, name, key)


def _put(entries: _Entries, key: bytes, entry: bytes | None) -> None:
    if entry is None:
        entries.pop(key, None)
    else:
        entries[key] = entry


def _refuse_odd(entries: _Entries, key: bytes, path: str) -> None:
    found = entries.get(key)
    if found is not None and not _leaf("", found).is_file:
        raise StoreError(
            f"{_joined(path, key)} is a link or a submodule in the repository, where the store keeps a file",
            hint="Remove it with a commit of your own.",
        )


def _refuse_twins(entries: _Entries, name: bytes, path: str) -> None:
    if name in entries and name + b"/" in entries:
        raise StoreError(
            f"{_joined(path, name)} cannot be a folder and a file, or a link, at once",
            hint="Remove what is in the store's way with a commit of your own.",
        )
