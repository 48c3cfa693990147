"""Members of a combined schema that say the same count once, so equal JSON has to be told from other JSON."""

from typing import Any

from schema_mcp.domain.json_schema.model import Schema
from schema_mcp.domain.json_schema.text import inner_values, is_array, is_object, scalar


class Prints:
    """Hashes of JSON values, whatever the order of keys; each value is walked once however often it is asked for."""

    def __init__(self) -> None:
        self._known: dict[int, int] = {}

    def distinct(self, members: list[Schema]) -> list[Schema]:
        """The members without later ones that are equal to earlier ones."""
        if len({_outline(member.raw) for member in members}) == len(members):
            return members
        first: dict[int, Schema] = {}
        for member in members:
            first.setdefault(self.of(member.raw), member)
        return list(first.values())

    def of(self, value: Any) -> int:
        """The same for equal JSON."""
        pending = [value] if is_object(value) or is_array(value) else []
        while pending:
            item = pending[-1]
            missing = [inner for inner in inner_values(item) if id(inner) not in self._known]
            if missing:
                pending += missing
            else:
                pending.pop()
                self._known[id(item)] = self._made(item)
        return self._made(value)

    def _made(self, item: Any) -> int:
        if is_object(item):
            return hash(frozenset([(key, self._of_inner(inner)) for key, inner in item.items()]))
        if is_array(item):
            return hash(("[", *map(self._of_inner, item)))
        return hash(scalar(item))

    def _of_inner(self, inner: Any) -> int:
        return self._known[id(inner)] if is_object(inner) or is_array(inner) else self._made(inner)


def _outline(raw: Any) -> tuple[int, str]:
    """What equal JSON has in common, seen at a glance."""
    if not is_object(raw):
        return -1, scalar(raw)
    kind = raw.get("type")
    return len(raw), kind if isinstance(kind, str) else ""
