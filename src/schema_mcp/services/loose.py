"""Plain files of schemas: which subjects they are, what they reference, and in which order they go.

A file is a subject by its name (`orders-value.avsc`), or a version of one (`orders-value-v2.avsc`); a folder laid out
as the store is read as that. What a text uses and does not define is looked for in the other files: Avro by the name of
the type, Protobuf by the path of the import, JSON Schema by `$id` or by path.
"""

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from schema_mcp.domain import layout
from schema_mcp.domain.drift import Snapshot
from schema_mcp.domain.engine import Whole, parse
from schema_mcp.domain.errors import InvalidRequestError, InvalidSchemaError
from schema_mcp.domain.identity import schema_hash
from schema_mcp.domain.json_schema.text import is_array, is_object
from schema_mcp.domain.naming import is_valid
from schema_mcp.domain.references import in_reference_order
from schema_mcp.domain.schema import Reference, Schema, SchemaType, Subject, Version
from schema_mcp.services.digests import kept, stand_ins

_TYPES: Final = {".avsc": SchemaType.AVRO, ".proto": SchemaType.PROTOBUF, ".json": SchemaType.JSON}
_NUMBERED: Final = re.compile(r"(.+)-v([1-9][0-9]{0,8})")
_LAYOUT: Final = 4
_BUILT_IN: Final = ("google/protobuf/", "google/type/", "confluent/")
_MOST_TOLD: Final = 20


@dataclass(frozen=True, slots=True)
class Loose:
    """One file that holds a schema. `turn` orders the versions of its subject; it is no version number yet."""

    path: str
    subject: Subject
    turn: int
    schema: Schema
    uses: Mapping[str, str] = field(default_factory=dict[str, str])
    """What it references, by the name its text has for it: the path of another file."""


@dataclass(frozen=True, slots=True)
class Folder:
    """The schemas among some files, what each references first; and the files that are none."""

    files: Sequence[Loose]
    ignored: Sequence[str]


def sorted_out(files: Mapping[str, bytes], context: str) -> Folder:
    """The schemas among some files.

    Raises `InvalidRequestError` that names every file that cannot be taken in, and why.
    """
    problems: list[str] = []
    found: list[Loose] = []
    for path in sorted(files):
        if posixpath.splitext(path)[1] in _TYPES and posixpath.basename(path) not in ("metadata.json", "subject.json"):
            try:
                found.append(_loose(path, files[path], context))
            except (InvalidSchemaError, InvalidRequestError, UnicodeDecodeError) as error:
                problems.append(f"{path}: {error}")
    problems += _doubled(found)
    if not problems:
        found = [replace(one, uses=_uses(one, found, problems)) for one in found]
    if problems or not found:
        raise InvalidRequestError(
            f"{len(problems)} files cannot be taken in; {problems[0]}" if problems else "There is no schema in it",
            hint="Mend or remove them; a schema file ends in .avsc, .proto or .json, and all it references is there.",
            details={"files": problems[:_MOST_TOLD]} if problems else {},
        )
    taken = {one.path for one in found}
    return Folder(_ordered(found), [path for path in files if path not in taken])


def numbered(folder: Folder, there: Snapshot) -> list[Version]:
    """The schemas as versions: what the target has already keeps its number, everything else gets the next one."""
    places: dict[str, Version] = {}
    last: dict[Subject, int] = {}
    for one in folder.files:
        references = [_reference(name, places[path]) for name, path in one.uses.items()]
        schema = kept(replace(one.schema, references=tuple(references)))
        subject, digest = one.subject, schema_hash(schema)
        known = [number for number, held in there.versions.get(subject, {}).items() if held.digest == digest]
        highest = max([*there.versions.get(subject, {}), *there.deleted.get(subject, {}), last.get(subject, 0), 0])
        number = known[-1] if known else highest + 1
        last[subject] = max(number, last.get(subject, 0))
        places[one.path] = Version(subject, number, len(places) + 1, schema)
    return list({(version.subject, version.number): version for version in places.values()}.values())


def _reference(name: str, version: Version) -> Reference:
    return Reference(name, version.subject.name, version.number)


