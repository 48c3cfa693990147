"""Numbers as Java prints them, because the text is what a registry hashes."""

import re
import struct
from decimal import Decimal

_JAVA_DOUBLE = re.compile(r"\s*[+-]?(NaN|Infinity|(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?[fFdD]?)\s*\Z", re.ASCII)
_SPECIAL = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}

# java.lang.Double.toString: plain decimals from 10^-3 up to 10^7, scientific notation beyond.
_SMALLEST_PLAIN = -3
_LARGEST_PLAIN = 7


def double_text(value: float) -> str:
    """`Double.toString`: the shortest digits that read back as the same double."""
    if special := _SPECIAL.get(repr(value)):
        return special
    digits = repr(value)
    # Of two digits the nearer one wins even where one would do: Double.MIN_VALUE is 4.9E-324.
    if float(two := f"{value:.1e}") == value:
        digits = two
    return _laid_out(Decimal(digits))


def float_text(value: float) -> str:
    """`Float.toString` of the nearest 32-bit float."""
    try:
        single = _single(value)
    except OverflowError:
        return "-Infinity" if value < 0 else "Infinity"
    if special := _SPECIAL.get(repr(single)):
        return special
    candidates = (f"{single:.{digits}e}" for digits in range(1, 9))
    return _laid_out(Decimal(next(text for text in candidates if _single(float(text)) == single)))


def double_from_text(text: str) -> float | None:
    """`Double.parseDouble`, or None where Java throws."""
    if not _JAVA_DOUBLE.match(text):
        return None
    return float(text.strip().rstrip("fFdD"))


def _single(value: float) -> float:
    return struct.unpack("f", struct.pack("f", value))[0]


def _laid_out(number: Decimal) -> str:
    sign, digits, _ = number.as_tuple()
    exponent = number.adjusted()
    text = "".join(map(str, digits)).rstrip("0") or "0"
    minus = "-" if sign else ""
    if not number:
        return f"{minus}0.0"
    if _SMALLEST_PLAIN <= exponent < _LARGEST_PLAIN:
        return minus + _plain(text, exponent)
    return f"{minus}{text[0]}.{text[1:] or '0'}E{exponent}"


def _plain(digits: str, exponent: int) -> str:
    if exponent < 0:
        return "0." + "0" * (-exponent - 1) + digits
    whole = digits[: exponent + 1].ljust(exponent + 1, "0")
    return f"{whole}.{digits[exponent + 1 :] or '0'}"
