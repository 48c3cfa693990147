"""The texts behind references: each asked for once, a whole depth at a time."""

import anyio
import pytest

from schema_mcp.domain.errors import InvalidSchemaError
from schema_mcp.domain.schema import Reference, Schema, Subject, Version
from schema_mcp.services.resolution import LATEST, whole


class Shelf:
    """Versions that take a moment to find, and how they were asked for."""

    def __init__(self, **uses: str):
        self.held = {name: [used for used in text.split() if used] for name, text in uses.items()}
        self.asked: list[str] = []
        self.rounds = 0
        self._waiting = 0

    async def find(self, subject: Subject, number: int) -> Version | None:
        self.asked.append(subject.name)
        self.rounds += self._waiting == 0
        self._waiting += 1
        await anyio.sleep(0.01)
        self._waiting -= 1
        if subject.name not in self.held:
            return None
        return Version(subject, 3 if number == LATEST else number, 1, schema(subject.name, self.held[subject.name]))


def schema(name: str, uses: list[str], version: int = LATEST) -> Schema:
    return Schema(name, references=tuple(Reference(used, used, version) for used in uses))


async def test_a_wide_tree_takes_as_many_rounds_as_it_is_deep():
    leaves = " ".join(f"leaf{number}" for number in range(10))
    shelf = Shelf(left=leaves, right=leaves, **{f"leaf{number}": "" for number in range(10)})

    found = await whole(schema("top", ["left", "right"]), Subject("top"), [shelf.find])

    assert shelf.rounds == 2
    assert sorted(shelf.asked) == sorted(shelf.held)  # each once, however many use it
    assert {one.subject for one in found.dependencies} == shelf.held.keys()


async def test_what_is_used_comes_before_what_uses_it_and_the_latest_is_pinned():
    shelf = Shelf(middle="leaf", leaf="")

    found = await whole(schema("top", ["middle"]), Subject("top", ".eu"), [shelf.find])

    assert [(one.subject, one.version) for one in found.dependencies] == [(":.eu:leaf", 3), (":.eu:middle", 3)]
    assert [one.version for one in found.schema.references] == [3]


@pytest.mark.parametrize(
    ("uses", "words"),
    [
        pytest.param({"a": "b", "b": "a"}, "circle", id="circle"),
        pytest.param({"a": "a"}, "circle", id="itself"),
        pytest.param({"a": "gone"}, "nobody has it", id="missing"),
        pytest.param(
            {"a": " ".join(f"l{number}" for number in range(1_200)), **{f"l{n}": "" for n in range(1_200)}},
            "More than 1000",
            id="too-many",
        ),
    ],
)
async def test_what_cannot_be_resolved_is_refused(uses: dict[str, str], words: str):
    shelf = Shelf(**uses)

    with pytest.raises(InvalidSchemaError, match=words):
        await whole(schema("top", ["a"], version=1), Subject("top"), [shelf.find])


async def test_the_second_finder_is_asked_for_what_the_first_does_not_have():
    first, second = Shelf(a=""), Shelf(a="", b="")

    found = await whole(schema("top", ["a", "b"]), Subject("top"), [first.find, second.find])

    assert len(found.dependencies) == 2
    assert second.asked == ["b"]
