"""A tool's arguments as options: read from its shape, so that a tool needs no line of its own here."""

import sys
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import click
from pydantic.fields import FieldInfo

from schema_mcp.domain import once
from schema_mcp.toolkit.tool import Shape, Tool

_MARK = "argument_"
"""Keeps a tool's words apart from ours."""

_LONG_TEXTS = frozenset({"data", "payload", "bundle"})
_REFERENCE = "NAME=SUBJECT:VERSION"


def options_of(tool: Tool[Any, Any]) -> list[click.Parameter]:
    """One option for each argument of a tool."""
    return [_option(name, field) for name, field in tool.request.model_fields.items()]


def given(values: dict[str, Any]) -> dict[str, Any]:
    """The arguments that were given, without those that were left out."""
    said = {name.removeprefix(_MARK): value for name, value in values.items()}
    return {name: value for name, value in said.items() if value is not None and value != ()}


def _option(name: str, field: FieldInfo) -> click.Option:
    kinds = _kinds(field.annotation)
    several = any(get_origin(kind) in (list, tuple) for kind in kinds)
    items = [item for kind in kinds for item in get_args(kind) if item is not Ellipsis] if several else kinds
    flag = f"--{name.replace('_', '-')}"
    is_truth = kinds == [bool]
    return click.Option(
        [f"{flag}/--no-{flag[2:]}" if is_truth else flag, _MARK + name],
        type=None if is_truth else _type(name, items),
        multiple=several,
        required=field.is_required(),
        default=None,
        help=_help(field),
    )


def _kinds(annotation: Any) -> list[Any]:
    """The types an argument may have, `None` aside."""
    if get_origin(annotation) in (Union, UnionType):
        return [kind for kind in get_args(annotation) if kind is not NoneType]
    return [annotation]


def _type(name: str, kinds: list[Any]) -> click.ParamType[Any]:
    if choices := _choices(kinds):
        return click.Choice(choices, case_sensitive=False)
    if any(isinstance(kind, type) and issubclass(kind, Shape) for kind in kinds):
        return _Structure(_REFERENCE if "references" in name else "JSON")
    if any(kind is dict or get_origin(kind) is dict for kind in kinds):
        return _Structure("JSON")
    return _Text() if name.endswith("text") or name in _LONG_TEXTS else click.STRING


def _choices(kinds: list[Any]) -> list[str]:
    """The words of an argument that is one of few; numbers beside a word are no such argument."""
    words: list[str] = []
    for kind in kinds:
        if isinstance(kind, type) and issubclass(kind, Enum):
            words += [str(one.value) for one in kind]
        elif get_origin(kind) is Literal:
            words += [str(one) for one in get_args(kind)]
        else:
            return []
    return words


def _help(field: FieldInfo) -> str:
    said = " ".join((field.description or "").split())
    default: object = None if field.is_required() else field.get_default(call_default_factory=True)
    shown = default.value if isinstance(default, Enum) else default
    return said if shown in (None, (), [], False) else f"{said} Default: {shown}."


class _Text(click.ParamType[str]):
    """A text, `@file` for the content of a file, `-` for stdin."""

    name = "TEXT|@FILE|-"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "-":
            return sys.stdin.read()
        if not value.startswith("@"):
            return value
        try:
            return Path(value[1:]).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            self.fail(f"{value[1:]} cannot be read: {error}", param, ctx)


class _Structure(click.ParamType[Any]):
    """A JSON object; a reference may also be written `name=subject:version`."""

    def __init__(self, name: str) -> None:
        self.name = name

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        name, equals, subject = value.partition("=")
        subject, colon, version = subject.rpartition(":")
        if self.name == _REFERENCE and equals and colon and not value.startswith("{"):
            return {"name": name, "subject": subject, "version": version}
        try:
            return once.parsed(value)
        except ValueError as error:
            self.fail(f"{value[:80]!r} is not {self.name} ({error})", param, ctx)
