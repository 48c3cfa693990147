"""Results laid out for people: what stands where, and what cannot command a terminal."""

import io
from typing import Any

import pytest
from rich.console import Console

from schema_mcp.interfaces.cli.render import lay_out


def shown(content: dict[str, Any]) -> str:
    out = io.StringIO()
    lay_out(content, Console(file=out, width=120, markup=False, highlight=False))
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ({"in_sync": True}, "in sync: yes"),
        ({"blocked": []}, "blocked: none"),
        ({"tags": {}}, "tags: none"),
        ({"counts": {"missing": 3, "in_order": False}}, "  in order: no"),
        ({"rows": [{"last": {"task": "t1", "status": "done"}}]}, "task t1, status done"),
        ({"rows": [{"names": ["a", "b"]}]}, "a, b"),
        ({"subject": "\x1b[31mred"}, "subject: \N{REPLACEMENT CHARACTER}[31mred"),
    ],
)
def test_a_value_is_shown_for_people(content: dict[str, Any], line: str):
    assert line in shown(content)


def test_what_has_nothing_to_say_is_left_out():
    assert shown({"next": "", "plan": "p"}) == "plan: p\n"
