"""Ways out of an incompatibility: each holds a schema that the engine accepts.

The author's schema is mended break by break with the smallest edits; where no edit does it, what remains is to keep
an earlier schema, or to begin a new compatibility group, in which old versions are no longer compared.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Literal, TypeAlias

from schema_mcp.domain.compatibility import DIFFERENT_TYPE, Comparison, Outcome, check
from schema_mcp.domain.engine import Whole, format_of, parse
from schema_mcp.domain.errors import InvalidSchemaError
from schema_mcp.domain.formats import Difference, Rules
from schema_mcp.domain.schema import Json, Level, Schema

GROUP = "major_version"
_MOST_ROUNDS = 200

Kind = Literal["mended", "keep", "group"]


@dataclass(frozen=True, slots=True)
class Remedy:
    """One way out.

    `mended`: register `schema` instead · `keep`: version `number` already is compatible with the history, register
    its text · `group`: set `compatibilityGroup` to `GROUP` at the subject and register `schema` with its metadata.
    """

    kind: Kind
    text: str
    schema: Schema
    number: int = 0


Patience: TypeAlias = Callable[[], bool]
"""Go on looking? Huge schemas take long to mend; who asks knows for how long he wants to wait."""


def always() -> bool:
    """Looks as long as it takes."""
    return True


def ways_out(
    new: Whole, previous: Sequence[Whole], level: Level, rules: Rules | None = None, patient: Patience = always
) -> Iterator[Remedy]:
    """Ways out of a refusal, the nearest to the author's wish first; the last always works, and at once."""
    mended = mend(new, previous, level, rules, patient)
    if mended is not None:
        yield Remedy("mended", "Register this text instead: the same schema with the breaking parts mended.", mended)
    kept = _kept(previous, level, rules, patient)
    if kept is not None:
        yield Remedy("keep", f"Keep version {kept.number}: its text passes.", kept.schema, kept.number)
    yield Remedy("group", _GROUP_TEXT, _in_new_group(new.schema, previous))


_GROUP_TEXT = (
    f"If the break is meant: set compatibilityGroup to {GROUP!r} at the subject and register the schema with this "
    "metadata; versions of another group are not compared, so move consumers over first. A new subject does it as well."
)


def mend(
    new: Whole, previous: Sequence[Whole], level: Level, rules: Rules | None = None, patient: Patience = always
) -> Schema | None:
    """The schema with every break at this level mended, or None where small edits do not do it."""
    whole = new
    seen = {new.schema.text}
    for _ in range(_MOST_ROUNDS):
        outcome = check(whole, previous, level, rules)
        if outcome.compatible:
            return whole.schema if whole is not new else None
        if len(outcome.breaks) > _MOST_ROUNDS:  # another schema, not a slip of the pen
            return None
        edited = next(_edits(whole, previous, outcome, seen, patient), None)
        if edited is None:
            return None
        seen.add(edited)
        whole = replace(whole, schema=replace(whole.schema, text=edited))
    return None


def _edits(
    whole: Whole, previous: Sequence[Whole], outcome: Outcome, seen: set[str], patient: Patience
) -> Iterator[str]:
    """Texts, not tried before and valid, in which one of the breaks is gone."""
    for comparison, difference in takewhile(lambda _: patient(), outcome.breaks):
        if difference.kind != DIFFERENT_TYPE:
            text = _edit(whole, previous[comparison.index], comparison, difference)
            if text is not None and text not in seen:
                yield text


def _edit(whole: Whole, other: Whole, comparison: Comparison, difference: Difference) -> str | None:
    rules_of = format_of(whole.schema.type)
    try:
        text = rules_of.mended(parse(whole), parse(other), difference, reads=comparison.reads)
        if text is None:
            return None
        parse(replace(whole, schema=replace(whole.schema, text=text)), new=True)
    except InvalidSchemaError:
        return None
    return text


def _kept(previous: Sequence[Whole], level: Level, rules: Rules | None, patient: Patience) -> Whole | None:
    """The newest earlier version that would itself be accepted now."""
    looked_at = takewhile(lambda _: patient(), reversed(previous))
    return next((old for old in looked_at if check(old, previous, level, rules).compatible), None)


def _in_new_group(schema: Schema, previous: Sequence[Whole]) -> Schema:
    taken = {_group_of(old.schema) for old in previous}
    number = next(number for number in range(2, len(taken) + 3) if str(number) not in taken)
    metadata: Json = dict(schema.metadata or {})
    properties: Json = dict(metadata.get("properties") or {})
    properties[GROUP] = str(number)
    return replace(schema, metadata=metadata | {"properties": properties})


def _group_of(schema: Schema) -> str | None:
    properties: Json = (schema.metadata or {}).get("properties") or {}
    found = properties.get(GROUP)
    return found if isinstance(found, str) else json.dumps(found)
