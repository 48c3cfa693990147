"""What is in a bundle: every version and setting of an export, each file with its SHA-256.

The names are those of the store's `metadata.json`. Reading takes nothing on trust: whatever is not as it is written
here is refused with its place. See decisions/0019.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeGuard

from schema_mcp.domain import once
from schema_mcp.domain.contracts import checked_metadata, checked_rule_set
from schema_mcp.domain.errors import InvalidRequestError
from schema_mcp.domain.layout import SCHEMA_FILES, version_path
from schema_mcp.domain.naming import GLOBAL_CONTEXT, is_valid, parse_context, shown_context
from schema_mcp.domain.schema import Json, Mode, Reference, Schema, SchemaType, Subject, Version

FILE: Final = "manifest.json"
SUMS: Final = "SHA256SUMS"
FORMAT: Final = "schema-mcp bundle"
KNOWN: Final = 1
"""The manifest version that this release writes, and the only one it reads."""

_FOLDER: Final = "schemas"
_LAST_NUMBER: Final = 2**31 - 1
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_HINT: Final = "Take the bundle as export_schemas wrote it, or export again."


@dataclass(frozen=True, slots=True)
class Setting:
    """What a scope has of its own: its configuration as the registry names it, and its mode."""

    scope: Subject
    config: Json | None = None
    mode: Mode | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """A version in a manifest: everything but its text, which has a file with a digest."""

    version: Version
    file: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """Where and when the export was made, and what it holds."""

    source: str
    created_at: str
    versions: Sequence[Listed]
    settings: Sequence[Setting]


def file_of(version: Version) -> str:
    """Where a version's text stands in a bundle; no two versions share a file, on any file system."""
    return f"{_FOLDER}/{version_path(version.subject, version.number)}/{SCHEMA_FILES[version.schema.type]}"


def written(manifest: Manifest) -> str:
    """The manifest as the bundle holds it."""
    told = {
        "format": FORMAT,
        "version": KNOWN,
        "source": manifest.source,
        "createdAt": manifest.created_at,
        "versions": [version_told(one.version) | {"file": one.file, "sha256": one.sha256} for one in manifest.versions],
        "settings": [_setting_told(one) for one in manifest.settings],
    }
    return json.dumps(told, indent=1, ensure_ascii=False) + "\n"


def version_told(version: Version) -> Json:
    """A version without its text, camelCase as in files."""
    schema = version.schema
    told: Json = {
        "subject": version.subject.name,
        "context": shown_context(version.subject.context),
        "version": version.number,
        "schemaId": version.id,
        "schemaType": schema.type.value,
        "references": [{"name": r.name, "subject": r.subject, "version": r.version} for r in schema.references] or None,
        "metadata": schema.metadata,
        "ruleSet": schema.rule_set,
        "deleted": version.deleted or None,
        "timestamp": version.timestamp,
    }
    return {name: value for name, value in told.items() if value is not None}


def _setting_told(one: Setting) -> Json:
    context = one.scope.context if one.scope.context == GLOBAL_CONTEXT else shown_context(one.scope.context)
    told = {"context": context, "subject": one.scope.name or None, "config": one.config, "mode": one.mode}
    return {name: value for name, value in told.items() if value is not None}


def read(text: str) -> Manifest:
    """The manifest in a text; raises `InvalidRequestError` where it is none that this release knows."""
    try:
        told: Any = once.parsed(text)
    except (ValueError, RecursionError) as error:
        raise _refusal("it is not JSON") from error
    if not _is_object(told) or told.get("format") != FORMAT:
        raise _refusal("it is not the manifest of a bundle")
    if told.get("version") != KNOWN:
        raise InvalidRequestError(
            f"The bundle is of version {str(told.get('version'))[:20]}, and this release reads version {KNOWN}",
            hint="Use the release that wrote it, or a newer one.",
        )
    versions = [_listed(one, f"versions[{place}]") for place, one in enumerate(_rows(told, "versions"))]
    settings = [_setting(one, f"settings[{place}]") for place, one in enumerate(_rows(told, "settings"))]
    _refuse_twice((str(one.version.subject), one.version.number) for one in versions)
    _refuse_twice(one.file for one in versions)
    _refuse_twice(one.scope for one in settings)
    return Manifest(_text(told, "source", "manifest"), _text(told, "createdAt", "manifest"), versions, settings)


