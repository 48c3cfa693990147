"""Understands what people and programs have committed: a version, a wish, or a finding with its reason."""

from collections.abc import Callable, Generator, Iterable
from typing import Final, TypeAlias, TypeVar

from schema_mcp.domain.errors import SchemaMcpError, StoreError
from schema_mcp.domain.layout import METADATA_FILE, SCHEMA_FILES, Kind, Place, place_of
from schema_mcp.domain.schema import Schema
from schema_mcp.stores.files import StoredVersion, read_context, read_ids, read_metadata, read_subject
from schema_mcp.stores.index import Finding, Found, Index, Record
from schema_mcp.stores.repository import Repository
from schema_mcp.stores.trees import Leaf

LARGEST_FILE: Final = 16_000_000

_Value = TypeVar("_Value")
_Placed: TypeAlias = list[tuple[Leaf, Place]]

_MANY_UNITS: Final = 200
_FOLDERS_OF_A_VERSION: Final = 3  # context, subject, version
# People keep notes beside the schemas, and Git needs a file to keep an empty folder.
_WELCOME: Final = frozenset({"readme.md", ".gitkeep", ".gitattributes", ".gitignore"})


class Reader:
    """Reads the store in units: each version's folder as a whole, every other file alone.

    `seen` is told of every version that was read, so that its text need not be read again soon.
    """

    def __init__(
        self,
        repository: Repository,
        root: str,
        hash_of: Callable[[Schema], str],
        seen: Callable[[Record, StoredVersion], None],
    ) -> None:
        self._repository = repository
        self._root = root
        self._hash_of = hash_of
        self._seen = seen

    def indexed(self, old: Index, commit: str | None) -> Index:
        """The index of a commit, made from an earlier one and what has changed since."""
        new = old.copy()
        new.commit = commit
        units = self._changed(old, commit) if old.commit else self._units(self._everything(commit))
        for unit, leaves in sorted(units.items()):
            new.put(unit, self._found(unit, leaves))
        link = commit and self._repository.leaf(self._root, commit)
        new.put("", Finding(self._root, "it is a link or a file, and the store is a folder") if link else None)
        return new

    def stored(self, record: Record) -> StoredVersion:
        """A version with its text, read from Git."""
        text = _decoded(self._repository.blob(record.schema_blob))
        return read_metadata(self._repository.blob(record.metadata_blob), text, record.place)

    def _changed(self, old: Index, commit: str | None) -> dict[str, list[Leaf]]:
        """What stands at `commit` in each unit that is not as it was."""
        paths = self._repository.difference(old.commit, commit, self._root)
        changed = {_unit(self._short(path)) for path in paths}
        many = len(changed) > _MANY_UNITS
        there = self._units(self._below([self._root] if many else [f"{self._root}/{unit}" for unit in changed], commit))
        return {unit: there.get(unit, []) for unit in changed}

    def _everything(self, commit: str | None) -> list[Leaf]:
        return self._repository.walk(self._root, commit) if commit else []

    def _units(self, leaves: Iterable[Leaf]) -> dict[str, list[Leaf]]:
        found: dict[str, list[Leaf]] = {}
        for leaf in leaves:
            found.setdefault(_unit(self._short(leaf.path)), []).append(leaf)
        return found

    def _below(self, places: Iterable[str], commit: str | None) -> Generator[Leaf]:
        for place in places if commit else ():
            leaf = self._repository.leaf(place, commit)
            yield from [leaf] if leaf else self._repository.walk(place, commit)

    def _found(self, unit: str, leaves: list[Leaf]) -> Found | None:
        try:
            with _about(f"{self._root}/{unit}"):
                return self._understood(self._placed(leaves))
        except _UnreadableError as error:
            return Finding(_shown(error.path), str(error))

    def _placed(self, leaves: list[Leaf]) -> _Placed:
        """The files of ours, with what each of them is."""
        found = [(leaf, place_of(self._short(leaf.path))) for leaf in leaves]
        for leaf, place in found:
            with _about(leaf.path):
                _refuse_odd(leaf, place)
        return [(leaf, place) for leaf, place in found if place]

    def _understood(self, files: _Placed) -> Found | None:
        kinds = {place.kind: (leaf, place) for leaf, place in files}
        match files:
            case []:
                return None
            case [(leaf, Place(Kind.IDS))]:
                return self._read(leaf, read_ids)
            case [(leaf, Place(Kind.CONTEXT) as place)]:
                return self._read(leaf, lambda content: read_context(content, place))
            case [(leaf, Place(Kind.SUBJECT) as place)]:
                return self._read(leaf, lambda content: read_subject(content, place))
            case [_, _] if Kind.METADATA in kinds and Kind.SCHEMA in kinds:
                return self._version(kinds[Kind.SCHEMA][0], *kinds[Kind.METADATA])
            case _:
                raise StoreError(f"a version needs {METADATA_FILE} and one of {', '.join(SCHEMA_FILES.values())}")

    def _version(self, schema: Leaf, metadata: Leaf, place: Place) -> Record:
        text = self._read(schema, _decoded)
        stored = self._read(metadata, lambda content: read_metadata(content, text, place))
        version = stored.version
        record = Record(
            subject=version.subject,
            number=version.number,
            id=version.id,
            type=version.schema.type,
            schema_hash=stored.schema_hash,
            deleted=version.deleted,
            place=place,
            schema_blob=schema.blob,
            metadata_blob=metadata.blob,
        )
        with _about(schema.path):
            self._refuse_other(stored, schema)
        self._seen(record, stored)
        return record

    def _refuse_other(self, stored: StoredVersion, schema: Leaf) -> None:
        kind = stored.version.schema.type
        if not schema.path.endswith(f"/{SCHEMA_FILES[kind]}"):
            raise StoreError(f"schemaType is {kind}, which stands in {SCHEMA_FILES[kind]}")
        found = self._hash_of(stored.version.schema)
        if found != stored.schema_hash:
            raise StoreError(f"schemaHash is {stored.schema_hash[:80]}, and the content's is {found}")

    def _read(self, leaf: Leaf, understand: Callable[[bytes], _Value]) -> _Value:
        with _about(leaf.path):
            if self._repository.size(leaf.blob) > LARGEST_FILE:
                raise StoreError(f"it is larger than {LARGEST_FILE:,} bytes")
            return understand(self._repository.blob(leaf.blob))

    def _short(self, path: str) -> str:
        return path.removeprefix(f"{self._root}/")


class _UnreadableError(Exception):
    """Nobody can use this file, for this reason."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(reason)
        self.path = path


class _about:  # noqa: N801 - reads as a block; one with a generator costs four times as much, for every file
    """Whatever is wrong in here makes that file unreadable."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __enter__(self) -> None:
        """Nothing to begin with."""

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, SchemaMcpError):
            raise _UnreadableError(self._path, str(error)) from error


def _unit(path: str) -> str:
    parts = path.split("/")
    return "/".join(parts[:_FOLDERS_OF_A_VERSION]) if len(parts) > _FOLDERS_OF_A_VERSION else path


def _refuse_odd(leaf: Leaf, place: Place | None) -> None:
    if not leaf.is_file:
        raise StoreError("it is a link or a submodule, and the store keeps plain files")
    if place is None and leaf.path.rpartition("/")[2].lower() not in _WELCOME:
        raise StoreError("the store has no file of this name in this place")


def _shown(path: str) -> str:
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _decoded(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise StoreError("it is not UTF-8") from error
