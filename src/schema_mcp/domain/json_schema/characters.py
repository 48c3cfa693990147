"""Which characters a class of java.util.regex takes in: `\\d`, `\\p{Lu}`, ranges, unions and intersections."""

import string
import unicodedata
from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

Test: TypeAlias = Callable[[str], bool]


def exactly(character: str) -> Test:
    return lambda seen: seen == character


def between(low: str, high: str) -> Test:
    return lambda seen: low <= seen <= high


def one_of(characters: Iterable[str]) -> Test:
    wanted = frozenset(characters)
    return lambda seen: seen in wanted


def inverse(test: Test) -> Test:
    return lambda seen: not test(seen)


def any_of(tests: list[Test]) -> Test:
    return lambda seen: any(test(seen) for test in tests)


def all_of(tests: list[Test]) -> Test:
    return lambda seen: all(test(seen) for test in tests)


def caseless(test: Test) -> Test:
    return lambda seen: test(seen) or test(seen.swapcase())


def in_category(prefix: str) -> Test:
    return lambda seen: unicodedata.category(seen).startswith(prefix)


_HORIZONTAL: Final = one_of(" \t\xa0\u1680\u180e\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B))))
_VERTICAL: Final = one_of("\n\v\f\r\x85\u2028\u2029")

ANY: Final = inverse(one_of("\n\r\x85\u2028\u2029"))
"""`.`"""

WORD: Final = one_of(string.ascii_letters + string.digits + "_")

ESCAPED: Final[dict[str, Test]] = {
    "d": one_of(string.digits),
    "w": WORD,
    "s": one_of(" \t\n\v\f\r"),
    "h": _HORIZONTAL,
    "v": _VERTICAL,
}
"""Classes of one letter; the capital is the inverse."""

LITERAL: Final = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "a": "\a", "e": "\x1b"}

_POSIX: Final[dict[str, Test]] = {
    "Lower": one_of(string.ascii_lowercase),
    "Upper": one_of(string.ascii_uppercase),
    "ASCII": between("\0", "\x7f"),
    "Alpha": one_of(string.ascii_letters),
    "Digit": one_of(string.digits),
    "Alnum": one_of(string.ascii_letters + string.digits),
    "Punct": one_of(string.punctuation),
    "Graph": between("!", "~"),
    "Print": between(" ", "~"),
    "Blank": one_of(" \t"),
    "Cntrl": any_of([between("\0", "\x1f"), exactly("\x7f")]),
    "XDigit": one_of(string.hexdigits),
    "Space": one_of(" \t\n\v\f\r"),
    "IsAlphabetic": str.isalpha,
    "IsLetter": str.isalpha,
    "IsDigit": in_category("Nd"),
    "IsUppercase": str.isupper,
    "IsLowercase": str.islower,
    "IsWhite_Space": str.isspace,
}

_CATEGORIES: Final = frozenset(
    {*"LMNPSZC"}
    | {"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po"}
    | {"Sm", "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co", "Cn"}
)


def named(name: str) -> Test | None:
    """The class `\\p{name}`, where it is one of those we know."""
    if name in _POSIX:
        return _POSIX[name]
    category = name.removeprefix("Is").removeprefix("gc=").removeprefix("general_category=")
    return in_category(category) if category in _CATEGORIES else None
