"""The reference pages, written from the declarations, so that they cannot say anything else than the code does."""

import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from schema_mcp.domain.errors import SchemaMcpError
from schema_mcp.registries.document import Key
from schema_mcp.toolkit.status import Status, status_of
from schema_mcp.toolkit.tool import Shape, Tool

_MADE = "<!-- Written by `make docs` from the code; change the code. -->\n"


class Documented(Protocol):
    """A setting, as far as its page tells of it."""

    @property
    def option(self) -> str: ...
    @property
    def variables(self) -> Sequence[str]: ...
    @property
    def default(self) -> str: ...
    @property
    def meaning(self) -> str: ...


def tools_page(tools: Iterable[Tool[Any, Any]]) -> str:
    """Every tool: what it does, who may call it, what goes in and what comes out."""
    known = list(tools)
    overview = _table(
        ("tool", "toolset", "scope", "effect", "what it does"),
        ((f"[`{one.name}`](#{one.name})", one.toolset, one.scope, one.effect, _line(one.summary)) for one in known),
    )
    intro = "Arguments are checked; an unknown one is refused. A tool marked *core* is shown by default.\n"
    return "\n".join([f"# Tools\n\n{_MADE}\n{intro}", overview, *map(_tool, known)])


def settings_page(
    settings: Iterable[Documented], keys: Iterable[Key], access: Iterable[Key], older: Iterable[tuple[str, str]]
) -> str:
    """Every setting: options, variables, and the keys of `registries.yaml` and `access.yaml`."""
    rows = (
        (
            f"`{one.option}`" if one.option else "",
            ", ".join(f"`{name}`" for name in one.variables),
            one.default,
            one.meaning,
        )
        for one in settings
    )
    parts = [
        f"# Settings\n\n{_MADE}\nAn option beats a variable, a variable the default, and read-only beats everything.\n",
        _table(("option", "variables", "default", "meaning"), rows),
        "## registries.yaml\n\n`${VAR}` and `${VAR:-default}` are variables, or what the file in `VAR_FILE` says.\n",
        _table(("key", "default", "meaning"), _keys(keys, "")),
        "## access.yaml\n\nWho may do what; variables are put in here, too. Keys that name several take a list.\n",
        _table(("key", "default", "meaning"), _keys(access, "")),
        "## Variables of older servers\n\nThey count where there is no `registries.yaml`.\n",
        _table(("variable", "meaning"), ((f"`{name}`", meaning) for name, meaning in older)),
        "## Exit statuses\n",
        _table(("status", "name"), ((str(one.value), one.name.lower()) for one in Status)),
    ]
    return "\n".join(parts)


def errors_page(root: type[SchemaMcpError] = SchemaMcpError) -> str:
    """Every error: its code, what it means, and the exit status it gives the command line."""
    rows = (
        (f"`{kind.code}`", _line(kind.__doc__ or ""), str(status_of(kind("")).value)) for kind in _descendants(root)
    )
    intro = "Every error has a `code` that does not change, a message that says what happened, and a `hint`.\n"
    return "\n".join([f"# Errors\n\n{_MADE}\n{intro}", _table(("code", "meaning", "exit status"), rows)])


def _tool(tool: Tool[Any, Any]) -> str:
    core = " · core" if tool.core else ""
    head = f"## {tool.name}\n\n{tool.summary}\n\nToolset {tool.toolset} · scope `{tool.scope}` · {tool.effect}{core}\n"
    return "\n".join([head, _fields("argument", tool.request), _fields("result", tool.result)])


def _fields(word: str, shape: type[Shape]) -> str:
    schema = shape.model_json_schema(mode="validation")
    if not schema.get("properties"):
        return f"No {word}s.\n"
    required: list[str] = schema.get("required", [])
    definitions: Mapping[str, Any] = schema.get("$defs", {})
    rows = [
        (f"`{name}`", _kind(one, definitions), _default(one, name in required), _line(one.get("description", "")))
        for name, one in schema["properties"].items()
    ]
    return _table((word, "type", "default", "meaning"), rows)


def _kind(node: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """A type in words."""
    match node:
        case {"$ref": str() as ref}:
            name = ref.rpartition("/")[2]
            return _kind(definitions[name], definitions) if "enum" in definitions[name] else name
        case {"anyOf": kinds}:
            return " or ".join(_kind(kind, definitions) for kind in kinds if kind != {"type": "null"})
        case {"enum": words}:
            return ", ".join(f"`{word}`" for word in words)
        case {"const": word}:
            return f"`{word}`"
        case {"type": "array", "items": item}:
            return f"list of {_kind(item, definitions)}"
        case _:
            return str(node.get("type", "anything"))


def _default(node: Mapping[str, Any], required: bool) -> str:
    value = None if required else node.get("default")
    return "" if value in (None, "", []) else f"`{value}`"


_NAMED = ("registries", "limits")
"""Keys below which everything stands under a registry's name."""


def _keys(keys: Iterable[Key], above: str) -> Iterator[tuple[str, str, str]]:
    for key in keys:
        yield f"`{above}{key.name}`", key.default, key.meaning
        yield from _keys(key.keys, f"{above}{key.name}." + ("NAME." if key.name in _NAMED else ""))


def _descendants(kind: type[SchemaMcpError]) -> Iterator[type[SchemaMcpError]]:
    for child in kind.__subclasses__():
        if child.__module__ == kind.__module__:  # a test may have made others
            yield child
            yield from _descendants(child)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def _line(text: str) -> str:
    return " ".join(inspect.cleandoc(text).split())
