"""All that several JSON Schemas ask of one value, alternatives chosen: what an example is made from."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Any, Final

from schema_mcp.domain.errors import InvalidSchemaError
from schema_mcp.domain.json_schema.assertions import same
from schema_mcp.domain.json_schema.drafts import GROUPS, Draft
from schema_mcp.domain.json_schema.patterns import Pattern
from schema_mcp.domain.json_schema.references import Library, Scope
from schema_mcp.domain.json_schema.regex import PatternError
from schema_mcp.domain.json_schema.text import is_array, is_object

_KINDS: Final = ("object", "array", "string", "integer", "number", "boolean", "null")
_MOST_SCHEMAS: Final = 200
_NUMBERS: Final = (int, Decimal)


@dataclass(slots=True)
class Demand:
    """What holds together at one place."""

    scopes: list[Scope] = field(default_factory=list[Scope])
    kinds: tuple[str, ...] = _KINDS
    values: list[Any] | None = None
    """What `enum` and `const` leave to choose from."""

    proposals: list[Any] = field(default_factory=list[Any])
    """What the author gives as examples and default."""

    @property
    def likely_kinds(self) -> tuple[str, ...]:
        """The kinds that may be, those first that the schemas say most about; numbers stand for integers, too."""
        kinds = tuple(kind for kind in self.kinds if kind != "integer" or "number" not in self.kinds)
        told = [kind for kind in kinds if self._speaks_of("number" if kind == "integer" else kind)]
        preferred = [*told, "string"] if self.kinds == _KINDS else told
        return tuple(dict.fromkeys([*preferred, *kinds]))

    def _speaks_of(self, kind: str) -> bool:
        return any(
            not GROUPS[scope.document.draft].get(kind, frozenset()).isdisjoint(scope.raw) for scope in self.scopes
        )

    def least(self, word: str) -> float:
        """The highest of the lower limits."""
        return max([0, *self._limits(word)])

    def most(self, word: str) -> float:
        """The lowest of the upper limits."""
        return min([math.inf, *self._limits(word)])

    def _limits(self, word: str) -> list[Any]:
        found = (scope.raw.get(word) for scope in self.scopes)
        return [one for one in found if isinstance(one, _NUMBERS) and not isinstance(one, bool)]

    # --- objects -----------------------------------------------------------------------------------------------------

    @property
    def required(self) -> list[str]:
        """Names that have to be there, with those that they bring along."""
        names = dict.fromkeys(name for scope in self.scopes for name in _texts(scope.raw.get("required")))
        waiting = list(names)
        while waiting:
            for other in self._brought_by(waiting.pop()):
                if other not in names:
                    names[other] = None
                    waiting.append(other)
        return list(names)

    def _brought_by(self, name: str) -> Iterator[str]:
        for scope in self.scopes:
            for word in ("dependencies", "dependentRequired"):
                needs = scope.raw.get(word)
                yield from _texts(needs.get(name)) if is_object(needs) else ()

    @property
    def properties(self) -> list[str]:
        """Names that are spoken of."""
        return list(dict.fromkeys(name for scope in self.scopes for name in _members(scope, "properties")))

    @property
    def name_scopes(self) -> list[Scope]:
        return [scope.inner(scope.raw["propertyNames"]) for scope in self.scopes if "propertyNames" in scope.raw]

    @property
    def name_patterns(self) -> list[str]:
        return [pattern for scope in self.scopes for pattern in _members(scope, "patternProperties")]

    def scopes_of(self, name: str) -> list[Scope]:
        """The schemas for the property of a name."""
        return [found for scope in self.scopes for found in _property(scope, name)]

    # --- arrays ------------------------------------------------------------------------------------------------------

    @property
    def unique(self) -> bool:
        return any(scope.raw.get("uniqueItems") is True for scope in self.scopes)

    @property
    def contained(self) -> int:
        """How many items have to be as `contains` asks."""
        found = [scope.raw.get("minContains", 1) for scope in self.scopes if "contains" in scope.raw]
        return max([0, *(int(one) for one in found)])

    @property
    def fixed_items(self) -> int:
        return max([0, *(len(_fixed(scope)[0]) for scope in self.scopes)])

    def scopes_at(self, index: int) -> list[Scope]:
        """The schemas for an item; the first items are those that `contains` asks for."""
        found: list[Scope] = []
        for scope in self.scopes:
            first, rest = _fixed(scope)
            inner = first[index] if index < len(first) else rest
            if inner is not None:
                found.append(scope.inner(inner))
            if "contains" in scope.raw and index < self.contained:
                found.append(scope.inner(scope.raw["contains"]))
        return found

    # --- texts and numbers -------------------------------------------------------------------------------------------

    @property
    def patterns(self) -> list[str]:
        return [one for scope in self.scopes for one in _texts([scope.raw.get("pattern")])]

    @property
    def formats(self) -> list[str]:
        return [one for scope in self.scopes for one in _texts([scope.raw.get("format")])]

    def numbers(self, random: Random, *, is_whole: bool) -> list[Any]:
        """Numbers worth a try: some between the limits, those at the limits, and multiples."""
        low = max([*self._limits("minimum"), *self._limits("exclusiveMinimum")], default=None)
        high = min([*self._limits("maximum"), *self._limits("exclusiveMaximum")], default=None)
        step = math.lcm(*(_whole_step(one) for one in self._limits("multipleOf"))) if is_whole else 0
        steps = [Fraction(step)] if step > 1 else [Fraction(str(one)) for one in self._limits("multipleOf")[:1]]
        start, end = _between(low, high)
        near = random.randint(math.ceil(start), math.floor(end)) if math.ceil(start) <= math.floor(end) else start
        found = [near, start, end, start + 1, start + Fraction(1, 2), (start + end) / 2, end - 1]
        for one in steps:
            multiple = math.ceil(start / one) * one if one else Fraction(0)
            found = [multiple, multiple + one, math.floor(end / one) * one if one else multiple, *found]
        return [_plain(one) for one in found if not is_whole or Fraction(one).denominator == 1]


def _between(low: Any, high: Any) -> tuple[Fraction, Fraction]:
    if low is None and high is None:
        return Fraction(1), Fraction(1_000)
    if low is None:
        return _exact(high) - 100, _exact(high)
    return _exact(low), _exact(high) if high is not None else _exact(low) + 100


def _exact(number: Any) -> Fraction:
    adjusted = Decimal(number).adjusted()
    return Fraction(str(number)) if abs(adjusted) < 400 else Fraction(0)  # noqa: PLR2004 - beyond every double


def _whole_step(step: Any) -> int:
    """How far apart the whole multiples of a number are."""
    return abs(_exact(step).numerator) or 1


def _plain(number: Fraction | int) -> Any:
    exact = Fraction(number)
    return int(exact) if exact.denominator == 1 else Decimal(exact.numerator) / Decimal(exact.denominator)


def demand_of(scopes: Sequence[Scope], library: Library, random: Random) -> Demand:
    """All that schemas ask, references followed and one of each set of alternatives chosen by chance."""
    demand = Demand()
    waiting = list(scopes)
    known: set[int] = set()
    while waiting and len(known) < _MOST_SCHEMAS:
        scope = waiting.pop(0)
        if scope.raw is False:
            demand.kinds = ()
        if not is_object(scope.raw) or id(scope.raw) in known:
            continue
        known.add(id(scope.raw))
        followed, alone = _followed(scope, library)
        waiting += followed
        if not alone:
            _take(demand, scope)
            waiting += _chosen(scope, random)
    return demand


def _followed(scope: Scope, library: Library) -> tuple[list[Scope], bool]:
    """Where references lead, and whether nothing beside them counts."""
    words = [word for word in ("$ref", "$dynamicRef") if isinstance(scope.raw.get(word), str)]
    try:
        found = [library.resolve(scope.raw[word], scope) for word in words]
    except InvalidSchemaError:
        found = []
    return found, "$ref" in words and scope.document.draft is not Draft.MODERN


def _take(demand: Demand, scope: Scope) -> None:
    raw = scope.raw
    demand.scopes.append(scope)
    kind = raw.get("type")
    if kind is not None:
        named = _texts(kind if is_array(kind) else [kind])
        wider = {*named, "integer"} if "number" in named else set(named)
        demand.kinds = tuple(one for one in demand.kinds if one in wider)
    for choice in _choices(raw, scope.document.draft):
        before = choice if demand.values is None else demand.values
        demand.values = [one for one in before if any(same(one, other) for other in choice)]
    demand.proposals += [
        *(raw["examples"] if is_array(raw.get("examples")) else []),
        *([raw["default"]] if "default" in raw else []),
    ]


def _choices(raw: dict[str, Any], draft: Draft) -> Iterator[list[Any]]:
    if is_array(raw.get("enum")):
        yield raw["enum"]
    if "const" in raw and draft is not Draft.FOUR:
        yield [raw["const"]]


def _chosen(scope: Scope, random: Random) -> Iterator[Scope]:
    """The further schemas that a value is to hold to."""
    raw = scope.raw
    for inner in raw["allOf"] if is_array(raw.get("allOf")) else ():
        yield scope.inner(inner)
    for word in ("anyOf", "oneOf"):
        if is_array(raw.get(word)) and raw[word]:
            yield scope.inner(random.choice(raw[word]))
    if "if" in raw and scope.document.draft >= Draft.SEVEN:
        if random.random() < 0.5:  # noqa: PLR2004 - a coin
            yield from (scope.inner(raw[word]) for word in ("if", "then") if word in raw)
        elif "else" in raw:
            yield scope.inner(raw["else"])


def _texts(found: Any) -> list[str]:
    return [one for one in found if isinstance(one, str)] if is_array(found) else []


def _members(scope: Scope, word: str) -> dict[str, Any]:
    found = scope.raw.get(word)
    return found if is_object(found) else {}


def _property(scope: Scope, name: str) -> Iterator[Scope]:
    known = _members(scope, "properties")
    own = [known[name]] if name in known else []
    own += [inner for pattern, inner in _members(scope, "patternProperties").items() if _matches(pattern, name)]
    if not own:
        own = [scope.raw[word] for word in ("additionalProperties", "unevaluatedProperties") if word in scope.raw][:1]
    yield from (scope.inner(inner) for inner in own)


def _matches(pattern: str, name: str) -> bool:
    try:
        return Pattern(pattern).search(name)
    except PatternError:
        return False


def _fixed(scope: Scope) -> tuple[list[Any], Any]:
    """The schemas of the first items, and that of the rest."""
    rest = scope.raw.get("items")
    if is_array(rest):
        return rest, scope.raw.get("additionalItems")
    first = scope.raw.get("prefixItems")
    return (first if is_array(first) else []), rest
