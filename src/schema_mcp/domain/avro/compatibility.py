"""Can a reader's schema read what a writer's schema wrote? Avro 1.12, "Schema Resolution", as Java checks it.

Java keeps the result of a pair of types by identity, with the place where it was first met, and starts a new
path inside a union. Both show in the paths that a registry reports, so both are kept here.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from schema_mcp.domain.avro.model import Array, Enum, Field, Fixed, Kind, Map, Record, Type, Union
from schema_mcp.domain.avro.stackless import Steps, run

MAX_CLASHES = 10_000
"""A type used twice reports its clashes twice; nested that doubles at each level, so the list is cut here."""


class Clash(StrEnum):
    """The registry's words for what does not fit."""

    NAME = "NAME_MISMATCH"
    SIZE = "FIXED_SIZE_MISMATCH"
    SYMBOLS = "MISSING_ENUM_SYMBOLS"
    DEFAULT = "READER_FIELD_MISSING_DEFAULT_VALUE"
    TYPE = "TYPE_MISMATCH"
    BRANCH = "MISSING_UNION_BRANCH"
    FAILURE = "UNEXPECTED_EXCEPTION"


@dataclass(frozen=True, slots=True)
class Found:
    """One clash between a part of the reader's schema and a part of the writer's."""

    clash: Clash
    path: str
    place: str
    """The path in a person's words: `Order.customer.email`."""

    reader: Type
    writer: Type
    info: str = ""
    """What Confluent calls additionalInfo, in Java's words."""


Result: TypeAlias = "Found | list[Result]"
"""Clashes with the lists they came in: a list is shared by everybody who met the same pair."""

_PROMOTIONS = {
    Kind.LONG: {Kind.INT},
    Kind.FLOAT: {Kind.INT, Kind.LONG},
    Kind.DOUBLE: {Kind.INT, Kind.LONG, Kind.FLOAT},
    Kind.STRING: {Kind.BYTES},
    Kind.BYTES: {Kind.STRING},
}
_COMPLEX = frozenset({Kind.ARRAY, Kind.MAP, Kind.UNION, Kind.RECORD, Kind.ENUM, Kind.FIXED})

READS: dict[Kind, frozenset[Kind]] = {
    kind: frozenset() if kind in _COMPLEX else frozenset({kind, *_PROMOTIONS.get(kind, ())}) for kind in Kind
}
"""What each kind reads without a further look."""


def clashes(reader: Type, writer: Type) -> list[Found]:
    """Everything that keeps `reader` from reading what `writer` wrote, in the registry's order."""
    if writer.kind in READS[reader.kind]:
        return []
    try:
        return _flat(run(_Comparison().pair(reader, writer, "", "")))
    except _AmbiguousError as error:
        return [error.found]


def _flat(results: list[Result]) -> list[Found]:
    found: list[Found] = []
    waiting: list[Result] = [results]
    while waiting and len(found) < MAX_CLASHES:
        match waiting.pop():
            case list() as more:
                waiting.extend(reversed(more))
            case Found() as one:
                found.append(one)
    return found


class _AmbiguousError(Exception):
    """A reader's field matches several of the writer's; Java gives up, and the registry calls it incompatible."""

    def __init__(self, found: Found) -> None:
        super().__init__(found.place)
        self.found = found


