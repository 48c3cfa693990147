"""What others wrote shows what it holds, and says what it said."""

import json
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema_mcp.domain.untrusted import cleaned, needs_cleaning, spelled_out

ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.text() | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)
SHOWN = "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
"""Formats that show a sign."""


def hidden(text: str) -> list[str]:
    """Characters that no reader sees."""
    unseen = ("Cc", "Cf", "Cs", "Zl", "Zp")
    return [one for one in text if unicodedata.category(one) in unseen and one not in "\n\t" + SHOWN]


@given(st.text(alphabet=st.characters(codec=None)))
def test_nothing_stays_that_cannot_be_seen(text: str):
    assert hidden(spelled_out(text)) == []


@given(ANYTHING)
def test_a_json_text_means_the_same(value: Any):
    text = json.dumps(value, ensure_ascii=False)

    assert json.loads(spelled_out(text)) == value


@given(ANYTHING)
def test_one_look_tells_whether_there_is_something_to_spell_out(value: Any):
    assert needs_cleaning(json.dumps(value, ensure_ascii=False)) >= (cleaned(value) != value)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("a\u202eb", "a\\u202eb", id="turned order"),
        pytest.param("\x1b[31mred", "\\u001b[31mred", id="a terminal's command"),
        pytest.param("or\u200bder", "or\\u200bder", id="no width"),
        pytest.param("x\U000e0041", "x\\udb40\\udc41", id="tags, an alphabet nobody sees"),
        pytest.param("x\u3164y", "x\\u3164y", id="a letter that is blank"),
        pytest.param("\u2764\ufe0f\ufe0f\ufe0e", "\u2764\ufe0f\\ufe0f\\ufe0e", id="selectors in a row"),
        pytest.param("\u2028", "\\u2028", id="a separator of lines"),
        pytest.param("\ud800", "\\ud800", id="half of a pair"),
        pytest.param("väłüe 注文 \u2764\ufe0f\n\t", "väłüe 注文 \u2764\ufe0f\n\t", id="ordinary writing"),
    ],
)
def test_what_is_spelled_out(text: str, shown: str):
    assert spelled_out(text) == shown


def test_long_runs_can_be_told_briefly():
    assert cleaned({"a\u200b\u200b": ["\u202e" * 500]}, brief=True) == {"a\ufffd": ["\ufffd"]}