def _loose(path: str, data: bytes, context: str) -> Loose:
    stem, suffix = posixpath.splitext(posixpath.basename(path))
    schema = Schema(data.decode("utf-8-sig"), _TYPES[suffix])
    parse(Whole(schema, stand_ins(schema)))
    place = layout.place_of("/".join(path.split("/")[-_LAYOUT:]))
    name, turn = (layout.name_in(place.subject), place.number) if place else _named(stem)
    subject = Subject(name or "", context)
    if not subject.name or not is_valid(subject):
        raise InvalidRequestError("its name is no subject's", hint="Rename it.")
    return Loose(path, subject, turn, schema)


def _named(stem: str) -> tuple[str | None, int]:
    numbered = _NUMBERED.fullmatch(stem)
    name, turn = (numbered[1], int(numbered[2])) if numbered else (stem, 0)
    return layout.name_in(name) or (None if layout.is_hash(name) else name), turn


def _doubled(found: Iterable[Loose]) -> Iterator[str]:
    first: dict[tuple[Subject, int], str] = {}
    for one in found:
        other = first.setdefault((one.subject, one.turn), one.path)
        if other != one.path:
            yield f"{one.path}: it is the same version of {one.subject.name} as {other}"


def _uses(one: Loose, found: Sequence[Loose], problems: list[str]) -> dict[str, str]:
    """The files behind what a text uses, by the names it has for them."""
    uses: dict[str, str] = {}
    for name in dict.fromkeys(_wanted(one)):
        others = [other for other in found if other.subject != one.subject and other.schema.type is one.schema.type]
        fitting = [other for other in others if _gives(other, name, one)]
        if not fitting:
            problems.append(f"{one.path}: it uses {name}, which no file here defines")
        elif len({other.subject for other in fitting}) > 1:
            problems.append(f"{one.path}: it uses {name}, which {fitting[0].path} and {fitting[1].path} both define")
        else:
            uses[name] = max(fitting, key=lambda other: other.turn).path
    return uses


def _wanted(one: Loose) -> Iterator[str]:
    match one.schema.type:
        case SchemaType.AVRO:
            yield from (dependency.name for dependency in stand_ins(one.schema))
        case SchemaType.PROTOBUF:
            file = parse(Whole(one.schema)).file
            every = (*file.imports, *file.public_imports, *file.weak_imports)
            yield from (path for path in every if not path.startswith(_BUILT_IN))
        case SchemaType.JSON:
            document = parse(Whole(one.schema)).document
            own = _id(document)
            yield from (ref for ref in _outer_refs(document) if ref != own)


def _gives(other: Loose, name: str, user: Loose) -> bool:
    match other.schema.type:
        case SchemaType.AVRO:
            return name in _defined(other.schema)
        case SchemaType.PROTOBUF:
            return f"/{other.path}".endswith(f"/{name}")
        case SchemaType.JSON:
            near = posixpath.normpath(posixpath.join(posixpath.dirname(user.path), name))
            return other.path == near or _id(parse(Whole(other.schema)).document) == name


def _defined(schema: Schema) -> set[str]:
    outside = stand_ins(schema)
    return set(parse(Whole(schema, outside)).known) - {one.name for one in outside}


def _outer_refs(document: Any) -> Iterator[str]:
    waiting = [document]
    while waiting:
        part = waiting.pop()
        if is_object(part):
            ref = part.get("$ref")
            if isinstance(ref, str) and not ref.startswith("#"):
                yield ref.partition("#")[0]
            waiting.extend(part.values())
        elif is_array(part):
            waiting.extend(part)


def _id(document: Any) -> str | None:
    said = document.get("$id", document.get("id")) if is_object(document) else None
    return said if isinstance(said, str) else None


def _ordered(found: Sequence[Loose]) -> list[Loose]:
    """What each references before it, and the versions of a subject in their turn."""
    places = {(one.subject, one.turn): one for one in found}
    by_path = {one.path: place for place, one in places.items()}
    order = in_reference_order(places, lambda place: [by_path[path] for path in places[place].uses.values()])
    return [places[place] for place in order]
