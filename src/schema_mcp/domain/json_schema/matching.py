"""Pairs off two sides so that as many as possible have a partner."""

from collections.abc import Mapping, Sequence


def largest_matching(partners: Mapping[int, Sequence[int]]) -> dict[int, int]:
    """A maximum bipartite matching, left to right, by augmenting paths (Kuhn); earlier ones choose first."""
    taken: dict[int, int] = {}
    for left in partners:
        _improve(left, partners, taken)
    return {left: right for right, left in sorted(taken.items())}


def _improve(start: int, partners: Mapping[int, Sequence[int]], taken: dict[int, int]) -> None:
    """Find a place for `start`, moving others along a path that ends at a free place."""
    seen: set[int] = set()
    came_from: dict[int, int] = {}
    path = [(start, iter(partners[start]))]
    while path:
        left, choices = path[-1]
        right = next((choice for choice in choices if choice not in seen), None)
        if right is None:
            path.pop()
            continue
        seen.add(right)
        came_from[right] = left
        if right not in taken:
            _move(right, start, came_from, partners, taken)
            return
        path.append((taken[right], iter(partners[taken[right]])))


def _move(
    free: int, start: int, came_from: dict[int, int], partners: Mapping[int, Sequence[int]], taken: dict[int, int]
) -> None:
    place_of = {left: right for right, left in taken.items()}
    right: int | None = free
    while right is not None:
        left = came_from[right]
        taken[right], right = left, place_of.get(left) if left != start else None
