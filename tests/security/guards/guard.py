"""One guard of the product: where it stands, and who notices when it is gone."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path("src", "schema_mcp")


@dataclass(frozen=True, slots=True)
class Place:
    """A text that stands once in a file below `src/schema_mcp`, and what replaces it."""

    file: str
    text: str
    instead: str


@dataclass(frozen=True, slots=True)
class Guard:
    """What is taken out for an item of the checklist, and the tests that have to fail then, each of them.

    A guard may stand in several places, each of which would hold alone. Where the guard is that something is not there
    at all (no header is read, no tool asks back), what replaces the text puts it there. Tests are named below `tests`.
    """

    item: int
    places: Sequence[Place]
    tests: Sequence[str]

    def taken_out(self, root: Path) -> dict[Path, str]:
        """The files of a tree without the guard; raises `ValueError` where it does not stand there once."""
        changed: dict[Path, str] = {}
        for place in self.places:
            path = root / SOURCE / place.file
            whole = changed.get(path) or path.read_text(encoding="utf-8")
            if whole.count(place.text) != 1:
                raise ValueError(
                    f"Item {self.item} has moved: mend its row. {place.file} no longer has once: {place.text}"
                )
            changed[path] = whole.replace(place.text, place.instead)
        return changed
