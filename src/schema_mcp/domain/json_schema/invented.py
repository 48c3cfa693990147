"""Texts made up for a pattern or a format."""

from functools import lru_cache
from random import Random
from typing import Final

from schema_mcp.domain.json_schema.characters import Test
from schema_mcp.domain.json_schema.regex import (
    At,
    Choice,
    DeepPatternError,
    Look,
    Node,
    One,
    PatternError,
    Repeat,
    Sequence,
    parse,
)

_ALPHABET: Final = (
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:@ !#$%&'()*+,;<=>?[\\]^`{|}~\"\t\n"
)
_FAR: Final = 0x3000
_LONGEST: Final = 5_000
_FEW: Final = 12

FORMATS: Final = {
    "date-time": "2024-05-17T09:30:00Z",
    "date": "2024-05-17",
    "time": "09:30:00Z",
    "duration": "P3D",
    "email": "ann@example.com",
    "idn-email": "ann@example.com",
    "hostname": "example.com",
    "idn-hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/orders/7",
    "uri-reference": "/orders/7",
    "iri": "https://example.com/orders/7",
    "iri-reference": "/orders/7",
    "uri-template": "https://example.com/orders/{id}",
    "uuid": "0a3c1f9e-5b7d-4e2a-9c41-6d8f0b2e4a17",
    "json-pointer": "/lines/0",
    "relative-json-pointer": "1/lines",
    "regex": "^[a-z]+$",
}
"""A text for each format that the drafts know."""


def matching(pattern: str, random: Random, *, more: int) -> str:
    """A text that should match, repetitions drawn out by up to `more`; nothing where the pattern is beyond us."""
    tree = _tree(pattern)
    made = "" if tree is None else _made(tree, random, more)
    return made[:_LONGEST]


@lru_cache(maxsize=256)
def _tree(pattern: str) -> Node | None:
    try:
        return parse(pattern)[0]
    except (PatternError, DeepPatternError):
        return None


def _made(node: Node, random: Random, more: int) -> str:
    match node:
        case One(test):
            return random.choice(_characters(test) or [""])
        case Sequence(items):
            return "".join(_made(item, random, more) for item in items)
        case Choice(branches):
            return _made(random.choice(branches), random, more)
        case Repeat(item, least, most):
            highest = least + more if most is None else min(most, least + more)
            return "".join(_made(item, random, more) for _ in range(min(random.randint(least, highest), _LONGEST)))
        case At() | Look():
            return ""


@lru_cache(maxsize=512)
def _characters(test: Test) -> list[str]:
    """Some characters that pass, plain ones first."""
    plain = [character for character in _ALPHABET if test(character)][:_FEW]
    return plain or [character for character in map(chr, range(_FAR)) if test(character)][:_FEW]
