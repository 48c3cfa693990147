"""JSON that says each thing once."""

import pytest

from schema_mcp.domain import once


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('{"a": 1, "a": 1}', id="the same twice"),
        pytest.param('{"a": 1, "b": {"c": [ {"d": 1, "d": 2} ]}}', id="far inside"),
        pytest.param('{"a": 1, "\\u0061": 2}', id="spelled in two ways"),
    ],
)
def test_what_names_something_twice_is_refused(text: str):
    with pytest.raises(once.TwiceError, match="twice"):
        once.parsed(text)


@pytest.mark.parametrize("text", ["{", "NaN", '{"a": Infinity}', ""])
def test_what_is_no_json_is_refused(text: str):
    with pytest.raises(ValueError, match=r"JSON|Expecting"):
        once.parsed(text)


def test_the_same_name_in_several_objects_is_no_matter():
    assert once.parsed(b'[{"a": {"a": 1}}, {"a": 2}]') == [{"a": {"a": 1}}, {"a": 2}]
