r"""Texts that others wrote, made harmless to look at: what cannot be seen, or turns its surroundings, is spelled out.

A character that is a command (U+001B), changes the order of reading (U+202E), or shows nothing (U+200B, U+E0041,
U+3164) becomes its JSON escape, `\u202e`. Inside a JSON text that means the same, and elsewhere nothing is lost either.
Unicode Technical Report 36 and Unicode Standard Annex 9 tell why.
"""

import re
from typing import Any, Final, cast

_UNSEEN: Final = re.compile(
    r"[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    r"\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ud800-\udfff\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb"
    r"\U00013430-\U00013438\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e007f\U000e0100-\U000e01ef]"
    r"|(?<=[\ufe0e\ufe0f])[\ufe0e\ufe0f]"
)
"""Categories Cc (but line break and tab), Cf (but what shows a sign), Cs, Zl and Zp, and letters and marks that show
nothing. One selector of a picture's form is as usual; many in a row carry a hidden text."""

_RUN: Final = re.compile(f"(?:{_UNSEEN.pattern})+")

_ESCAPED: Final = re.compile(r"\\u00[01]|\\[bfr]")
"""What JSON has escaped itself: a control character, line break and tab aside."""


def needs_cleaning(json_text: str) -> bool:
    """Whether any text in a JSON document has something to spell out; in one look for nearly all."""
    if "\\" in json_text and _ESCAPED.search(json_text):
        return True
    return "\x7f" in json_text if json_text.isascii() else _UNSEEN.search(json_text) is not None


def cleaned(value: Any, *, brief: bool = False) -> Any:
    """The same with every text in it spelled out, names of fields too; `brief` has one sign for many."""
    match value:
        case str():
            return _RUN.sub("\N{REPLACEMENT CHARACTER}", value) if brief else spelled_out(value)
        case dict():
            named = cast("dict[str, Any]", value).items()
            return {cleaned(name, brief=brief): cleaned(one, brief=brief) for name, one in named}
        case list() | tuple():
            return [cleaned(one, brief=brief) for one in cast("list[Any]", value)]
        case _:
            return value


def spelled_out(text: str) -> str:
    """A text in which every character that cannot be seen stands as its escape."""
    return _UNSEEN.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code <= 0xFFFF:  # noqa: PLR2004 - what one escape holds
        return f"\\u{code:04x}"
    high, low = divmod(code - 0x10000, 0x400)
    return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"
