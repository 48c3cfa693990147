"""The page about security names tests that there are, and leaves no item out."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")


def test_every_item_is_there_once():
    assert [int(number) for number in re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)] == list(range(1, 63))


def test_every_test_that_is_named_exists():
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", PAGE)
    missing = [f"{file}::{name}" for file, name in named if f"def {name}(" not in (ROOT / "tests" / file).read_text()]

    assert len(named) > 60
    assert missing == []


def test_an_item_without_a_test_says_why():
    bare = re.findall(r"^\| \d+ \| [^|]+ \| none \| ([^|]*)\|$", PAGE, re.MULTILINE)

    assert all(one.strip() for one in bare)
