"""JSON documents as trees: where a part stands, and the same document with that part changed. Nothing recurses."""

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from schema_mcp.domain.json_schema.text import Value, inner_values, is_array, is_object

Path: TypeAlias = tuple[str | int, ...]


def path_to(document: Value, part: Value) -> Path | None:
    """The keys that lead to this very part, or None where it is not in the document."""
    pending: list[tuple[Value, Path]] = [(document, ())]
    while pending:
        value, path = pending.pop()
        if value is part:
            return path
        pending += [(inner, (*path, key)) for key, inner in _entries(value)]
    return None


def parts(document: Value) -> Iterator[Value]:
    """Every object and array of a document, itself included."""
    pending = [document]
    while pending:
        value = pending.pop()
        yield value
        pending += inner_values(value)


def with_part(document: Value, path: Path, part: Value) -> Value:
    """The document with another part at a path; everything else is shared with it."""
    above = [document]
    for key in path:
        above.append(above[-1][key])
    for holder, key in zip(reversed(above[:-1]), reversed(path), strict=True):
        copy = holder.copy()
        copy[key] = part
        part = copy
    return part


def rebuilt(document: Value, change: Callable[[dict[str, Any], dict[str, Any]], Value]) -> Value:
    """The document with every object changed, inner ones first; `change` sees the old object and its copy."""
    made: dict[int, Value] = {}
    pending = [document]
    while pending:
        value = pending[-1]
        missing = [inner for inner in inner_values(value) if id(inner) not in made]
        if missing:
            pending += missing
            continue
        pending.pop()
        if is_object(value):
            made[id(value)] = change(value, {key: made.get(id(inner), inner) for key, inner in value.items()})
        elif is_array(value):
            made[id(value)] = [made.get(id(inner), inner) for inner in value]
    return made.get(id(document), document)


def _entries(value: Value) -> list[tuple[str | int, Value]]:
    entries = value.items() if is_object(value) else enumerate(value) if is_array(value) else ()
    return [(key, inner) for key, inner in entries if is_object(inner) or is_array(inner)]
