"""A schema written out: as a text, or with everything that belongs to it; into the reply or into the export folder."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from anyio import to_thread

from schema_mcp.domain.errors import StoreError
from schema_mcp.domain.layout import subject_folder
from schema_mcp.domain.naming import shown_context
from schema_mcp.domain.schema import SchemaType, Version

Format = Literal["raw", "json"]

_SUFFIXES = {SchemaType.AVRO: "avsc", SchemaType.JSON: "json", SchemaType.PROTOBUF: "proto"}


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: its text, and the file where one was asked for."""

    text: str
    name: str
    digest: str
    path: Path | None = None


def written(version: Version, form: Format) -> Exported:
    """A version in the wanted form."""
    suffix = _SUFFIXES[version.schema.type] if form == "raw" else "export.json"
    text = version.schema.text if form == "raw" else json.dumps(_whole(version), indent=2, ensure_ascii=False) + "\n"
    name = f"{subject_folder(version.subject.name)}-v{version.number}.{suffix}"
    return exported(name, text)


def exported(name: str, text: str) -> Exported:
    """A text under its file name."""
    return Exported(text, name, hashlib.sha256(text.encode()).hexdigest())


async def into_folder(exported: Exported, folder: Path) -> Exported:
    """Write an export below the export folder; nothing else is ever written to."""
    path = folder / exported.name
    try:
        await to_thread.run_sync(_write, path, exported.text)
    except OSError as error:
        raise StoreError(
            f"The export could not be written to {path.name}: {error.strerror}",
            hint="Look at the export folder: room, and the right to write; --exports names another one.",
        ) from error
    return Exported(exported.text, exported.name, exported.digest, path)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".part")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


def _whole(version: Version) -> dict[str, Any]:
    """A version with what a registry keeps beside its text; camelCase, as in files."""
    schema = version.schema
    told: dict[str, Any] = {
        "subject": version.subject.name,
        "context": shown_context(version.subject.context),
        "version": version.number,
        "schemaId": version.id,
        "schemaType": schema.type,
        "references": [{"name": r.name, "subject": r.subject, "version": r.version} for r in schema.references],
        "metadata": schema.metadata,
        "ruleSet": schema.rule_set,
        "schema": schema.text,
    }
    return {name: value for name, value in told.items() if value not in (None, [])}
