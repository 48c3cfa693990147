"""Can a reader's schema read what a writer's schema wrote? Avro 1.12, "Schema Resolution", as Java checks it.

Java keeps the result of a pair of types by identity, with the place where it was first met, and starts a new
path inside a union. Both show in the paths that a registry reports, so both are kept here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from schema_mcp.domain.avro.glance import READS, fits_plainly, is_flat
from schema_mcp.domain.avro.model import (
    Array,
    Enum,
    Field,
    Fixed,
    Kind,
    Map,
    Named,
    Primitive,
    Record,
    Slot,
    Type,
    Union,
)
from schema_mcp.domain.avro.stackless import Steps, run
from schema_mcp.domain.errors import InvalidSchemaError

MAX_CLASHES = 10_000
"""A type used twice reports its clashes twice; nested that doubles at each level, so the list is cut here."""

MAX_LOOKS = 250_000
"""Fields and union branches one comparison looks at before it is refused."""

MANY_BRANCHES = 100
"""Up to here every branch of a union is compared with every other, as Java does."""


class Clash(StrEnum):
    """The registry's words for what does not fit."""

    NAME = "NAME_MISMATCH"
    SIZE = "FIXED_SIZE_MISMATCH"
    SYMBOLS = "MISSING_ENUM_SYMBOLS"
    DEFAULT = "READER_FIELD_MISSING_DEFAULT_VALUE"
    TYPE = "TYPE_MISMATCH"
    BRANCH = "MISSING_UNION_BRANCH"
    FAILURE = "UNEXPECTED_EXCEPTION"


class Spot(NamedTuple):
    """Where a comparison stands: for the registry, for people, and on either side for who wants to mend it."""

    path: str = ""
    place: str = ""
    read: Slot = Slot()
    written: Slot = Slot()
    unfilled: bool = False
    """Is it about a reader's field that the writer does not have?"""

    def field(self, index: int, read: Field, written: Field) -> "Spot":
        path, place = f"{self.path}/fields/{index}/type", f"{self.place}.{read.name}"
        return Spot(path, place, Slot(read), Slot(written))

    def at(self, step: str, place: str = "") -> "Spot":
        return self._replace(path=f"{self.path}/{step}", place=self.place + place)

    def apart(self) -> "Spot":
        """Inside a union the registry's paths begin anew."""
        return self._replace(path="")


@dataclass(frozen=True, slots=True)
class Found:
    """One clash between a part of the reader's schema and a part of the writer's."""

    clash: Clash
    spot: Spot
    reader: Type
    writer: Type
    info: str = ""
    """What Confluent calls additionalInfo, in Java's words."""


Shape: TypeAlias = tuple[object, ...]

Result: TypeAlias = "Found | list[Result]"
"""Clashes with the lists they came in: a list is shared by everybody who met the same pair."""


def clashes(reader: Type, writer: Type, spot: Spot | None = None) -> list[Found]:
    """Everything that keeps `reader` from reading what `writer` wrote, in the registry's order."""
    if writer.kind in READS[reader.kind]:
        return []
    try:
        return _flat(run(_Comparison().pair(reader, writer, spot or Spot())))
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
        super().__init__(found.spot.place)
        self.found = found


