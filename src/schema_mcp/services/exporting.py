"""One version, or many, in the form that somebody needs."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from importlib import import_module
from typing import Any, Final, Literal, TypeAlias

from anyio import to_thread

from schema_mcp.domain import manifest
from schema_mcp.domain.engine import parse
from schema_mcp.domain.errors import InvalidRequestError, InvalidSchemaError
from schema_mcp.domain.layout import context_folder, subject_folder
from schema_mcp.domain.schema import Json, SchemaType, Version
from schema_mcp.services.export import Exported, exported
from schema_mcp.services.ground import Report, silent
from schema_mcp.services.holdings import Holding
from schema_mcp.services.packing import bundle, packed
from schema_mcp.services.resolution import Finder, whole

Form: TypeAlias = Literal["raw", "json", "jsonl", "avdl", "markdown", "html", "confluence", "arrow", "zip", "tar.gz"]

SUFFIXES: Final = {SchemaType.AVRO: "avsc", SchemaType.JSON: "json", SchemaType.PROTOBUF: "proto"}

_TOLD_EVERY: Final = 100

_PAGES: Final = {
    "markdown": ("markdown", "markdown", "md"),
    "html": ("markup", "html", "html"),
    "confluence": ("markup", "confluence", "confluence.xml"),
}
"""Module and function that write a page, and the ending of the file."""


async def export(holding: Holding, form: Form, now: datetime, report: Report = silent) -> Exported:
    """What is held, in a form; one version stands for itself, several go into one text or one archive.

    Reports subjects or versions, where it takes a while. Raises `InvalidRequestError` for a form that does not fit,
    `InvalidSchemaError` for what it cannot say.
    """
    if form in ("zip", "tar.gz"):
        return await to_thread.run_sync(_bundle, holding, form, now)
    if form in _PAGES:
        return await _page(holding, form, report)
    if form in _TEXTS:
        return await to_thread.run_sync(_text, holding, form)
    if len(holding.versions) == 1:
        return await _FILES[form](holding.finders, holding.versions[0])
    return await _archive(holding, form, report)


def named(holding: Holding) -> str:
    """What an export is called: its one version, its one subject, or where it was read."""
    subjects = {version.subject for version in holding.versions}
    if len(subjects) > 1:
        return holding.side.name.removeprefix("the ")
    name = subject_folder(next(iter(subjects)).name)
    return name if len(holding.versions) > 1 else f"{name}-v{holding.versions[0].number}"


def _bundle(holding: Holding, form: Literal["zip", "tar.gz"], now: datetime) -> Exported:
    data = bundle(holding.side.name, holding.versions, holding.settings, now, form)
    return Exported(f"{named(holding)}-{now:%Y%m%dT%H%M%SZ}.{form}", data)


async def _page(holding: Holding, form: str, report: Report) -> Exported:
    module, writer, ending = _PAGES[form]
    page = await import_module("schema_mcp.services.pages").page(holding, report)
    write = getattr(import_module(f"schema_mcp.domain.documents.{module}"), writer)
    return exported(f"{named(holding)}.{ending}", await to_thread.run_sync(write, page))


def _text(holding: Holding, form: str) -> Exported:
    return exported(f"{named(holding)}.{_ENDINGS[form]}", _TEXTS[form](holding))


def _json(holding: Holding) -> str:
    told: Json | list[Json] = [_told(one) for one in holding.versions]
    if len(holding.versions) == 1:
        told = _told(holding.versions[0])
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


def _json_lines(holding: Holding) -> str:
    return "".join(json.dumps(_told(one), ensure_ascii=False) + "\n" for one in holding.versions)


def _told(version: Version) -> Json:
    return manifest.version_told(version) | {"schema": version.schema.text}


async def _raw(finders: Sequence[Finder], version: Version) -> Exported:
    del finders
    return exported(_file_name(version, SUFFIXES[version.schema.type]), version.schema.text)


async def _idl(finders: Sequence[Finder], version: Version) -> Exported:
    parsed = await _parsed_avro(finders, version, "Avro IDL")
    written = import_module("schema_mcp.domain.avro.idl").idl
    text, notes = await to_thread.run_sync(written, parsed.root)
    return exported(_file_name(version, "avdl"), text, notes)


async def _arrow(finders: Sequence[Finder], version: Version) -> Exported:
    parsed = await _parsed_avro(finders, version, "An Arrow schema")
    written = import_module("schema_mcp.services.arrow").arrow_schema
    data, text = await to_thread.run_sync(written, parsed.root)
    return Exported(_file_name(version, "arrow"), data, text)


def _file_name(version: Version, ending: str) -> str:
    return f"{subject_folder(version.subject.name)}-v{version.number}.{ending}"


async def _parsed_avro(finders: Sequence[Finder], version: Version, what: str) -> Any:
    if version.schema.type is not SchemaType.AVRO:
        raise InvalidRequestError(
            f"{what} is made of Avro, and {version.subject} is {version.schema.type}", hint="Export it as raw."
        )
    complete = await whole(version.schema, version.subject, finders)
    return await to_thread.run_sync(parse, complete)


async def _archive(holding: Holding, form: str, report: Report) -> Exported:
    """A file for each version, in a zip; what the form cannot say is left out, and told."""
    files: dict[str, bytes] = {}
    notes: list[str] = []
    contexts = {version.subject.context for version in holding.versions}
    finders = holding.finders  # once: they know every version by its place
    for place, version in enumerate(holding.versions, start=1):
        if place % _TOLD_EVERY == 0:
            await report(place, len(holding.versions), f"{place:,} versions written")
        try:
            done = await _FILES[form](finders, version)
        except (InvalidRequestError, InvalidSchemaError) as error:
            notes.append(f"{version.subject} v{version.number} is left out: {error}")
            continue
        folder = f"{context_folder(version.subject.context)}/" if len(contexts) > 1 else ""
        files[folder + done.name] = done.data
        notes += done.notes
    if not files:
        raise InvalidRequestError(f"Nothing of it can be written as {form}: {notes[0]}", hint="Export it as raw.")
    data = await to_thread.run_sync(packed, files.items(), "zip")
    return Exported(f"{named(holding)}-{form}.zip", data, notes=tuple(notes))


_TEXTS: Final[Mapping[str, Callable[[Holding], str]]] = {"json": _json, "jsonl": _json_lines}
_ENDINGS: Final = {"json": "export.json", "jsonl": "export.jsonl"}
_FILES: Final[Mapping[str, Callable[[Sequence[Finder], Version], Awaitable[Exported]]]] = {
    "raw": _raw,
    "avdl": _idl,
    "arrow": _arrow,
}
