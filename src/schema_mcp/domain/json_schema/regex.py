"""The syntax of java.util.regex, read into a small tree."""

import re
import sys
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, TypeAlias

from schema_mcp.domain.json_schema import characters
from schema_mcp.domain.json_schema.characters import Test

MAX_GROUPS: Final = 30
"""Groups nested deeper are not looked into."""


class PatternError(ValueError):
    """Java would refuse the pattern."""


class Place(Enum):
    """Where a match stands, rather than what it holds."""

    START = auto()
    END = auto()
    VERY_END = auto()
    WORD_EDGE = auto()
    NO_WORD_EDGE = auto()


@dataclass(frozen=True, slots=True)
class One:
    test: Test


@dataclass(frozen=True, slots=True)
class Sequence:
    items: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Choice:
    branches: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Repeat:
    item: "Node"
    least: int
    most: int | None


@dataclass(frozen=True, slots=True)
class At:
    place: Place


@dataclass(frozen=True, slots=True)
class Look:
    item: "Node"
    ahead: bool
    negated: bool


Node: TypeAlias = One | Sequence | Choice | Repeat | At | Look

_EMPTY: Final = Sequence(())
_COUNT: Final = re.compile(r"\{(\d+)(,(\d*))?\}")
_GROUP: Final = re.compile(r"\?(?:(:|>|=|!|<=|<!)|<([A-Za-z][A-Za-z0-9]*)>|([idmsuxU]*(?:-[idmsuxU]*)?)([:)]))")
_HEX: Final = re.compile(
    r"x([0-9a-fA-F]{2})|x\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4})|0([0-3]?[0-7]{1,2})|c(.)", re.DOTALL
)
_PROPERTY: Final = re.compile(r"[pP](?:\{(\^?[A-Za-z_=0-9 -]+)\}|([A-Z]))")
_BEYOND: Final = re.compile(r"k<[A-Za-z][A-Za-z0-9]*>|N\{[^}]+\}|[1-9]|[RXG]|b\{g\}")
_PLACES: Final = {
    "b": Place.WORD_EDGE,
    "B": Place.NO_WORD_EDGE,
    "A": Place.START,
    "Z": Place.END,
    "z": Place.VERY_END,
}


def parse(pattern: str) -> tuple[Node, bool]:
    """The tree of a pattern, and whether the tree says everything that the pattern says."""
    parser = _Parser(pattern)
    return parser.tree(), parser.understood


