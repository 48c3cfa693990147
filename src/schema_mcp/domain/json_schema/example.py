"""Data made up for a JSON Schema: proposed from what the schema asks, and given out only when it holds.

A value is made for several schemas at once (all that apply at a place); where there are alternatives one is chosen by
chance, and another one when the first leads nowhere.
"""

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any, Final

from schema_mcp.domain.errors import InvalidRequestError
from schema_mcp.domain.json_schema.assertions import key, kind_of
from schema_mcp.domain.json_schema.demands import Demand, demand_of
from schema_mcp.domain.json_schema.instance import Instance
from schema_mcp.domain.json_schema.invented import FORMATS, matching
from schema_mcp.domain.json_schema.references import Scope
from schema_mcp.domain.schema import Dependency

_TRIES: Final = 40
_INNER_TRIES: Final = 6
_SHALLOW: Final = 4
_DEEPEST: Final = 24
_MOST_STEPS: Final = 20_000
_MOST_ITEMS: Final = 2_000
_WORDS: Final = ("amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "harbor")


class _DeadEndError(Exception):
    """Nothing can be made here, as far as we see."""


def example(document: Any, dependencies: Sequence[Dependency], seed: int) -> Any:
    """A value that the schema takes; raises `InvalidRequestError` where none was found."""
    random = Random(seed)  # noqa: S311 - not for secrets
    maker = _Maker(Instance(document, dependencies), random)
    for turn in range(_TRIES):
        try:
            return maker.value([maker.instance.sources.root.scope], 0, sparing=turn % 2 == 1)
        except (_DeadEndError, RecursionError):
            continue
    raise InvalidRequestError(
        "No example was found for this schema", hint="It may allow nothing at all: look for `not`, `false` and limits."
    )


class _Maker:
    def __init__(self, instance: Instance, random: Random) -> None:
        self.instance = instance
        self._random = random
        self._left = _MOST_STEPS

    def value(self, scopes: Sequence[Scope], depth: int, *, sparing: bool) -> Any:
        """A value for all the schemas; a sparing one has nothing that need not be there."""
        for turn in range(_INNER_TRIES):
            self._left -= 1
            if self._left < 0 or depth > _DEEPEST:
                raise _DeadEndError
            demand = demand_of(scopes, self.instance.sources, self._random)
            try:
                made = self._made(demand, depth, sparing=sparing or depth >= _SHALLOW, turn=turn)
            except _DeadEndError:
                continue
            if all(not self.instance.faults(made, scope) for scope in scopes):
                return made
        raise _DeadEndError

    def _made(self, demand: Demand, depth: int, *, sparing: bool, turn: int) -> Any:  # noqa: PLR0911 - a table of kinds
        if demand.values is not None:
            fitting = [one for one in demand.values if kind_of(one) in demand.kinds]
            if not fitting:
                raise _DeadEndError
            return self._random.choice(fitting)
        if turn == 0 and demand.proposals:
            return demand.proposals[0]
        kinds = demand.likely_kinds
        if not kinds:
            raise _DeadEndError
        kind = kinds[0] if turn == 0 else self._random.choice(kinds)
        match kind:
            case "object":
                return self._object(demand, depth, sparing=sparing, turn=turn)
            case "array":
                return self._array(demand, depth, sparing=sparing)
            case "string":
                return self._string(demand, turn)
            case "integer" | "number":
                return self._number(demand, is_whole=kind == "integer", turn=turn)
            case "boolean":
                return self._random.random() < 0.5  # noqa: PLR2004 - a coin
            case _:
                return None

    def _object(self, demand: Demand, depth: int, *, sparing: bool, turn: int) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for name in demand.required:
            made[name] = self.value(demand.scopes_of(name), depth + 1, sparing=sparing)
        for name, is_filler in self._optional(demand, sparing=sparing, turn=turn):
            enough = len(made) >= (demand.least("minProperties") if is_filler else demand.most("maxProperties"))
            if name in made or enough:
                continue
            try:
                made[name] = self.value(demand.scopes_of(name), depth + 1, sparing=sparing)
            except _DeadEndError:
                continue
        return made

    def _optional(self, demand: Demand, *, sparing: bool, turn: int) -> Iterator[tuple[str, bool]]:
        """Names that may be there, then names that fill up what is too little; later turns leave some out by chance."""
        known = demand.properties
        if turn:
            self._random.shuffle(known)
            known = known[: self._random.randint(0, len(known))]
        if not sparing:
            yield from ((name, False) for name in known)
        yield from ((name, True) for name in [*known, *self._names(demand)])

    def _names(self, demand: Demand) -> Iterator[str]:
        """Names for further properties, as patterns and `propertyNames` ask."""
        for _ in range(min(4 * int(demand.least("minProperties")), _MOST_ITEMS)):
            if demand.name_scopes:
                yield str(self.value(demand.name_scopes, _SHALLOW, sparing=True))
            elif demand.name_patterns:
                start = matching(self._random.choice(demand.name_patterns), self._random, more=4)
                yield from (start, f"{start}{self._random.choice(_WORDS)}")
            else:
                yield f"{self._random.choice(_WORDS)}{self._random.randrange(1_000)}"

    def _array(self, demand: Demand, depth: int, *, sparing: bool) -> list[Any]:
        wanted = max(demand.least("minItems"), demand.contained, 0 if sparing else max(1, demand.fixed_items))
        length = int(min(wanted, demand.most("maxItems")))
        if length > _MOST_ITEMS:
            raise _DeadEndError
        made: list[Any] = []
        taken: set[Any] = set()
        for index in range(length):
            item = self._item(demand, index, taken, depth, sparing=sparing)
            if item is None and not sparing and index >= demand.least("minItems"):
                break
            made.append(item[0] if item else self._refuse())
        return made

    def _item(self, demand: Demand, index: int, taken: set[Any], depth: int, *, sparing: bool) -> tuple[Any] | None:
        """An item that is not there yet, where each may be there once; None where none was found."""
        for _ in range(_INNER_TRIES if demand.unique else 1):
            try:
                item = self.value(demand.scopes_at(index), depth + 1, sparing=sparing)
            except _DeadEndError:
                return None
            if not demand.unique or key(item) not in taken:
                taken.add(key(item))
                return (item,)
        return None

    def _refuse(self) -> Any:
        raise _DeadEndError

    def _string(self, demand: Demand, turn: int) -> str:
        least, most = demand.least("minLength"), demand.most("maxLength")
        if least > _MOST_ITEMS * 10:
            raise _DeadEndError
        if demand.patterns:
            more = (0, 2, 5, 10, 20, int(least))[turn % 6]
            text = matching(self._random.choice(demand.patterns), self._random, more=more)
        else:
            text = next((FORMATS[one] for one in demand.formats if one in FORMATS), self._random.choice(_WORDS))
        padded = text + "x" * int(least - len(text)) if len(text) < least else text
        return padded if demand.patterns else padded[: int(min(most, len(padded)))]

    def _number(self, demand: Demand, *, is_whole: bool, turn: int) -> Any:
        choices = demand.numbers(self._random, is_whole=is_whole)
        if not choices:
            raise _DeadEndError
        return choices[turn] if turn < 2 and turn < len(choices) else self._random.choice(choices)  # noqa: PLR2004 - the first two
