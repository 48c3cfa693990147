"""Git trees as data: name some paths to change, get the few objects that differ."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from schema_mcp.domain.errors import StoreError

Objects: TypeAlias = dict[bytes, tuple[str, bytes]]
"""New Git objects by id: their type and their content."""

_Entries: TypeAlias = dict[bytes, bytes]
# Of one tree, by sort key (a folder sorts as if its name ended in a slash): mode, name and id as Git writes them.
_Nest: TypeAlias = dict[str, "_Nest | bytes | None"]

_FOLDER: Final = b"40000"
_FILE: Final = b"100644"
_ORDINARY: Final = (_FILE, b"100755", b"100664")
_REMEMBERED: Final = 16


def object_id(kind: str, content: bytes) -> bytes:
    """The id under which Git keeps an object."""
    return hashlib.sha1(b"%s %d\0" % (kind.encode(), len(content)) + content, usedforsecurity=False).digest()


class Trees:
    """Makes trees from trees. The last ones stay parsed: the next commit starts from them."""

    def __init__(self, read: Callable[[bytes], bytes]) -> None:
        self._read = read
        self._parsed: OrderedDict[bytes, _Entries] = OrderedDict()

    def changed(self, root: bytes | None, blobs: Mapping[str, bytes | None], objects: Objects) -> bytes:
        """The id of the tree `root` with these blobs at these paths (None removes); new trees go into `objects`."""
        return self._changed(root, _nested(blobs), "", objects) or self._kept({}, objects)

    def blob_at(self, root: bytes | None, path: str) -> bytes | None:
        """The id of the file at a path; None where there is none."""
        *folders, name = path.split("/")
        for folder in folders:
            found = self._entries(root).get(folder.encode() + b"/") if root else None
            root = found[-20:] if found else None
        found = self._entries(root).get(name.encode()) if root else None
        return found[-20:] if found else None

    def _changed(self, tree: bytes | None, wanted: _Nest, path: str, objects: Objects) -> bytes | None:
        entries = dict(self._entries(tree)) if tree else {}
        for name, want in wanted.items():
            if isinstance(want, dict):
                below = _folder_in(entries, name, path)
                want = self._changed(below, want, f"{path}{name}/", objects)  # noqa: PLW2901 - its id, now
                _put(entries, name.encode() + b"/", _FOLDER, want)
            else:
                _refuse_odd(entries, name, path)
                _put(entries, name.encode(), _FILE, want)
        return self._kept(entries, objects) if entries else None

    def _kept(self, entries: _Entries, objects: Objects) -> bytes:
        content = b"".join([entries[key] for key in sorted(entries)])
        tree = object_id("tree", content)
        objects[tree] = ("tree", content)
        self._remember(tree, entries)
        return tree

    def _entries(self, tree: bytes) -> _Entries:
        if tree not in self._parsed:
            self._remember(tree, _parse(self._read(tree)))
        return self._parsed[tree]

    def _remember(self, tree: bytes, entries: _Entries) -> None:
        self._parsed[tree] = entries
        if len(self._parsed) > _REMEMBERED:
            self._parsed.popitem(last=False)


def _nested(blobs: Mapping[str, bytes | None]) -> _Nest:
    root: _Nest = {}
    for path, blob in blobs.items():
        *folders, name = path.split("/")
        nest = root
        for folder in folders:
            below = nest.setdefault(folder, {})
            if not isinstance(below, dict):
                raise StoreError(f"{path} lies below a file of the same commit")
            nest = below
        nest[name] = blob
    return root


def _parse(content: bytes) -> _Entries:
    entries: _Entries = {}
    start = 0
    while start < len(content):
        end = content.index(b"\0", start) + 21
        mode, _, name = content[start : end - 21].partition(b" ")
        entries[name + b"/" if mode == _FOLDER else name] = content[start:end]
        start = end
    return entries


def _put(entries: _Entries, key: bytes, mode: bytes, blob: bytes | None) -> None:
    if blob is None:
        entries.pop(key, None)
    else:
        entries[key] = b"%s %s\0%s" % (mode, key.rstrip(b"/"), blob)


def _folder_in(entries: _Entries, name: str, path: str) -> bytes | None:
    if name.encode() in entries:
        raise StoreError(
            f"{path}{name} is a file or a link in the repository, where the store needs a folder",
            hint="Remove it with a commit of your own.",
        )
    found = entries.get(name.encode() + b"/")
    return found[-20:] if found else None


def _refuse_odd(entries: _Entries, name: str, path: str) -> None:
    found = entries.get(name.encode())
    odd = found is not None and found.partition(b" ")[0] not in _ORDINARY
    if odd or name.encode() + b"/" in entries:
        raise StoreError(
            f"{path}{name} is a link or a folder in the repository, where the store keeps a file",
            hint="Remove it with a commit of your own.",
        )