class _Comparison:
    def __init__(self) -> None:
        self._results: dict[tuple[int, int], list[Result]] = {}

    def pair(self, reader: Type, writer: Type, path: str, place: str) -> Steps[list[Result]]:
        """What clashes between two types; a pair being compared already counts as fitting."""
        key = (id(reader), id(writer))
        known = self._results.get(key)
        if known is not None:
            return known
        self._results[key] = []
        found = yield from self._compared(reader, writer, path, place)
        self._results[key] = found
        return found

    def _compared(  # noqa: PLR0911 one line for each pair of kinds
        self, reader: Type, writer: Type, path: str, place: str
    ) -> Steps[list[Result]]:
        match reader, writer:
            case Record(), Record():
                return (yield from self._records(reader, writer, path, place))
            case Union(), Union():
                return (yield from self._unions(reader, writer, path, place))
            case Enum(), Enum():
                return [*_names(reader, writer, path, place), *_symbols(reader, writer, path, place)]
            case Fixed(), Fixed():
                return [*_names(reader, writer, path, place), *_sizes(reader, writer, path, place)]
            case Array(), Array():
                return (yield self.pair(reader.items, writer.items, f"{path}/items", f"{place}[]"))
            case Map(), Map():
                return (yield self.pair(reader.values, writer.values, f"{path}/values", f"{place}{{}}"))
            case _, Union():
                return (yield from self._each_branch(reader, writer, path, place))
            case Union(), _:
                return (yield from self._some_branch(reader, writer, path, place))
            case _ if writer.kind in READS[reader.kind]:
                return []
            case _:
                info = f"reader type: {_word(reader)} not compatible with writer type: {_word(writer)}"
                return [Found(Clash.TYPE, path, place, reader, writer, info)]

    def _records(self, reader: Record, writer: Record, path: str, place: str) -> Steps[list[Result]]:
        found = _names(reader, writer, path, place)
        place = place or reader.name
        for index, field in enumerate(reader.fields):
            written = writer.by_name.get(field.name)
            if "aliases" in field.raw:
                written = _written(field, writer, f"{path}/fields/{index}", f"{place}.{field.name}")
            if written is None:
                if not field.has_default:
                    found.append((yield self._unfilled(index, field, reader, writer, path, place)))
            elif written.type.kind not in READS[field.type.kind]:
                at = f"{path}/fields/{index}/type"
                if clashing := (yield self.pair(field.type, written.type, at, f"{place}.{field.name}")):
                    found.append(clashing)
        return found

    def _unfilled(
        self, index: int, field: Field, reader: Record, writer: Record, path: str, place: str
    ) -> Steps[list[Result]]:
        at, place = f"{path}/fields/{index}", f"{place}.{field.name}"
        # Java compares an enum that has a default with the whole record: never a match, another word.
        if isinstance(field.type, Enum) and field.type.default is not None:
            return (yield self.pair(field.type, writer, f"{at}/type", place))
        return [Found(Clash.DEFAULT, at, place, reader, writer, field.name)]

    def _unions(self, reader: Union, writer: Union, path: str, place: str) -> Steps[list[Result]]:
        found: list[Result] = []
        for index, branch in enumerate(writer.branches):
            if any(branch.kind in READS[mine.kind] for mine in reader.branches):
                continue
            if (yield self.pair(reader, branch, "", "")):
                found.append(_unread(f"{path}/{index}", place, reader, branch))
        return found

    def _each_branch(self, reader: Type, writer: Union, path: str, place: str) -> Steps[list[Result]]:
        found: list[Result] = []
        for index, branch in enumerate(writer.branches):
            if clashing := (yield self.pair(reader, branch, f"{path}/{index}", place)):
                found.append(clashing)
        return found

    def _some_branch(self, reader: Union, writer: Type, path: str, place: str) -> Steps[list[Result]]:
        for branch in reader.branches:
            if not (yield self.pair(branch, writer, "", "")):
                return []
        return [_unread(path, place, reader, writer)]


def _unread(path: str, place: str, reader: Union, writer: Type) -> Found:
    return Found(Clash.BRANCH, path, place, reader, writer, f"reader union lacking writer type: {_word(writer)}")


def _word(type_: Type) -> str:
    return type_.kind.value.upper()


def _names(reader: Record | Enum | Fixed, writer: Record | Enum | Fixed, path: str, place: str) -> list[Result]:
    """Names match without their namespaces, or through an alias of the reader with it."""
    if reader.name == writer.name or writer.full_name in reader.aliases:
        return []
    return [Found(Clash.NAME, f"{path}/name", place, reader, writer, f"expected: {writer.full_name}")]


def _symbols(reader: Enum, writer: Enum, path: str, place: str) -> list[Result]:
    unknown = sorted(set(writer.symbols) - set(reader.symbols))
    if reader.default is not None or not unknown:
        return []
    return [Found(Clash.SYMBOLS, f"{path}/symbols", place, reader, writer, f"[{', '.join(unknown)}]")]


def _sizes(reader: Fixed, writer: Fixed, path: str, place: str) -> list[Result]:
    if reader.size == writer.size:
        return []
    info = f"expected: {writer.size}, found: {reader.size}"
    return [Found(Clash.SIZE, f"{path}/size", place, reader, writer, info)]


def _written(field: Field, writer: Record, path: str, place: str) -> Field | None:
    """The writer's field under the reader's name or one of its aliases; two of them are one too many."""
    names = [field.name, *field.aliases]
    written = [writer.by_name[name] for name in names if name in writer.by_name]
    if len(written) > 1:
        raise _AmbiguousError(Found(Clash.FAILURE, path, place, field.type, writer))
    return written[0] if written else None