class _Parser:
    def __init__(self, pattern: str) -> None:
        self.understood = True
        self._text = pattern
        self._at = 0
        self._depth = 0
        self._caseless = False

    def tree(self) -> Node:
        node = self._choice()
        if self._at < len(self._text):
            raise PatternError(f"unmatched ')' at {self._at}")
        return node

    def _choice(self) -> Node:
        branches = [self._sequence()]
        while self._took("|"):
            branches.append(self._sequence())
        return branches[0] if len(branches) == 1 else Choice(tuple(branches))

    def _sequence(self) -> Node:
        items: list[Node] = []
        while self._peek() not in {"", "|", ")"}:
            items.append(self._repeated(self._item()))
        return Sequence(tuple(items))

    def _item(self) -> Node:
        match self._peek():
            case "*" | "+" | "?" as sign:
                raise PatternError(f"dangling {sign!r} at {self._at}")
            case "{":
                return _EMPTY
            case "(":
                return self._group()
            case "[":
                self._at += 1
                return self._one(self._class())
            case "\\":
                self._at += 1
                return self._escape()
            case "^" | "$" | "." as sign:
                self._at += 1
                return {"^": At(Place.START), "$": At(Place.END), ".": One(characters.ANY)}[sign]
            case character:
                self._at += 1
                return self._one(characters.exactly(character))

    def _one(self, test: Test) -> One:
        return One(characters.caseless(test) if self._caseless else test)

    def _repeated(self, item: Node) -> Node:
        least, most = {"*": (0, None), "+": (1, None), "?": (0, 1)}.get(self._peek(), (1, 1))
        if self._peek() == "{":
            least, most = self._count()
        elif (least, most) == (1, 1):
            return item
        else:
            self._at += 1
        if self._peek() in {"?", "+"}:
            self._at += 1
        return Repeat(item, least, most)

    def _count(self) -> tuple[int, int | None]:
        match = self._take(_COUNT)
        if match is None:
            raise PatternError(f"illegal repetition at {self._at}")
        digits = max(len(match[1]), len(match[3] or ""))
        least = int(match[1][:10])
        most = int((match[3] or "0")[:10]) if match[3] else None if match[2] else least
        if digits > len("2147483647") or (most is not None and most < least):
            raise PatternError(f"illegal repetition range at {self._at}")
        return least, most

    def _group(self) -> Node:
        start = self._at
        self._at += 1
        match = self._take(_GROUP)
        if match is None and self._peek() == "?":
            raise PatternError(f"unknown kind of group at {start}")
        kind, flags = (match[1] or "", match[3] or "") if match else ("", "")
        if flags:
            self._flag(flags, start)
        if match and match[4] == ")":
            return _EMPTY
        node = self._inside()
        if not self._took(")"):
            raise PatternError(f"unclosed group at {start}")
        return Look(node, "<" not in kind, "!" in kind) if kind in {"=", "!", "<=", "<!"} else node

    def _flag(self, flags: str, start: int) -> None:
        """`(?i)` at the very beginning is for the whole pattern; other flags are beyond us."""
        if flags == "i" and start == 0:
            self._caseless = True
        else:
            self.understood = False

    def _inside(self) -> Node:
        if self._depth >= MAX_GROUPS:
            raise DeepPatternError
        self._depth += 1
        node = self._choice()
        self._depth -= 1
        return node

    def _class(self) -> Test:
        """After `[`: members until `]`; one that comes first stands for itself."""
        if self._depth >= MAX_GROUPS:
            raise DeepPatternError
        self._depth += 1
        negated = self._took("^")
        unions: list[list[Test]] = [[]]
        while not (self._peek() == "]" and (unions[0] or len(unions) > 1)):
            if self._text.startswith("&&", self._at):
                self._at += 2
                unions.append([])
            else:
                unions[-1].append(self._member())
        self._at += 1
        self._depth -= 1
        both = characters.all_of([characters.any_of(tests) for tests in unions if tests])
        return characters.inverse(both) if negated else both

    def _member(self) -> Test:
        if self._took("["):
            return self._class()
        low = self._character()
        if not isinstance(low, str):
            return low
        following = self._text[self._at + 1 : self._at + 2]
        if self._peek() != "-" or following in {"", "]", "["}:
            return characters.exactly(low)
        self._at += 1
        high = self._character()
        if not isinstance(high, str):
            return characters.any_of([characters.one_of([low, "-"]), high])
        if high < low:
            raise PatternError(f"illegal character range at {self._at}")
        return characters.between(low, high)

    def _character(self) -> str | Test:
        """One character of a class, written out or escaped; or a class in it."""
        character = self._peek()
        if not character:
            raise PatternError("unclosed character class")
        self._at += 1
        if character != "\\":
            return character
        found = self._escaped()
        if isinstance(found, Place):
            raise PatternError(f"illegal escape in a class at {self._at}")
        return found

    def _escape(self) -> Node:
        if self._take(_BEYOND):
            self.understood = False
            return _EMPTY
        if self._took("Q"):
            return self._quoted()
        found = self._escaped()
        if isinstance(found, Place):
            return At(found)
        return self._one(characters.exactly(found) if isinstance(found, str) else found)

    def _quoted(self) -> Node:
        end = self._text.find("\\E", self._at)
        stop = len(self._text) if end < 0 else end
        quoted = self._text[self._at : stop]
        self._at = min(len(self._text), stop + 2)
        return Sequence(tuple(self._one(characters.exactly(character)) for character in quoted))

    def _escaped(self) -> str | Test | Place:
        """What stands after a backslash."""
        match = self._take(_HEX)
        if match:
            return _numbered(match)
        match = self._take(_PROPERTY)
        if match:
            return self._property(match)
        letter = self._peek()
        self._at += 1
        if letter in _PLACES:
            return _PLACES[letter]
        if letter.lower() in characters.ESCAPED:
            test = characters.ESCAPED[letter.lower()]
            return characters.inverse(test) if letter.isupper() else test
        if not letter or (letter.isascii() and letter.isalnum() and letter not in characters.LITERAL):
            raise PatternError(f"illegal escape at {self._at}")
        return characters.LITERAL.get(letter, letter)

    def _property(self, match: re.Match[str]) -> Test:
        name = match[1] or match[2]
        test = characters.named(name.removeprefix("^"))
        if test is None:
            self.understood = False
            return characters.one_of("")
        return characters.inverse(test) if match[0].startswith("P") != name.startswith("^") else test

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _took(self, character: str) -> bool:
        found = self._peek() == character
        self._at += found
        return found

    def _take(self, what: re.Pattern[str]) -> re.Match[str] | None:
        match = what.match(self._text, self._at)
        self._at = match.end() if match else self._at
        return match


class DeepPatternError(Exception):
    """Nested too deep to look into."""


def _numbered(match: re.Match[str]) -> str:
    if match[5]:
        return chr(ord(match[5]) ^ 64)
    code = int(match[4], 8) if match[4] else int(match[1] or match[2] or match[3], 16)
    if code > sys.maxunicode:
        raise PatternError(f"no such character: {match[0]}")
    return chr(code)
