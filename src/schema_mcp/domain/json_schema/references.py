"""Where a `$ref` leads: documents by URI, parts of them by pointer, `$id` or anchor. Nothing is ever fetched."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote, urljoin, urlsplit

from schema_mcp.domain.errors import InvalidSchemaError
from schema_mcp.domain.json_schema.drafts import Draft, known_draft
from schema_mcp.domain.json_schema.text import is_array, is_object, read
from schema_mcp.domain.schema import Dependency

# RFC 2396 as java.net.URI checks it: these characters must be escaped, and an escape has two hex digits.
_BAD_URI: Final = re.compile(r'[\x00-\x20\x7f"<>\\^`{|}]|%(?![0-9a-fA-F]{2})|^:|#.*#')
_DATA: Final = frozenset({"enum", "const", "default", "examples"})


class Document:
    """One text, the URI it is known by, and the edition it is read in."""

    def __init__(self, raw: Any, uri: str, draft: Draft) -> None:
        self.raw = raw
        self.draft = draft
        self.scope = Scope(raw, self, uri).inner(raw)
        self.place, _ = split(self.scope.base)
        self.named: dict[str, Scope] = {}
        """Its schemas that have an `$id` or anchor, by their full URI; filled when first asked for."""


@dataclass(frozen=True, slots=True, eq=False)
class Scope:
    """A schema, the document it stands in, and the URI that its references start from."""

    raw: Any
    document: Document
    base: str

    def inner(self, raw: Any) -> "Scope":
        """The scope of a schema further in; an `$id` of its own moves the base."""
        name = raw.get(self.document.draft.id_keyword) if is_object(raw) else None
        return Scope(raw, self.document, join(self.base, name) if isinstance(name, str) else self.base)


def split(uri: str) -> tuple[str, str]:
    """A URI without its fragment, and the fragment."""
    place, _, fragment = uri.partition("#")
    return place, fragment


def join(base: str, uri: str) -> str:
    """A URI as seen from another one."""
    if _BAD_URI.search(uri):
        raise InvalidSchemaError(f"{uri!r} is not a URI", hint="Escape what a URI cannot hold, a blank as %20.")
    try:
        return f"{split(base)[0]}{uri}" if uri.startswith("#") else urljoin(base, uri)
    except ValueError as error:
        raise InvalidSchemaError(f"{uri!r} is not a URI: {error}") from error


class Library:
    """A document with those it may refer to."""

    def __init__(self, raw: Any, dependencies: Sequence[Dependency]) -> None:
        self.root = Document(raw, "", known_draft(raw) or Draft.SEVEN)
        base = self.root.scope.base if dependencies else ""
        self._texts: dict[str, str] = {}
        for dependency in dependencies:
            name, _ = split(dependency.name)
            self._texts.setdefault(name, dependency.text)
            self._texts.setdefault(join(base, name), dependency.text)
        self._documents: dict[str, Document] = {}
        self._resolved: dict[tuple[Document, str, str], Scope] = {}

    def resolve(self, uri: str, scope: Scope) -> Scope:
        """The schema that a `$ref` standing in `scope` means."""
        question = scope.document, scope.base, uri
        found = self._resolved.get(question)
        if found is None:
            found = self._resolved[question] = self._resolve(uri, scope)
        return found

    def _resolve(self, uri: str, scope: Scope) -> Scope:
        place, fragment = split(join(scope.base, uri))
        start = self._start(place, uri, scope)
        if not fragment:
            return start
        if fragment.startswith("/"):
            return _follow(fragment, start, uri)
        named = _named(start.document).get(f"{place}#{fragment}")
        if named is None:
            raise InvalidSchemaError(f"$ref {uri!r} leads nowhere", hint=f"No schema has the anchor {fragment!r}.")
        return named

    def _start(self, place: str, uri: str, scope: Scope) -> Scope:
        """The document, or the part of one, that a URI without fragment means."""
        for known in (scope.document, self.root):
            if place == known.place:
                return known.scope
        named = _named(scope.document).get(place)
        return named or self._document(place, uri).scope

    def _document(self, place: str, uri: str) -> Document:
        found = self._documents.get(place)
        if found is None:
            text = self._texts.get(place, self._texts.get(split(uri)[0]))
            if text is None:
                raise _unknown(place, uri)
            raw = read(text)
            found = self._documents[place] = Document(raw, place, self._draft(raw))
        return found

    def _draft(self, raw: Any) -> Draft:
        """A referenced text is read in its own edition among the older ones; newer readers know only theirs."""
        own = known_draft(raw)
        return own if own is not None and max(own, self.root.draft) < Draft.MODERN else self.root.draft


def _unknown(place: str, uri: str) -> InvalidSchemaError:
    if urlsplit(place).scheme in {"http", "https"}:
        message = f"$ref {uri!r} leads to another document, and nothing is fetched from the network"
    else:
        message = f"$ref {uri!r} leads nowhere"
    return InvalidSchemaError(message, hint=f"Add a reference named {place!r} to the schema.")


def _follow(pointer: str, start: Scope, uri: str) -> Scope:
    scope = start
    for part in pointer.split("/")[1:]:
        inner = _step(scope.raw, _unescaped(part))
        if inner is None:
            raise InvalidSchemaError(f"$ref {uri!r} leads nowhere", hint=f"{part!r} is not there.")
        scope = scope.inner(inner)
    return scope


def resolves(document: Any, pointer: str) -> bool:
    """Is there something at a pointer such as `/definitions/Money`?"""
    found = document
    for part in pointer.split("/")[1:]:
        found = _step(found, _unescaped(part))
    return found is not None and (not pointer or pointer.startswith("/"))


def _unescaped(part: str) -> str:
    return unquote(part).replace("~1", "/").replace("~0", "~")


def _step(raw: Any, part: str) -> Any:
    if is_object(raw):
        if part == "$defs" and part not in raw:  # observed: `definitions` are found under both names
            return raw.get("definitions")
        return raw.get(part)
    if is_array(raw) and part.isdecimal() and len(part) <= len(str(len(raw))):
        return raw[int(part)] if int(part) < len(raw) else None
    return None


def _named(document: Document) -> dict[str, Scope]:
    if not document.named:
        document.named[""] = document.scope
        for scope in _schemas(document):
            document.named.update((name, scope) for name in _names(scope))
    return document.named


def _schemas(document: Document) -> Iterator[Scope]:
    pending = [document.scope]
    while pending:
        scope = pending.pop()
        if is_object(scope.raw):
            yield scope
            pending += [scope.inner(raw) for key, raw in scope.raw.items() if key not in _DATA]
        elif is_array(scope.raw):
            pending += [scope.inner(raw) for raw in scope.raw]


def _names(scope: Scope) -> Iterator[str]:
    draft = scope.document.draft
    if isinstance(scope.raw.get(draft.id_keyword), str):
        yield scope.base.rstrip("#")
    if draft is Draft.MODERN:
        anchors = (scope.raw.get(keyword) for keyword in ("$anchor", "$dynamicAnchor"))
        yield from (f"{split(scope.base)[0]}#{anchor}" for anchor in anchors if isinstance(anchor, str))
