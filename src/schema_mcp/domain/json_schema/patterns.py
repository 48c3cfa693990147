"""Which regular expressions Java takes, and which names they match, in time that a stranger cannot stretch.

Patterns are never given to a backtracking matcher. What only such a one could do (back references and the like) counts
as valid and matches nothing; `is_understood` tells.
"""

from functools import lru_cache
from typing import Final

from schema_mcp.domain.json_schema.automaton import Program, TooLargeError, matches, translate, weight
from schema_mcp.domain.json_schema.regex import DeepPatternError, Node, parse

MAX_NAME: Final = 256
"""Longer names match no pattern."""
MAX_PATTERN: Final = 5_000
"""Longer patterns are taken without a look."""


class Pattern:
    """One pattern; raises `PatternError` where Java would refuse it."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text
        _tree(text)

    @property
    def is_understood(self) -> bool:
        return _program(self.text) is not None

    def effort(self, name: str) -> int:
        """How many steps a search takes at most."""
        size, checks = weight(_program(self.text) or ())
        return len(name) * size * (len(name) if checks else 1)

    def search(self, name: str) -> bool:
        """Is there a match anywhere in the name?"""
        program = _program(self.text)
        return program is not None and len(name) <= MAX_NAME and matches(program, name)


@lru_cache(maxsize=1024)
def _tree(text: str) -> Node | None:
    """The tree, where it says everything that the pattern says."""
    if len(text) > MAX_PATTERN:
        return None
    try:
        tree, understood = parse(text)
    except DeepPatternError:
        return None
    return tree if understood else None


@lru_cache(maxsize=1024)
def _program(text: str) -> Program | None:
    tree = _tree(text)
    try:
        return None if tree is None else translate(tree)
    except TooLargeError:
        return None