class _Comparison:
    def __init__(self) -> None:
        self._results: dict[tuple[int, int], list[Result]] = {}
        self._skimmed: dict[tuple[int, int], tuple[Spot, dict[int, list[Result]]]] = {}
        self._indexes: dict[int, dict[str, list[tuple[int, Type]]]] = {}
        self._shared: dict[int, frozenset[str]] = {}
        self._shapes: dict[int, Shape] = {}
        self._misfits: set[tuple[Shape, Shape]] = set()
        self._looks = 0

    def pair(self, reader: Type, writer: Type, spot: Spot) -> Steps[list[Result]]:
        """What clashes between two types; a pair being compared already counts as fitting."""
        key = (id(reader), id(writer))
        known = self._results.get(key)
        if known is not None:
            return known
        self._results[key] = []
        found = yield from self._compared(reader, writer, spot)
        self._results[key] = found
        return found

    def _compared(  # noqa: PLR0911 one line for each pair of kinds
        self, reader: Type, writer: Type, spot: Spot
    ) -> Steps[list[Result]]:
        match reader, writer:
            case Record(), Record():
                return (yield from self._records(reader, writer, spot))
            case Union(), Union():
                return (yield from self._unions(reader, writer, spot))
            case Enum(), Enum():
                return [*_names(reader, writer, spot), *_symbols(reader, writer, spot)]
            case Fixed(), Fixed():
                return [*_names(reader, writer, spot), *_sizes(reader, writer, spot)]
            case Array(), Array():
                inner = spot.at("items", "[]")._replace(read=Slot(reader), written=Slot(writer))
                return (yield self.pair(reader.items, writer.items, inner))
            case Map(), Map():
                inner = spot.at("values", "{}")._replace(read=Slot(reader), written=Slot(writer))
                return (yield self.pair(reader.values, writer.values, inner))
            case _, Union():
                return (yield from self._each_branch(reader, writer, spot))
            case Union(), _:
                return (yield from self._some_branch(reader, writer, spot))
            case _ if writer.kind in READS[reader.kind]:
                return []
            case _:
                return _different(reader, writer, spot)

    def _records(self, reader: Record, writer: Record, spot: Spot) -> Steps[list[Result]]:
        spot, known = self._skimmed.pop((id(reader), id(writer)), (spot, {}))
        found = _names(reader, writer, spot)
        found += yield from self._fields(reader, writer, spot, list(enumerate(reader.fields)), known)
        return found

    def _fields(
        self,
        reader: Record,
        writer: Record,
        spot: Spot,
        fields: Sequence[tuple[int, Field]],
        known: Mapping[int, list[Result]],
    ) -> Steps[list[Result]]:
        self._look(len(fields))
        found: list[Result] = []
        if not spot.place:
            spot = spot._replace(place=reader.name)
        for index, field in fields:
            if index in known:
                found += known[index]
                continue
            written = writer.by_name.get(field.name)
            if "aliases" in field.raw:
                written = _written(index, field, writer, spot)
            if written is None:
                if not field.has_default:
                    found.append((yield self._unfilled(index, field, reader, writer, spot)))
            elif fits_plainly(field.type, written.type):
                continue
            elif isinstance(field.type, Primitive) and isinstance(written.type, Primitive):
                found += _different(field.type, written.type, spot.field(index, field, written))
            elif clashing := (yield self.pair(field.type, written.type, spot.field(index, field, written))):
                found.append(clashing)
        return found

    def _unfilled(self, index: int, field: Field, reader: Record, writer: Record, spot: Spot) -> Steps[list[Result]]:
        spot = Spot(f"{spot.path}/fields/{index}", f"{spot.place}.{field.name}", Slot(field), spot.written, True)
        # Java compares an enum that has a default with the whole record: never a match, another word.
        if isinstance(field.type, Enum) and field.type.default is not None:
            return (yield self.pair(field.type, writer, spot.at("type")))
        return [Found(Clash.DEFAULT, spot, reader, writer, field.name)]

    def _unions(self, reader: Union, writer: Union, spot: Spot) -> Steps[list[Result]]:
        found: list[Result] = []
        for index, branch in enumerate(writer.branches):
            inner = _in_branch(spot, index, writer)
            if not fits_plainly(reader, branch) and (yield self.pair(reader, branch, inner.apart())):
                found.append(_unread(reader, branch, inner))
        return found

    def _each_branch(self, reader: Type, writer: Union, spot: Spot) -> Steps[list[Result]]:
        found: list[Result] = []
        for index, branch in enumerate(writer.branches):
            if clashing := (yield self.pair(reader, branch, _in_branch(spot, index, writer))):
                found.append(clashing)
        return found

    def _some_branch(self, reader: Union, writer: Type, spot: Spot) -> Steps[list[Result]]:
        candidates = self._candidates(reader, writer)
        self._look(len(candidates))
        for index, branch in candidates:
            if fits_plainly(branch, writer):
                return []
            if isinstance(branch, Primitive) and isinstance(writer, Primitive):
                continue
            inner = spot.apart()._replace(read=Slot(reader, index, spot.read))
            if isinstance(branch, Record) and isinstance(writer, Record):
                if self._surely_clash(branch, writer):
                    yield self._skim(branch, writer, inner)
                    continue
                if (yield self.pair(branch, writer, inner)):
                    self._misfits.add((self._shape(branch), self._shape(writer)))
                    continue
                return []
            if not (yield self.pair(branch, writer, inner)):
                return []
        return [_unread(reader, writer, spot)]

    def _surely_clash(self, reader: Record, writer: Record) -> bool:
        """Records of two names, or of two shapes that did not fit, not looked at yet.

        A pair being compared counts as fitting.
        """
        if (id(reader), id(writer)) in self._results:
            return False
        return bool(_names(reader, writer, Spot())) or (self._shape(reader), self._shape(writer)) in self._misfits

    def _shape(self, record: Record) -> Shape:
        """What decides whether a record fits another of its name; a record with more inside has a shape of its own."""
        shape = self._shapes.get(id(record))
        if shape is None:
            flat = all(map(is_flat, record.fields))
            shape = tuple((one.name, _kinds(one), one.has_default) for one in record.fields) if flat else (id(record),)
            self._shapes[id(record)] = shape
        return shape

    def _skim(self, reader: Record, writer: Record, spot: Spot) -> Steps[None]:
        """Records of other names do not fit, whatever their fields: the rest waits until somebody asks for it.

        What is inside and may be met from elsewhere is compared now, since Java reports it from here.
        """
        self._look(1)
        key = (id(reader), id(writer))
        if key in self._skimmed:
            return
        known: dict[int, list[Result]] = {}
        self._results[key] = []
        if shared := self._shared_fields(reader) | self._shared_fields(writer):
            for index, field in enumerate(reader.fields):
                if field.name in shared:
                    known[index] = yield self._fields(reader, writer, spot, [(index, field)], {})
        del self._results[key]
        self._skimmed[key] = (spot, known)

    def _shared_fields(self, record: Record) -> frozenset[str]:
        names = self._shared.get(id(record))
        if names is None:
            names = self._shared[id(record)] = frozenset(one.name for one in record.fields if not is_flat(one))
        return names

    def _look(self, times: int) -> None:
        self._looks += times
        if self._looks > MAX_LOOKS:
            raise InvalidSchemaError(
                f"Comparing these schemas takes more than {MAX_LOOKS:,} steps",
                hint="Use fewer union branches of the same name, or fewer fields in each.",
            )

    def _candidates(self, union: Union, writer: Type) -> Sequence[tuple[int, Type]]:
        """The branches worth a look: all of a few, as in Java; of very many those of the writer's name or kind."""
        if len(union.branches) <= MANY_BRANCHES:
            return list(enumerate(union.branches))
        index = self._indexes.get(id(union))
        if index is None:
            index = self._indexes[id(union)] = _indexed(union)
        if isinstance(writer, Record | Enum | Fixed):
            return [*index.get(writer.name, ()), *index.get(f"={writer.full_name}", ())]
        return index.get("", ())


