"""Is a JSON value what a JSON Schema describes? Every place where it is not, by the rules of the schema's own draft.

Sources: JSON Schema drafts 4, 6, 7 and 2020-12 (validation, core); `format` is an annotation in the last and is not
judged here. Patterns run in machines that cannot be stretched; what those do not understand is not judged either.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from schema_mcp.domain.errors import InvalidRequestError
from schema_mcp.domain.json_schema.assertions import kind_fits, unmet
from schema_mcp.domain.json_schema.drafts import Draft
from schema_mcp.domain.json_schema.patterns import MAX_NAME, Pattern
from schema_mcp.domain.json_schema.references import Library, Scope
from schema_mcp.domain.json_schema.regex import PatternError
from schema_mcp.domain.json_schema.text import is_array, is_object
from schema_mcp.domain.payloads import Fault, pointer, shown
from schema_mcp.domain.schema import Dependency

_MOST_FAULTS: Final = 50
_MOST_STEPS: Final = 300_000
_EFFORT_OF_A_STEP: Final = 5
_TOLD_BRANCHES: Final = 3


@dataclass(slots=True)
class _Seen:
    """What one schema found at one place, and which members and items it has looked at."""

    faults: list[Fault] = field(default_factory=list[Fault])
    names: set[str] = field(default_factory=set[str])
    items: set[int] = field(default_factory=set[int])

    def take(self, other: "_Seen") -> None:
        """Another schema must hold here, too."""
        self.faults += other.faults[: _MOST_FAULTS - len(self.faults)]
        if not other.faults:
            self.names |= other.names
            self.items |= other.items


class Instance:
    """One schema, asked about values; `unjudged` names the patterns that nobody could look into."""

    def __init__(self, document: Any, dependencies: Sequence[Dependency] = ()) -> None:
        self.sources = Library(document, dependencies)
        self._way: list[str | int] = []
        self._open: set[tuple[int, int]] = set()
        self._left = _MOST_STEPS
        self.unjudged: set[str] = set()

    def faults(self, value: Any, scope: Scope | None = None) -> list[Fault]:
        """Where the value is not of the schema, or of an inner one; nothing where it is."""
        self._left = _MOST_STEPS
        try:
            return self._check(scope or self.sources.root.scope, value).faults
        except RecursionError:
            raise InvalidRequestError("The schema nests too deep to hold a payload against it") from None
        finally:
            self._way.clear()
            self._open.clear()

    def _check(self, scope: Scope, value: Any) -> _Seen:
        self._spend(1)
        place = (id(scope.raw), len(self._way))
        if place in self._open:  # a reference that leads back to itself asks nothing new
            return _Seen()
        self._open.add(place)
        seen = self._held(scope, value)
        self._open.discard(place)
        return seen

    def _held(self, scope: Scope, value: Any) -> _Seen:
        seen, raw = _Seen(), scope.raw
        if raw is False:
            self._fault(seen, "nothing is allowed here")
        if not is_object(raw):
            return seen
        if isinstance(raw.get("$ref"), str):
            seen.take(self._check(self.sources.resolve(raw["$ref"], scope), value))
            if scope.document.draft is not Draft.MODERN:
                return seen  # up to draft 7 nothing beside a $ref counts
        if "type" in raw and not kind_fits(raw["type"], value, scope.document.draft):
            self._fault(seen, f"expected {_kinds(raw['type'])}, found {shown(value)}")
        for complaint in unmet(raw, value, scope.document.draft):
            self._fault(seen, complaint)
        self._combined(seen, scope, value)
        if is_object(value):
            self._members(seen, scope, value)
        elif is_array(value):
            self._items(seen, scope, value)
        elif isinstance(value, str) and isinstance(raw.get("pattern"), str) and not self._found(raw["pattern"], value):
            self._fault(seen, f"{shown(value)} does not match {raw['pattern'][:200]}")
        return seen

    # --- schemas about the same value --------------------------------------------------------------------------------

    def _combined(self, seen: _Seen, scope: Scope, value: Any) -> None:
        raw = scope.raw
        if isinstance(raw.get("$dynamicRef"), str):
            seen.take(self._check(self.sources.resolve(raw["$dynamicRef"], scope), value))
        for inner in _listed(raw, "allOf"):
            seen.take(self._check(scope.inner(inner), value))
        if "anyOf" in raw:
            self._any(seen, [self._check(scope.inner(inner), value) for inner in _listed(raw, "anyOf")])
        if "oneOf" in raw:
            self._one(seen, [self._check(scope.inner(inner), value) for inner in _listed(raw, "oneOf")])
        if "not" in raw and not self._check(scope.inner(raw["not"]), value).faults:
            self._fault(seen, "the value is what `not` forbids")
        if "if" in raw and scope.document.draft >= Draft.SEVEN:
            self._conditional(seen, scope, value)

    def _any(self, seen: _Seen, branches: list[_Seen]) -> None:
        holding = [branch for branch in branches if not branch.faults]
        for branch in holding:
            seen.take(branch)
        if not holding:
            self._fault(seen, "none of the alternatives of `anyOf` holds", branches)

    def _one(self, seen: _Seen, branches: list[_Seen]) -> None:
        holding = [index for index, branch in enumerate(branches) if not branch.faults]
        if len(holding) == 1:
            seen.take(branches[holding[0]])
        elif holding:
            self._fault(seen, f"the alternatives {holding[:10]} of `oneOf` hold, and only one may")
        else:
            self._fault(seen, "none of the alternatives of `oneOf` holds", branches)

    def _conditional(self, seen: _Seen, scope: Scope, value: Any) -> None:
        condition = self._check(scope.inner(scope.raw["if"]), value)
        if not condition.faults:
            seen.take(condition)
        branch = "else" if condition.faults else "then"
        if branch in scope.raw:
            seen.take(self._check(scope.inner(scope.raw[branch]), value))

    # --- objects -----------------------------------------------------------------------------------------------------

    def _members(self, seen: _Seen, scope: Scope, value: dict[str, Any]) -> None:
        raw, taken = scope.raw, set[str]()
        for name, inner in _named(raw, "properties"):
            if name in value:
                taken.add(name)
                seen.take(self._inside(name, scope.inner(inner), value[name]))
        for pattern, inner in _named(raw, "patternProperties"):
            for name, member in value.items():
                if self._found(pattern, name):
                    taken.add(name)
                    seen.take(self._inside(name, scope.inner(inner), member))
        if "additionalProperties" in raw:
            self._others(seen, scope.inner(raw["additionalProperties"]), value, taken)
            taken = set(value)
        seen.names |= taken
        self._dependent(seen, scope, value)
        if "propertyNames" in raw and scope.document.draft >= Draft.SIX:
            for name in value:
                seen.take(self._inside(name, scope.inner(raw["propertyNames"]), name))
        if "unevaluatedProperties" in raw and scope.document.draft is Draft.MODERN:
            self._others(seen, scope.inner(raw["unevaluatedProperties"]), value, seen.names)
            seen.names = set(value)

    def _others(self, seen: _Seen, scope: Scope, value: dict[str, Any], but: set[str]) -> None:
        for name, member in value.items():
            if name in but:
                continue
            if scope.raw is False:
                self._way.append(name)
                self._fault(seen, "the schema knows no such property")
                self._way.pop()
            else:
                seen.take(self._inside(name, scope, member))

    def _dependent(self, seen: _Seen, scope: Scope, value: dict[str, Any]) -> None:
        word = "dependentSchemas" if scope.document.draft is Draft.MODERN else "dependencies"
        for name, inner in _named(scope.raw, word):
            if name in value and not is_array(inner):
                seen.take(self._check(scope.inner(inner), value))

    # --- arrays ------------------------------------------------------------------------------------------------------

    def _items(self, seen: _Seen, scope: Scope, value: list[Any]) -> None:
        raw, draft = scope.raw, scope.document.draft
        first = raw.get("prefixItems") if draft is Draft.MODERN else None
        rest = raw.get("items")
        if is_array(rest):
            first, rest = rest, raw.get("additionalItems")
        first = first if is_array(first) else []
        for index, item in enumerate(value):
            inner = first[index] if index < len(first) else rest
            if inner is not None:
                seen.items.add(index)
                seen.take(self._inside(index, scope.inner(inner), item))
        if "contains" in raw and draft >= Draft.SIX:
            self._contains(seen, scope, value)
        if "unevaluatedItems" in raw and draft is Draft.MODERN:
            for index in sorted(set(range(len(value))) - seen.items):
                seen.take(self._inside(index, scope.inner(raw["unevaluatedItems"]), value[index]))
            seen.items = set(range(len(value)))

    def _contains(self, seen: _Seen, scope: Scope, value: list[Any]) -> None:
        raw, is_modern = scope.raw, scope.document.draft is Draft.MODERN
        inner = scope.inner(raw["contains"])
        found = [index for index, item in enumerate(value) if not self._inside(index, inner, item).faults]
        least = raw.get("minContains", 1) if is_modern else 1
        most = raw.get("maxContains") if is_modern else None
        if len(found) < least or (most is not None and len(found) > most):
            self._fault(seen, f"{len(found)} items are as `contains` asks")
        if is_modern:
            seen.items |= set(found)

    def _inside(self, step: str | int, scope: Scope, value: Any) -> _Seen:
        """What is found further in; which members were looked at there is no matter here."""
        self._way.append(step)
        found = self._check(scope, value)
        self._way.pop()
        return _Seen(found.faults)

    def _found(self, pattern: str, text: str) -> bool:
        """Does the pattern match somewhere? Yes, where that cannot be told."""
        try:
            known = Pattern(pattern)
        except PatternError:
            known = None
        if known is None or not known.is_understood or len(text) > MAX_NAME:
            self.unjudged.add(pattern)
            return True
        self._spend(known.effort(text) // _EFFORT_OF_A_STEP)
        return known.search(text)

    def _spend(self, steps: int) -> None:
        self._left -= steps
        if self._left < 0:
            raise InvalidRequestError(
                "Payload and schema together take too many steps", hint="Check one record of it at a time."
            )

    def _fault(self, seen: _Seen, message: str, branches: Sequence[_Seen] = ()) -> None:
        if len(seen.faults) < _MOST_FAULTS:
            inner = [f"{one.path or 'here'}: {one.message}" for branch in branches for one in branch.faults[:1]]
            why = f" ({'; '.join(inner[:_TOLD_BRANCHES])[:300]})" if inner else ""
            seen.faults.append(Fault(pointer(self._way), message + why))


def _listed(raw: dict[str, Any], word: str) -> list[Any]:
    found = raw.get(word)
    return found if is_array(found) else []


def _named(raw: dict[str, Any], word: str) -> Iterator[tuple[str, Any]]:
    found = raw.get(word)
    return iter(found.items() if is_object(found) else ())


def _kinds(kind: Any) -> str:
    return " or ".join(map(str, kind)) if is_array(kind) else str(kind)
