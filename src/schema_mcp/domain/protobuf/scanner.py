"""The letters of a `.proto` text: words, strings, numbers and comments, each found where the last one ended.

As lenient as Square Wire's reader, which the registry uses: a word is any run of letters, digits, `_`, `-` and `.`,
so `9A` is a name, and `017` is seventeen.
"""

import re
from typing import NoReturn

from schema_mcp.domain.errors import InvalidSchemaError

SPACE = r"[ \t\r\n]"
_TRIVIA = rf"(?:{SPACE}++|//[^\n]*+|/\*(?:[^*]|\*(?!/))*+\*/)*+"
_skip = re.compile(_TRIVIA).match
_word = re.compile(rf"{_TRIVIA}([A-Za-z0-9_.\-]++)").match
_string = re.compile(r"""\"((?:[^"\\]|\\.)*+)\"|'((?:[^'\\]|\\.)*+)'""", re.DOTALL).match
_escape = re.compile(r"\\(?:[xX]([0-9a-fA-F]{1,2})|([0-7]{1,3})|(.))", re.DOTALL)
_comment = re.compile(r"//([^\n]*)|/\*((?:[^*]|\*(?!/))*+)\*/")
_trailing = re.compile(r"[ \t]*+(?:(?!/)|//([^\n]*)|/\*((?:[^*]|\*(?!/))*+)\*/[ \t]*+(?:\n|\Z))").match
_decimal = re.compile(r"-?[0-9]+").fullmatch
_hexadecimal = re.compile(r"0[xX](-?[0-9a-fA-F]+)").fullmatch

_NAMED_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_INT_LIMIT = 2**31
_TOO_LONG = 100


class Scanner:
    """A text and the place reading has come to."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def documentation(self) -> str:
        """Go to the next declaration and return the comments in front of it."""
        start = self.at
        self._skip()
        skipped = self.text[start : self.at]
        return comment_text(skipped) if "/" in skipped else ""

    def trailing_documentation(self, doc: str) -> str:
        """Add the comment that follows on the same line; nothing but a line end may stand after `/* */`."""
        found = _trailing(self.text, self.at)
        if found is None:
            self.fail("no syntax may follow a trailing comment")
        self.at = found.end()
        if found.lastindex is None:
            return doc
        return "\n".join(filter(None, (doc, _plain(found[1] or found[2] or ""))))

    @property
    def exhausted(self) -> bool:
        return self.at == len(self.text)

    def peek(self) -> str:
        """The next character that is neither space nor comment."""
        self._skip()
        if self.exhausted:
            self.fail("unexpected end of file")
        return self.text[self.at]

    def take(self, character: str) -> bool:
        """Step over this character if it comes next."""
        if self.peek() != character:
            return False
        self.at += 1
        return True

    def require(self, character: str) -> None:
        """Step over this character, which has to come next."""
        if not self.take(character):
            self.fail(f"expected '{character}' but was '{self.text[self.at]}'")

    def word(self) -> str:
        """The next word."""
        found = _word(self.text, self.at)
        if found is None:
            self._skip()
            self.fail("expected a word" if not self.exhausted else "unexpected end of file")
        self.at = found.end()
        return found[1]

    def name(self, *, keep_brackets: bool = False) -> str:
        """The next word, which may stand in parentheses or brackets."""
        closing = {"(": ")", "[": "]"}.get(opening := self.peek())
        if closing is None:
            return self.word()
        self.at += 1
        word = self.word()
        self.require(closing)
        return f"{opening}{word}{closing}" if keep_brackets else word

    def identifier(self) -> str:
        """The name of a field or constant: not even the lenient reader lets it begin with a digit."""
        name = self.name()
        if name[0].isdigit():
            self.fail(f"the name {name!r} cannot start with a digit")
        return name

    def integer(self) -> int:
        """The next word as a number of 32 bits."""
        return self.number(self.word())

    def number(self, word: str) -> int:
        """This word as a number of 32 bits."""
        if _decimal(word):
            number = int(word) if len(word) < _TOO_LONG else _INT_LIMIT
        elif found := _hexadecimal(word):
            number = int(found[1], 16)
        else:
            self.fail(f"expected an integer but was {word}")
        if not -_INT_LIMIT <= number < _INT_LIMIT:
            self.fail(f"{word} does not fit into 32 bits")
        return number

    def string(self) -> str:
        """The next quoted string; neighbours are joined."""
        parts: list[str] = []
        while (quote := self.peek()) in "\"'":
            found = _string(self.text, self.at)
            if found is None:
                self.fail(f"the string that begins with {quote} has no end")
            self.at = found.end()
            parts.append(found[1] if found[2] is None else found[2])
        if not parts:
            self.fail(f"expected a string but was '{self.text[self.at]}'")
        try:
            return unescaped("".join(parts))
        except ValueError as error:
            self.fail(str(error))

    def _skip(self) -> None:
        found = _skip(self.text, self.at)
        assert found is not None  # noqa: S101 - the pattern matches nothing, too
        self.at = found.end()

    def fail(self, what: str, *, at: int | None = None) -> NoReturn:
        """Refuse the text, and say where."""
        place = self.at if at is None else at
        line = self.text.count("\n", 0, place) + 1
        column = place - self.text.rfind("\n", 0, place)
        raise InvalidSchemaError(
            f"Could not parse Protobuf: line {line}, column {column}: {what}",
            hint="Correct the text there and try again.",
        )


def unescaped(text: str) -> str:
    """What a string says between its quotes: `\\n` is a line end, `\\x41` and `\\101` are `A`."""
    return _escape.sub(_meant, text) if "\\" in text else text


def _meant(found: re.Match[str]) -> str:
    hexadecimal, octal, other = found.groups()
    if hexadecimal:
        return chr(int(hexadecimal, 16))
    if octal:
        return chr(int(octal, 8))
    if other in "xX":
        raise ValueError("expected a digit after \\x")
    return _NAMED_ESCAPES.get(other, other)


def comment_text(trivia: str) -> str:
    """The words of all comments in a stretch of spaces and comments."""
    return "\n".join(filter(None, (_plain(line or block) for line, block in _comment.findall(trivia))))


def _plain(comment: str) -> str:
    lines = (line.strip().removeprefix("*").strip() for line in comment.strip().strip("*").split("\n"))
    return "\n".join(lines).strip()
