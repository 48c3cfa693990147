"""Results for people: the answer first, lists of things as tables, texts as they are."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any, cast

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from schema_mcp.domain.untrusted import spelled_out
from schema_mcp.toolkit.tool import Shape

_WIDTH_OF_A_PIPE = 160
_LONG = 100


def show(result: Shape, *, as_json: bool) -> None:
    """Print a result: as the tool gave it for machines, laid out for people."""
    content = result.model_dump(mode="json", exclude_none=True, by_alias=True)
    if as_json:
        click.echo(spelled_out(json.dumps(content, ensure_ascii=False)))  # to a reader of JSON it is the same
        return
    terminal = sys.stdout.isatty()
    console = Console(file=sys.stdout, width=None if terminal else _WIDTH_OF_A_PIPE, markup=False, highlight=False)
    lay_out(content, console)


def lay_out(content: Mapping[str, Any], console: Console, indent: str = "") -> None:
    """Short values first, one a line; then what is longer, each under its name."""
    content = {name: value for name, value in content.items() if value != ""}
    short = {name: value for name, value in content.items() if _is_short(value)}
    for name, value in short.items():
        console.print(_plain(f"{indent}{_title(name)}: {_short(value)}"))
    for name, value in content.items():
        if name not in short:
            console.print(_plain(f"{indent}{_title(name)}:"))
            _lay_out_long(value, console, indent + "  ")


def _lay_out_long(value: Any, console: Console, indent: str) -> None:
    match value:
        case dict():
            lay_out(cast(Mapping[str, Any], value), console, indent)
        case list() if all(isinstance(one, dict) for one in cast(list[Any], value)):
            console.print(_table(cast(list[Mapping[str, Any]], value)))
        case list():
            for one in cast(list[Any], value):
                console.print(_plain(f"{indent}{_short(one)}"))
        case _:
            console.print(_plain(str(value)), soft_wrap=True)


def _table(rows: Sequence[Mapping[str, Any]]) -> Table:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    table = Table(*map(_title, columns), box=box.SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(*(_plain(_short(row.get(name, ""))) for name in columns))
    return table


def _is_short(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= _LONG and "\n" not in value
    return not isinstance(value, (dict, list)) or not value


def _short(value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case str():
            return value
        case list() | dict() if not value:
            return "none"
        case dict():
            return ", ".join(f"{_title(name)} {_short(one)}" for name, one in cast(Mapping[str, Any], value).items())
        case list() if all(isinstance(one, (str, int)) for one in cast(list[Any], value)):
            return ", ".join(map(str, cast(list[Any], value)))
        case _:
            return json.dumps(value, ensure_ascii=False)


def _title(name: str) -> str:
    return name.replace("_", " ")


def _plain(text: str) -> Text:
    """A text that cannot command the terminal: what a registry holds was written by others."""
    return Text("".join(char if char.isprintable() or char in "\n\t" else "\N{REPLACEMENT CHARACTER}" for char in text))