def _indexed(union: Union) -> dict[str, list[tuple[int, Type]]]:
    """Branches by name, by alias (`=` before it), and those without a name under nothing."""
    index: dict[str, list[tuple[int, Type]]] = {}
    for place, branch in enumerate(union.branches):
        keys = [""]
        if isinstance(branch, Record | Enum | Fixed):
            keys = [branch.name, *(f"={alias}" for alias in branch.aliases)]
        for key in keys:
            index.setdefault(key, []).append((place, branch))
    return index


def _kinds(field: Field) -> tuple[Kind, ...]:
    """The kinds of a flat field; a union of one is not that one alone."""
    return (
        (Kind.UNION, *(one.kind for one in field.type.branches))
        if isinstance(field.type, Union)
        else (field.type.kind,)
    )


def _in_branch(spot: Spot, index: int, writer: Union) -> Spot:
    return spot.at(str(index))._replace(written=Slot(writer, index, spot.written))


def _unread(reader: Union, writer: Type, spot: Spot) -> Found:
    return Found(Clash.BRANCH, spot, reader, writer, f"reader union lacking writer type: {_word(writer)}")


def _different(reader: Type, writer: Type, spot: Spot) -> list[Result]:
    info = f"reader type: {_word(reader)} not compatible with writer type: {_word(writer)}"
    return [Found(Clash.TYPE, spot, reader, writer, info)]


def _word(type_: Type) -> str:
    return type_.kind.value.upper()


def _names(reader: Named, writer: Named, spot: Spot) -> list[Result]:
    """Names match without their namespaces, or through an alias of the reader with it."""
    if reader.name == writer.name or writer.full_name in reader.aliases:
        return []
    return [Found(Clash.NAME, spot.at("name"), reader, writer, f"expected: {writer.full_name}")]


def _symbols(reader: Enum, writer: Enum, spot: Spot) -> list[Result]:
    unknown = sorted(set(writer.symbols) - set(reader.symbols))
    if reader.default is not None or not unknown:
        return []
    return [Found(Clash.SYMBOLS, spot.at("symbols"), reader, writer, f"[{', '.join(unknown)}]")]


def _sizes(reader: Fixed, writer: Fixed, spot: Spot) -> list[Result]:
    if reader.size == writer.size:
        return []
    info = f"expected: {writer.size}, found: {reader.size}"
    return [Found(Clash.SIZE, spot.at("size"), reader, writer, info)]


def _written(index: int, field: Field, writer: Record, spot: Spot) -> Field | None:
    """The writer's field under the reader's name or one of its aliases; two of them are one too many."""
    names = [field.name, *field.aliases]
    written = [writer.by_name[name] for name in names if name in writer.by_name]
    if len(written) > 1:
        spot = Spot(f"{spot.path}/fields/{index}", f"{spot.place}.{field.name}", Slot(field), spot.written)
        raise _AmbiguousError(Found(Clash.FAILURE, spot, field.type, writer))
    return written[0] if written else None
