"""The page about security leaves no item out, and what it says of tests and guards is so."""

import ast
import re
from pathlib import Path

import pytest

from security.guards import GUARDS
from security.guards.guard import Guard

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
NAMED = re.compile(r"`([\w/]+\.py)::(\w+)`( †)?")
"""A test of an item; the dagger says that it was not seen to fail."""

ITEMS = {int(row[1]): row[0] for row in re.finditer(r"^\| (\d+) \|.*$", PAGE, re.MULTILINE)}
EVERY = range(1, 63)


def test_every_item_is_there_once():
    assert [int(number) for number in re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)] == [*EVERY]


def test_every_test_that_is_named_exists():
    named = NAMED.findall(PAGE)
    missing = [
        f"{file}::{name}" for file, name, _ in named if f"def {name}(" not in (ROOT / "tests" / file).read_text()
    ]

    assert len(named) > 100
    assert missing == []
    assert len([dagger for *_, dagger in named if dagger]) < 5


@pytest.mark.parametrize("item", EVERY)
def test_an_item_is_marked_whose_guard_can_be_taken_out(item: int):
    guards = [one for one in GUARDS if one.item == item]
    wanted = {test.partition("[")[0] for guard in guards for test in guard.tests}

    assert guards
    assert "| *M*" in ITEMS[item]
    assert wanted == {f"{file}::{name}" for file, name, dagger in NAMED.findall(ITEMS[item]) if not dagger}


@pytest.mark.parametrize("guard", [pytest.param(one, id=f"{one.item} {one.places[0].file}") for one in GUARDS])
def test_a_guard_stands_where_it_would_be_taken_out(guard: Guard):
    for path, text in guard.taken_out(ROOT).items():
        ast.parse(text)
        assert text != path.read_text(encoding="utf-8")


def test_guards_are_told_in_the_order_of_the_page():
    assert [one.item for one in GUARDS] == sorted(one.item for one in GUARDS)
