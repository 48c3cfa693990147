"""A JSON Schema with all it refers to inside: what was in other texts stands under `$defs`, and `$ref` points there."""

from collections.abc import Sequence
from typing import Any, Final

from schema_mcp.domain.errors import InvalidSchemaError
from schema_mcp.domain.json_schema.drafts import Draft
from schema_mcp.domain.json_schema.references import Document, Library, Scope
from schema_mcp.domain.json_schema.text import is_array, is_object, write
from schema_mcp.domain.payloads import pointer
from schema_mcp.domain.schema import Dependency

_DATA: Final = frozenset({"enum", "const", "default", "examples"})
_MAPS: Final = frozenset(
    {"properties", "patternProperties", "definitions", "$defs", "dependentSchemas", "dependencies"}
)
_NAMES: Final = frozenset({"id", "$id", "$schema", "$anchor"})


def bundled(document: Any, dependencies: Sequence[Dependency]) -> str:
    """The one text; raises `InvalidSchemaError` where a reference leads nowhere."""
    try:
        return write(_Bundle(Library(document, dependencies)).root())
    except RecursionError:
        raise InvalidSchemaError("The schema nests too deep to be bundled") from None


class _Bundle:
    def __init__(self, library: Library) -> None:
        self._library = library
        self._root = library.root
        self._word = "$defs" if self._root.draft is Draft.MODERN else "definitions"
        self._taken: set[str] = set(self._root.raw.get(self._word, ())) if is_object(self._root.raw) else set()
        self._names: dict[int, str] = {}
        self._waiting: list[Document] = []
        self._pointers: dict[int, str] = {}
        self._seen: set[int] = set()

    def root(self) -> Any:
        made = self._copied(self._root.raw, self._root.scope)
        brought: dict[str, Any] = {}
        while self._waiting:
            document = self._waiting.pop(0)
            brought[self._names[id(document)]] = self._copied(document.raw, document.scope)
        if not brought:
            return made
        return {**made, self._word: {**made.get(self._word, {}), **brought}}

    def _copied(self, raw: Any, scope: Scope) -> Any:
        if is_array(raw):
            return [self._copied(one, scope.inner(one)) for one in raw]
        if not is_object(raw):
            return raw
        made: dict[str, Any] = {}
        for word, value in raw.items():
            if word in _NAMES and isinstance(value, str):
                if raw is self._root.raw:
                    made[word] = value
            elif word == "$ref" and isinstance(value, str):
                made |= self._reference(value, scope)
            elif word in _DATA:
                made[word] = value
            elif word in _MAPS and is_object(value):
                made[word] = {name: self._copied(one, scope.inner(one)) for name, one in value.items()}
            else:
                made[word] = self._copied(value, scope.inner(value))
        return made

    def _reference(self, uri: str, scope: Scope) -> dict[str, Any]:
        target = self._library.resolve(uri, scope)
        if not is_object(target.raw):
            return {"allOf": [target.raw]}  # true or false: there is nothing to point at
        return {"$ref": "#" + self._start(target.document) + self._place(target)}

    def _start(self, document: Document) -> str:
        """Where a document begins in the bundle."""
        if document is self._root:
            return ""
        if id(document) not in self._names:
            self._names[id(document)] = self._name(document)
            self._waiting.append(document)
        return pointer([self._word, self._names[id(document)]])

    def _name(self, document: Document) -> str:
        last = document.scope.base.split("#")[0].rstrip("/").rpartition("/")[2]
        plain = last.removesuffix(".json").removesuffix(".schema") or "schema"
        name, turn = plain, 2
        while name in self._taken:
            name, turn = f"{plain}{turn}", turn + 1
        self._taken.add(name)
        return name

    def _place(self, target: Scope) -> str:
        """Where a schema stands in its own document."""
        if id(target.document) not in self._seen:
            self._seen.add(id(target.document))
            self._note(target.document.raw)
        return self._pointers[id(target.raw)]

    def _note(self, document: Any) -> None:
        waiting: list[tuple[Any, tuple[str | int, ...]]] = [(document, ())]
        while waiting:
            raw, way = waiting.pop()
            if is_object(raw):
                self._pointers[id(raw)] = pointer(way)
                waiting += [(inner, (*way, name)) for name, inner in raw.items()]
            elif is_array(raw):
                waiting += [(inner, (*way, index)) for index, inner in enumerate(raw)]
