"""JSON schemas as small as they can be and still say everything: each byte is read by a model on every turn."""

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, cast

from schema_mcp.toolkit.tool import Shape

Node: TypeAlias = dict[str, Any]

_REF = "#/$defs/"
_SMALL = 100
"""A definition of so many bytes is written out where it is used; a larger one only where it is used once."""


_NOTHING: tuple[Any, ...] = ([], "", False)
"""Defaults that go without saying."""

_UNSEEN = frozenset({"title", "additionalProperties", "pattern", "minimum", "maximum", "exclusiveMinimum", "maxLength"})
"""What an argument goes without: what lies beyond a bound is refused with words that name the bound."""

_UNSAID = frozenset({"title", "description", "default", "additionalProperties", "examples", "required"})


def input_schema(shape: type[Shape]) -> Node:
    """What a caller may send: every argument described, unknown ones refused."""
    schema = _inlined(_each(shape.model_json_schema(), _input))
    for argument in schema.get("properties", {}).values():
        _quieten(argument.get("items", {}))
    return {"type": "object", "properties": {}, **schema, "additionalProperties": False}


def output_schema(shape: type[Shape]) -> Node:
    """What comes back: names and types alone; the words, and which of a few a value is, stand in the reference."""
    whole = shape.model_json_schema(mode="serialization")
    schema = _inlined(_each(whole, _output))
    return {"type": "object", "properties": {}, **schema, **_promised(whole)}


def _promised(node: Node) -> Node:
    """The fields that every reply has: those without a default, which is left out of a reply."""
    absent = {name for name, one in node.get("properties", {}).items() if "default" in one}
    required = [name for name in node.get("required", ()) if name not in absent]
    return {"required": required} if required else {}


def _quieten(item: Node) -> None:
    """What stands inside a list is said once, by the list's own description."""
    for field in item.get("properties", {}).values():
        field.pop("description", None)
        field.pop("default", None)


def _input(node: Node) -> Node:
    kept = {key: value for key, value in _present(node).items() if key not in _UNSEEN}
    if kept.get("default", True) in _NOTHING:
        del kept["default"]
    if "const" in kept or "enum" in kept:
        kept.pop("type", None)  # the values have it
    if "description" in kept:
        kept["description"] = " ".join(kept["description"].split())
    return kept


def _output(node: Node) -> Node:
    """Without words, and without what only a whole reply promises."""
    kept = {key: value for key, value in _present(node).items() if key not in _UNSAID}
    if "type" in kept:
        kept.pop("enum", None)
    return kept


def _may_be_null(node: Node) -> bool:
    return {"type": "null"} in node.get("anyOf", ())


def _present(node: Node) -> Node:
    """`X or null` as X: an argument that is not given, or a value that is not there, is simply absent."""
    if not _may_be_null(node):
        return node
    kinds = [kind for kind in node["anyOf"] if kind != {"type": "null"}]
    rest = {key: value for key, value in node.items() if key != "anyOf" and not (key == "default" and value is None)}
    return {**(kinds[0] if len(kinds) == 1 else {"anyOf": kinds}), **rest}


def _each(node: Any, change: Callable[[Node], Node]) -> Any:
    """Change every schema inside a schema, keeping apart the names of fields from the words of the language."""
    if isinstance(node, list):
        return [_each(one, change) for one in cast(list[Any], node)]
    if not isinstance(node, dict):
        return node
    changed = change(cast(Node, node))
    return {key: _within(key, value, change) for key, value in changed.items()}


def _within(key: str, value: Any, change: Callable[[Node], Node]) -> Any:
    if key in ("properties", "$defs"):
        return {name: _each(one, change) for name, one in value.items()}
    return value if key in ("enum", "const", "required", "default", "examples") else _each(value, change)


def _inlined(schema: Node) -> Node:
    """A schema with its small and single definitions written out, the descriptions of classes left out."""
    definitions: dict[str, Node] = {
        name: {key: value for key, value in one.items() if key != "description"}
        for name, one in schema.pop("$defs", {}).items()
    }
    schema.pop("description", None)  # the docstring of a class is for programmers
    text = json.dumps([schema, definitions])
    kept = {name for name, one in definitions.items() if _stays(name, one, text)}
    schema = _put_in(schema, definitions, kept)
    if kept:
        schema["$defs"] = {name: _put_in(definitions[name], definitions, kept) for name in sorted(kept)}
    return schema


def _stays(name: str, definition: Node, text: str) -> bool:
    own = json.dumps(definition)
    used = text.count(f'"{_REF}{name}"')
    return f'"{_REF}{name}"' in own or (used > 1 and len(own) > _SMALL)


def _put_in(node: Any, definitions: Mapping[str, Node], kept: set[str]) -> Any:
    if isinstance(node, list):
        return [_put_in(one, definitions, kept) for one in cast(list[Any], node)]
    if not isinstance(node, dict):
        return node
    content = cast(Node, node)
    name = str(content.get("$ref", "")).removeprefix(_REF)
    if name in definitions and name not in kept:
        beside = {key: value for key, value in content.items() if key != "$ref"}
        return _put_in({**definitions[name], **beside}, definitions, kept)
    return {key: _put_in(value, definitions, kept) for key, value in content.items()}
