"""What could be better about a schema: rules as data, held against the customs of the schemas around it.

Nothing here ever changes a verdict. A custom is what at least six of ten schemas of an estate do.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from schema_mcp.domain.formats import Finding, Named

CUSTOM: Final = 0.6
"""The share of an estate that makes a custom."""

FEWEST: Final = 3
"""Schemas that an estate needs before it has customs."""

STYLES: Mapping[str, re.Pattern[str]] = {
    "snake_case": re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)+"),
    "camelCase": re.compile(r"[a-z][a-z0-9]*([A-Z][A-Za-z0-9]*)+"),
    "PascalCase": re.compile(r"[A-Z][a-z0-9]+([A-Z][A-Za-z0-9]*)*"),
    "UPPER_CASE": re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+"),
}
"""How a name of several words is written; one plain word fits snake_case and camelCase alike and says nothing."""

_TYPES: Final = ("record", "enum", "message", "object")


@dataclass(frozen=True, slots=True)
class Customs:
    """What the schemas of an estate have in common."""

    schemas: int
    field_style: str | None = None
    type_style: str | None = None
    common: Mapping[str, tuple[float, str]] = field(default_factory=dict[str, tuple[float, str]])
    """Fields that most of them have at the top: name → (share of the schemas, usual type)."""


@dataclass(frozen=True, slots=True)
class Improvement:
    """One thing that could be better; `safe` where the edit breaks nobody at any level."""

    rule: str
    path: str
    message: str
    safe: bool


Names: TypeAlias = Sequence[Named]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: what it looks for, and whether following it is safe."""

    name: str
    look: Callable[[Names, Customs], Iterator[tuple[str, str]]]
    safe: bool


def customs_of(estate: Iterable[Names]) -> Customs:
    """The customs of many schemas."""
    schemas = list(estate)
    if len(schemas) < FEWEST:
        return Customs(len(schemas))
    everything = [named for names in schemas for named in names]
    return Customs(
        schemas=len(schemas),
        field_style=_usual_style(named.name for named in everything if named.kind == "field"),
        type_style=_usual_style(named.name for named in everything if named.kind in _TYPES),
        common=_common(schemas),
    )


def improvements(names: Names, customs: Customs, advice: Sequence[Finding]) -> list[Improvement]:
    """What could be better, the rules in their order; `advice` is what the language itself has to say."""
    found = [
        Improvement(rule.name, path, text, rule.safe) for rule in RULES for path, text in rule.look(names, customs)
    ]
    return [*found, *(Improvement(one.rule, one.path, one.message, _is_safe(one)) for one in advice)]


def _is_safe(finding: Finding) -> bool:
    return finding.rule in _SAFE_ADVICE


_SAFE_ADVICE: Final = frozenset({"nullable_default"})


def _usual_style(names: Iterable[str]) -> str | None:
    styles = Counter(style for name in names if (style := style_of(name)))
    if not styles:
        return None
    style, count = styles.most_common(1)[0]
    return style if count >= CUSTOM * styles.total() else None


def style_of(name: str) -> str | None:
    """How a name is written; None where it is one word, or fits nothing."""
    return next((style for style, pattern in STYLES.items() if pattern.fullmatch(name)), None)


def _common(schemas: Sequence[Names]) -> dict[str, tuple[float, str]]:
    held: Counter[str] = Counter()
    types: dict[str, Counter[str]] = {}
    for names in schemas:
        for name, kind in {one.name: one.type for one in top_fields(names)}.items():
            held[name] += 1
            types.setdefault(name, Counter())[kind] += 1
    often = ((name, count / len(schemas)) for name, count in held.items())
    return {name: (share, types[name].most_common(1)[0][0]) for name, share in often if share >= CUSTOM}


def top_fields(names: Names) -> Iterator[Named]:
    """The fields of the outermost type: those beside the first one."""
    fields = [named for named in names if named.kind == "field"]
    if fields:
        home = fields[0].path.removesuffix(fields[0].name)
        yield from (one for one in fields if one.path == home + one.name)


def _other_style(names: Names, customs: Customs) -> Iterator[tuple[str, str]]:
    for named in names:
        usual = customs.field_style if named.kind == "field" else customs.type_style if named.kind in _TYPES else None
        style = style_of(named.name)
        if usual and style and style != usual and not (usual == "PascalCase" and style == "camelCase"):
            yield (
                named.path,
                f"{named.name} is {style}, the estate writes {usual}: a rename needs an alias or a new field",
            )


def _undocumented(names: Names, customs: Customs) -> Iterator[tuple[str, str]]:
    del customs
    for named in names:
        if not named.doc and named.kind in ("field", *_TYPES):
            yield named.path, f"the {named.kind} says nowhere what it means"


def _lacks_common(names: Names, customs: Customs) -> Iterator[tuple[str, str]]:
    own = {one.name for one in top_fields(names)}
    if own:
        for name, (share, kind) in sorted(customs.common.items(), key=lambda item: (-item[1][0], item[0])):
            if name not in own:
                yield name, f"{share:.0%} of the estate have {name} ({kind}); add it with a default"


RULES: Sequence[Rule] = (
    Rule("naming", _other_style, safe=False),
    Rule("common_field", _lacks_common, safe=True),
    Rule("docs", _undocumented, safe=True),
)
