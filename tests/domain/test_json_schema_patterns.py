"""Regular expressions as Java reads them."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema_mcp.domain.json_schema.patterns import Pattern
from schema_mcp.domain.json_schema.regex import PatternError


@pytest.mark.parametrize(
    ("pattern", "matched", "missed"),
    [
        pytest.param("^p", ["pine", "p"], ["apple", ""], id="start"),
        pytest.param("Seats", ["numSeats"], ["seats"], id="anywhere"),
        pytest.param("^a*$", ["", "aaa", "aa\n"], ["ab", "a\na"], id="end before a last line"),
        pytest.param("a\\z", ["ba"], ["a\n"], id="very end"),
        pytest.param("^(ab|c){2,3}$", ["abc", "cab", "ccc"], ["ab", "cccc"], id="counted group"),
        pytest.param("^a{2}$", ["aa"], ["a", "aaa"], id="exact count"),
        pytest.param("^a{2,}$", ["aa", "aaaa"], ["a"], id="open count"),
        pytest.param("^(a|b)?c+?$", ["c", "acc"], ["abc", "a"], id="lazy"),
        pytest.param("^[a-z&&[^aeiou]]+$", ["bcd"], ["bad"], id="intersection"),
        pytest.param("^[a-c[x-z]]+$", ["ax"], ["m"], id="union"),
        pytest.param("^[]a]$", ["]", "a"], ["b"], id="bracket first"),
        pytest.param("^[^\\d-]$", ["a"], ["5", "-"], id="negated class with a dash"),
        pytest.param("^\\p{Lu}\\w*$", ["Abc", "É"], ["abc"], id="category"),
        pytest.param("^\\P{Alpha}$", ["1", "é"], ["a"], id="inverse posix class is ASCII"),
        pytest.param("^\\d$", ["7"], ["٣"], id="digits are ASCII"),
        pytest.param("\\bfoo\\b", ["a foo b", "foo"], ["afoo"], id="word edge"),
        pytest.param("a\\Bb", ["ab"], ["a b"], id="no word edge"),
        pytest.param("^(?!x-)", ["ya", ""], ["x-a"], id="not followed by"),
        pytest.param("(?<=a)b$", ["ab"], ["cb"], id="preceded by"),
        pytest.param("^(?<!a)b", ["b"], ["ab"], id="not preceded by"),
        pytest.param("(?i)ABC", ["xabcx"], ["ab"], id="caseless"),
        pytest.param("^\\Qa*b\\E$", ["a*b"], ["aab"], id="quoted"),
        pytest.param("^\\x41\\u0042\\x{43}\\0104$", ["ABCD"], ["abcd"], id="numbered characters"),
        pytest.param("^.$", ["a", "😀"], ["\n", "ab"], id="dot"),
        pytest.param("^a++b$", ["aab"], ["a"], id="possessive"),
        pytest.param("^(?<first>a)(?:b)$", ["ab"], ["a"], id="groups"),
    ],
)
def test_names_match_as_in_java(pattern, matched, missed):
    read = Pattern(pattern)

    assert read.is_understood
    assert [name for name in matched if not read.search(name)] == []
    assert [name for name in missed if read.search(name)] == []


REFUSED = """( ) [ [] [^] [z-a] a** *a a|+ { {x} a{2,1} a{,3} a{99999999999} \\ \\y \\c (? (?z) (?<1>a) a) [a-\\b]"""


@pytest.mark.parametrize("pattern", REFUSED.split())
def test_java_refuses_and_so_do_we(pattern):
    with pytest.raises(PatternError):
        Pattern(pattern)


@pytest.mark.parametrize(
    "pattern", ["(a)\\1", "(?<n>a)\\k<n>", "a(?i)b", "\\p{IsGreek}", "(" * 99 + ")" * 99, "(a{99}){99}"]
)
def test_what_is_beyond_us_is_valid_and_matches_nothing(pattern):
    read = Pattern(pattern)

    assert not read.is_understood
    assert not read.search("aa")


@pytest.mark.parametrize(
    "pattern",
    ["^(a+)+$", "(a*a*a*a*a*)*b", "(?=(a+)+b)", "(?=a*(?=a*(?=a*b)))c", "(?<=(a+)+)c", "(a|a)*b", "(.*)(.*)(.*)(.*)z"],
)
def test_no_pattern_makes_us_hang(pattern):
    started = time.monotonic()

    assert not Pattern(pattern).search("a" * 255 + "!")

    assert time.monotonic() - started < 5


def test_longer_names_than_any_property_match_nothing():
    assert Pattern("a").search("a" * 256)
    assert not Pattern("a").search("a" * 257)


PIECES = st.sampled_from(["a", "b", "[ab]", "[^a]", ".", "(a|bc)", "(?:ab)*", "a?", "b{1,2}", "\\w", "^", "$", "(?!b)"])


@given(st.lists(PIECES, max_size=6).map("".join), st.text(alphabet="abc", max_size=8))
def test_plain_patterns_match_as_everywhere(pattern, name):
    assert Pattern(pattern).search(name) is (re.search(pattern, name) is not None)
