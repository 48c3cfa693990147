"""Pairs off two sides so that as many as possible have a partner."""

from collections.abc import Mapping, Sequence


def largest_matching(partners: Mapping[int, Sequence[int]]) -> dict[int, int]:
    """A maximum bipartite matching: each takes its first free partner, and others make room where none is free."""
    taken: dict[int, int] = {}
    for left, choices in partners.items():
        free = next((right for right in choices if right not in taken), None)
        if free is None:
            _make_room(left, partners, taken)
        else:
            taken[free] = left
    return {left: right for right, left in sorted(taken.items())}


def _make_room(start: int, partners: Mapping[int, Sequence[int]], taken: dict[int, int]) -> None:
    """Move others along a path that ends at a free partner, if there is one (Kuhn's augmenting path)."""
    asked_by: dict[int, int] = {}
    waiting = [start]
    for left in waiting:
        for right in partners[left]:
            if right in asked_by:
                continue
            asked_by[right] = left
            if right not in taken:
                _move(right, start, asked_by, taken)
                return
            waiting.append(taken[right])


def _move(free: int, start: int, asked_by: dict[int, int], taken: dict[int, int]) -> None:
    had = {left: right for right, left in taken.items()}
    right = free
    while asked_by[right] != start:
        taken[right] = asked_by[right]
        right = had[asked_by[right]]
    taken[right] = start
