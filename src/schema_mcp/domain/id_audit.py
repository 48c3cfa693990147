"""Do ledger, store and registries tell one story about ids? Each clash, each gap and each orphan, named."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from schema_mcp.domain.allocation import Block, Held, Skip

STORE, LEDGER = "the store", "the ledger"
_MOST_NAMED = 4


class Trouble(StrEnum):
    """What can be the matter with an id."""

    CLASH = "clash"
    """One id stands for two contents."""

    DOUBLE = "double"
    """One content has two ids."""

    ORPHAN = "orphan"
    """An id that a registry has and the store lacks, or that the store has and the ledger lacks."""

    GAP = "gap"
    """Numbers that were handed out, or passed over, and are not in the store."""


@dataclass(frozen=True, slots=True, order=True)
class Verdict:
    """What is the matter with the numbers `first` to `last`, and why; `explained` is nothing to worry about."""

    first: int
    last: int
    trouble: Trouble
    reason: str
    explained: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """An id with its content, seen somewhere; within one `space` an id has one meaning."""

    where: str
    id: int
    content: str
    what: str
    space: str = ""


def clashes(seen: Iterable[Seen]) -> Iterator[Verdict]:
    """Ids with two contents, and contents with two ids."""
    meanings = defaultdict[tuple[str, int], dict[str, Seen]](dict)
    numbers = defaultdict[tuple[str, str], dict[int, Seen]](dict)
    for one in seen:
        meanings[one.space, one.id].setdefault(one.content, one)
        numbers[one.space, one.content].setdefault(one.id, one)
    for (_, id_), several in meanings.items():
        if len(several) > 1:
            named = _listed(f"{one.content[:8]} in {one.where} ({one.what})" for one in several.values())
            yield Verdict(id_, id_, Trouble.CLASH, f"stands for {len(several)} contents: {named}")
    for (_, content), several in numbers.items():
        if len(several) > 1:
            named = _listed(f"{one.id} in {one.where} ({one.what})" for one in several.values())
            yield Verdict(
                min(several), min(several), Trouble.DOUBLE, f"content {content[:8]} has {len(several)} ids: {named}"
            )


def orphans(seen: Sequence[Seen]) -> Iterator[Verdict]:
    """Ids that a registry has and the store lacks, and ids that the store has and the ledger lacks."""
    stored = {(one.space, one.id) for one in seen if one.where == STORE}
    known = {(one.space, one.id) for one in seen if one.where == LEDGER}
    told: set[tuple[str, str, int]] = set()
    for one in seen:
        lacks = {STORE: LEDGER, LEDGER: ""}.get(one.where, STORE)
        there = known if lacks == LEDGER else stored
        if lacks and (one.space, one.id) not in there and (one.where, one.space, one.id) not in told:
            told.add((one.where, one.space, one.id))
            reason = f"in {one.where} as {one.what}, and not in {lacks}"
            yield Verdict(one.id, one.id, Trouble.ORPHAN, reason)


def gaps(
    accounted: Iterable[int],
    first: int,
    last: int,
    held: Iterable[Held],
    blocks: Iterable[Block],
    skips: Iterable[Skip],
) -> Iterator[Verdict]:
    """The numbers from `first` to `last` that are not accounted for, each with what the ledger remembers of it."""
    ours = {one.id: one for one in held if not one.registry}
    numbers = sorted(ours)
    stretches = _flat(
        [
            *((one.first, one.last, f"set aside for {one.owner}") for one in blocks),
            *((one.first, one.last, f"passed over at {one.at}: {one.why}") for one in skips),
        ]
    )
    taken = [first - 1, *sorted(number for number in set(accounted) if first <= number <= last), last + 1]
    for before, after in pairwise(taken):
        yield from _explained(before + 1, after - 1, ours, numbers, stretches)


def _explained(
    first: int, last: int, ours: Mapping[int, Held], numbers: Sequence[int], stretches: Sequence["_Stretch"]
) -> Iterator[Verdict]:
    while first <= last:
        place = bisect_left(numbers, first)
        number = numbers[place] if place < len(numbers) else last + 1
        if number == first:
            yield Verdict(first, first, Trouble.GAP, _uncommitted(ours[first]), explained=True)
            first += 1
            continue
        stretch = next(
            iter(stretches[bisect_left(stretches, first, key=lambda one: one[1]) :]), (last + 1, last + 1, "")
        )
        begins, ends, why = stretch
        if begins <= first:
            end = min(last, number - 1, ends)
            yield Verdict(first, end, Trouble.GAP, why, explained=True)
        else:
            end = min(last, number - 1, begins - 1)
            yield Verdict(first, end, Trouble.GAP, "nobody knows what became of them")
        first = end + 1


_Stretch = tuple[int, int, str]


def _flat(stretches: Sequence[_Stretch]) -> list[_Stretch]:
    """The same numbers, each in one stretch only: that of the first to name it."""
    flat: list[_Stretch] = []
    reached = 0
    for first, last, why in sorted(stretches):
        if last > reached:
            flat.append((max(first, reached + 1), last, why))
            reached = last
    return flat


def _uncommitted(held: Held) -> str:
    whom = held.wanted or f"content {held.schema_hash[:8]}"
    return f"handed out at {held.created_at} for {whom}, and not committed"


def _listed(named: Iterable[str]) -> str:
    several = list(named)
    more = f" and {len(several) - _MOST_NAMED} more" if len(several) > _MOST_NAMED else ""
    return ", ".join(several[:_MOST_NAMED]) + more
