"""Where a subject lives in the store: names to folders and back, so that no two subjects ever share a folder.

A folder has to survive every file system a clone may land on: ones that ignore case (Windows, macOS), ones that
normalise Unicode (macOS), ones with reserved names and forbidden last characters (Windows). Three forms do:

- a plain name stays as it is: `orders-value`;
- a name with capitals says which letters they are, because `Orders-Value` and `orders-value` may meet in one
  folder: `Orders-Value+81` (hexadecimal, bit 0 is the first character);
- any other name is a hash, and the name itself stands in the files below: `~` and 32 hexadecimal digits.
"""

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from schema_mcp.domain.naming import shown_context
from schema_mcp.domain.schema import DEFAULT_CONTEXT, SchemaType, Subject

SCHEMA_FILES: Final = {
    SchemaType.AVRO: "schema.avsc",
    SchemaType.PROTOBUF: "schema.proto",
    SchemaType.JSON: "schema.json",
}
METADATA_FILE: Final = "metadata.json"
SUBJECT_FILE: Final = "subject.json"
CONTEXT_FILE: Final = "context.json"
IDS_FILE: Final = "ids.json"
LONGEST_FOLDER: Final = 200
"""Characters; Windows and some encrypting file systems stop well before the usual 255."""

_DEFAULT_FOLDER: Final = "default"
_OUR_FILES: Final = frozenset({SUBJECT_FILE, CONTEXT_FILE, IDS_FILE, METADATA_FILE, "readme.md"})
# Windows opens these as devices, with any extension (Microsoft, "Naming Files, Paths, and Namespaces").
_DEVICES: Final = frozenset(
    {"con", "prn", "aux", "nul"} | {f"{port}{number}" for port in ("com", "lpt") for number in range(10)}
)
_PLAIN: Final = re.compile(r"[a-z0-9_]([a-z0-9._-]*[a-z0-9_-])?")
_MASKED: Final = re.compile(r"([A-Za-z0-9._-]+)\+([0-9a-f]+)")
_HASHED: Final = re.compile(r"~[0-9a-f]{32}")
_VERSION: Final = re.compile(r"v([1-9][0-9]{0,9})")


class Kind(StrEnum):
    """What a file of the store is about."""

    SCHEMA = "schema"
    METADATA = "metadata"
    SUBJECT = "subject"
    CONTEXT = "context"
    IDS = "ids"


@dataclass(frozen=True, slots=True)
class Place:
    """A file's place in the store: the folders it stands in, which may be hashes, and its version number."""

    kind: Kind
    context: str = ""
    subject: str = ""
    number: int = 0


def context_folder(context: str) -> str:
    """The folder of a context: `default` for `.`, `eu` for `.eu`."""
    if context == DEFAULT_CONTEXT:
        return _DEFAULT_FOLDER
    shown = shown_context(context)
    return _hashed(context) if shown in (context, _DEFAULT_FOLDER) else _folder(shown, context)


def subject_folder(name: str) -> str:
    """The folder of a subject inside its context's folder."""
    return _folder(name, name)


def context_in(folder: str) -> str | None:
    """The context a folder stands for, or None where the folder does not tell (a hash, or nothing of ours)."""
    if folder == _DEFAULT_FOLDER:
        return DEFAULT_CONTEXT
    name = _name_in(folder)
    return f".{name}" if name is not None and context_folder(f".{name}") == folder else None


def name_in(folder: str) -> str | None:
    """The subject a folder stands for, or None where the folder does not tell (a hash, or nothing of ours)."""
    name = _name_in(folder)
    return name if name is not None and subject_folder(name) == folder else None


def is_hash(folder: str) -> bool:
    """Does the name stand in the files below, because no file system holds it?"""
    return _HASHED.fullmatch(folder) is not None


def subject_path(subject: Subject) -> str:
    """A subject's folder, below the store's."""
    return f"{context_folder(subject.context)}/{subject_folder(subject.name)}"


def version_path(subject: Subject, number: int) -> str:
    """A version's folder, below the store's."""
    return f"{subject_path(subject)}/v{number}"


def place_of(path: str) -> Place | None:
    """What a path below the store's folder is, or None where nothing of ours has that path."""
    match path.split("/"):
        case [name] if name == IDS_FILE:
            return Place(Kind.IDS)
        case [context, name] if name == CONTEXT_FILE:
            return Place(Kind.CONTEXT, context)
        case [context, subject, name] if name == SUBJECT_FILE:
            return Place(Kind.SUBJECT, context, subject)
        case [context, subject, version, name] if number := _number_in(version):
            kind = _version_file(name)
            return Place(kind, context, subject, number) if kind else None
        case _:
            return None


def _folder(name: str, whole: str) -> str:
    """The folder for a name; `whole` is what is hashed where the name cannot be one."""
    lower = name.lower()
    folder = name if name == lower else f"{name}+{_capitals(name):x}"
    # Only ASCII: some other letters turn into ASCII ones when lowered (the Kelvin sign becomes `k`).
    plain = name.isascii() and _PLAIN.fullmatch(lower) is not None and len(folder) <= LONGEST_FOLDER
    taken = lower in _OUR_FILES or lower.partition(".")[0] in _DEVICES
    return folder if plain and not taken else _hashed(whole)


def _capitals(name: str) -> int:
    return sum(1 << position for position, letter in enumerate(name) if "A" <= letter <= "Z")


def _hashed(name: str) -> str:
    return "~" + hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _name_in(folder: str) -> str | None:
    masked = _MASKED.fullmatch(folder)
    return masked[1] if masked else folder if _PLAIN.fullmatch(folder) else None


def _number_in(folder: str) -> int:
    found = _VERSION.fullmatch(folder)
    return int(found[1]) if found else 0


def _version_file(name: str) -> Kind | None:
    if name == METADATA_FILE:
        return Kind.METADATA
    return Kind.SCHEMA if name in SCHEMA_FILES.values() else None