def refuse_shared_ids(versions: Iterable[tuple[Version, str]]) -> None:
    """Raise `InvalidRequestError` where an id stands for two contents of a context; each version with its content."""
    known: dict[tuple[str, int], tuple[Version, str]] = {}
    for version, content in versions:
        first, other = known.setdefault((version.subject.context, version.id), (version, content))
        if other != content:
            raise _refusal(
                f"id {version.id} stands for two schemas, {first.subject} v{first.number} and {version.subject} "
                f"v{version.number}"
            )


def _listed(row: Any, place: str) -> Listed:
    if not _is_object(row):
        raise _refusal(f"{place} is no object")
    subject = Subject(_text(row, "subject", place), _context(row, place))
    if not subject.name or not is_valid(subject):
        raise _refusal(f"{place} has a subject that no registry takes")
    schema = Schema(
        "",
        _type(row, place),
        tuple(_reference(one, place) for one in _rows(row, "references")),
        checked_metadata(row.get("metadata")),
        checked_rule_set(row.get("ruleSet")),
    )
    version = Version(
        subject,
        _number(row, "version", place),
        _number(row, "schemaId", place),
        schema,
        deleted=_flag(row, "deleted", place),
        timestamp=_moment(row, place),
    )
    if row.get("file") != file_of(version):
        raise _refusal(f"{place} names the file {str(row.get('file'))[:200]!r}, and its place is {file_of(version)}")
    digest = _text(row, "sha256", place)
    if not _DIGEST.fullmatch(digest):
        raise _refusal(f"{place} has no SHA-256")
    return Listed(version, file_of(version), digest)


def _setting(row: Any, place: str) -> Setting:
    if not _is_object(row):
        raise _refusal(f"{place} is no object")
    config, mode = row.get("config"), row.get("mode")
    name = row.get("subject", "")
    if not (config is None or _is_object(config)) or not isinstance(name, str) or mode not in (None, *Mode):
        raise _refusal(f"{place} is no setting")
    scope = Subject(name, _context(row, place))
    return Setting(scope, config, Mode(mode) if mode else None)


def _context(row: Json, place: str) -> str:
    said = _text(row, "context", place)
    return said if said == GLOBAL_CONTEXT else parse_context(said)


def _type(row: Json, place: str) -> SchemaType:
    said = row.get("schemaType")
    if said not in set(SchemaType):
        raise _refusal(f"{place} has a schemaType that is none of {', '.join(SchemaType)}")
    return SchemaType(said)


def _reference(row: Any, place: str) -> Reference:
    if not _is_object(row):
        raise _refusal(f"{place} has a reference that is no object")
    number = row.get("version")
    if type(number) is not int or not -1 <= number <= _LAST_NUMBER:
        raise _refusal(f"{place} has a reference without a version")
    return Reference(_text(row, "name", place), _text(row, "subject", place), number)


def _number(row: Json, name: str, place: str) -> int:
    value = row.get(name)
    if type(value) is not int or not 1 <= value <= _LAST_NUMBER:
        raise _refusal(f"{place} has no {name} between 1 and {_LAST_NUMBER:,}")
    return value


def _moment(row: Json, place: str) -> int | None:
    value = row.get("timestamp")
    if value is not None and type(value) is not int:
        raise _refusal(f"{place} has a timestamp that is no number")
    return value


def _flag(row: Json, name: str, place: str) -> bool:
    value = row.get(name, False)
    if not isinstance(value, bool):
        raise _refusal(f"{place} has a {name} that is neither true nor false")
    return value


def _text(row: Json, name: str, place: str) -> str:
    value = row.get(name)
    if not isinstance(value, str):
        raise _refusal(f"{place} has no {name}")
    return value


def _rows(told: Mapping[str, Any], name: str) -> list[Any]:
    rows: Any = told.get(name, [])
    if not isinstance(rows, list):
        raise _refusal(f"{name} is no list")
    return rows  # pyright: ignore[reportUnknownVariableType]


def _refuse_twice(names: Iterable[object]) -> None:
    seen: set[object] = set()
    for name in names:
        if name in seen:
            raise _refusal(f"{name} stands there twice")
        seen.add(name)


def _refusal(what: str) -> InvalidRequestError:
    return InvalidRequestError(f"The bundle's manifest cannot be used: {what}", hint=_HINT)


def _is_object(value: Any) -> TypeGuard[Json]:
    return isinstance(value, dict)
