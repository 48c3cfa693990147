"""Parts of one document put into another: their references come along, and their keywords change with the edition."""

import re
from typing import Any, Final

from schema_mcp.domain.json_schema.drafts import Draft, known_draft
from schema_mcp.domain.json_schema.references import resolves, split
from schema_mcp.domain.json_schema.schema import JsonSchema
from schema_mcp.domain.json_schema.text import is_array, is_object
from schema_mcp.domain.json_schema.tree import parts, rebuilt
from schema_mcp.domain.json_schema.walk import everything, links

_LEFT_BEHIND: Final = frozenset({"$schema", "$id", "id", "$anchor", "definitions", "$defs"})
"""Keywords of a whole document that mean something else further in."""


def is_modern(schema: JsonSchema) -> bool:
    return known_draft(schema.document) is Draft.MODERN


_WORD: Final = re.compile(r"\w+")


class Transplant:
    """Takes parts of one document (and of those it refers to) for another one.

    With `keep`, references of the giving document stay as they are where the taking document has the same ones.
    """

    def __init__(self, giver: JsonSchema, taker: JsonSchema, *, keep: bool = True) -> None:
        self._links = links(giver.root)
        self._schemas = {id(schema.raw) for schema in everything(giver.root)}
        self._own = {id(part) for part in parts(taker.document)}
        self._kept = {id(part) for part in parts(giver.document)} if keep else set[int]()
        self._taker = taker.document
        self._given = taker.dependencies
        self._from_modern, self._to_modern = is_modern(giver), is_modern(taker)
        self._names: dict[int, str] = {}
        self._waiting: list[tuple[str, Any]] = []
        self.definitions: dict[str, Any] = {}

    @property
    def keyword(self) -> str:
        return "$defs" if self._to_modern else "definitions"

    def take(self, part: Any) -> Any:
        """A copy of a part that means the same in the taking document."""
        taken = rebuilt(part, self._change)
        self._take_targets()
        return _bare(taken)

    def whole(self) -> Any:
        """The taking document itself, with what it refers to elsewhere moved into its definitions."""
        document = rebuilt(self._taker, self._change)
        self._take_targets()
        return self.with_definitions(document)

    def with_definitions(self, document: Any) -> Any:
        """The document with the definitions that came along."""
        if not self.definitions:
            return document
        return {**document, self.keyword: {**document.get(self.keyword, {}), **self.definitions}}

    def _take_targets(self) -> None:
        while self._waiting:
            name, target = self._waiting.pop()
            self.definitions[name] = _bare(rebuilt(target, self._change))

    def _change(self, original: dict[str, Any], copy: dict[str, Any]) -> Any:
        target = self._links.get(id(original))
        if target is not None and not self._stays(original, target):
            copy["$ref"] = "/".join(("#", self.keyword, self._name(target, original["$ref"])))
        if self._from_modern is not self._to_modern and id(original) in self._schemas:
            return _modern(copy) if self._to_modern else _classic(copy)
        return copy

    def _stays(self, original: dict[str, Any], target: Any) -> bool:
        if id(target) in self._own:
            return True
        return id(original) in self._kept and self._has(original["$ref"])

    def _has(self, uri: str) -> bool:
        """Does the taking document know what a `$ref` names?"""
        place, pointer = split(uri)
        if place:
            return any(split(dependency.name)[0] == place for dependency in self._given)
        return resolves(self._taker, pointer)

    def _name(self, target: Any, uri: str) -> str:
        name = self._names.get(id(target))
        if name is None:
            taken = {*self._names.values(), *self._taker.get("definitions", ()), *self._taker.get("$defs", ())}
            word = _WORD.findall(uri.removesuffix(".json"))[-1:] or ["part"]
            numbered = (f"{word[0]}{number or ''}" for number in range(len(taken) + 1))
            name = next(name for name in numbered if name not in taken)
            self._names[id(target)] = name
            self._waiting.append((name, target))
        return name


def _bare(part: Any) -> Any:
    return {key: value for key, value in part.items() if key not in _LEFT_BEHIND} if is_object(part) else part


def _modern(schema: dict[str, Any]) -> dict[str, Any]:
    """Keywords of draft 7 and earlier in the words of 2020-12."""
    items, others = schema.get("items"), schema.pop("additionalItems", None)
    if is_array(items):
        schema["prefixItems"] = schema.pop("items")
        schema |= {} if others is None else {"items": others}
    dependencies: dict[str, Any] = schema.pop("dependencies", {})
    lists = {name: needed for name, needed in dependencies.items() if is_array(needed)}
    schemas = {name: inner for name, inner in dependencies.items() if name not in lists}
    return schema | _unless_empty("dependentRequired", lists) | _unless_empty("dependentSchemas", schemas)


def _classic(schema: dict[str, Any]) -> dict[str, Any]:
    """Keywords of 2020-12 in the words of draft 7, which knows no unevaluated ones."""
    if "prefixItems" in schema:
        others = {"additionalItems": schema["items"]} if "items" in schema else {}
        schema |= {"items": schema.pop("prefixItems"), **others}
    dependencies = schema.pop("dependentRequired", {}) | schema.pop("dependentSchemas", {})
    for keyword in ("unevaluatedItems", "unevaluatedProperties"):
        schema.pop(keyword, None)
    return schema | _unless_empty("dependencies", dependencies)


def _unless_empty(keyword: str, values: dict[str, Any]) -> dict[str, Any]:
    return {keyword: values} if values else {}
