"""Two versions of a file side by side: types by name, fields and constants by number."""

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from schema_mcp.domain.protobuf.model import Enum, Field, File, Label, Message
from schema_mcp.domain.protobuf.types import OWN, Definition, Source, definitions_of

_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Match(Generic[_Item]):
    """What only the old version has, what only the new one has, and what both have (old, new)."""

    removed: list[_Item]
    added: list[_Item]
    both: list[tuple[_Item, _Item]]


def matched(old: Iterable[_Item], new: Iterable[_Item], key: Callable[[_Item], Hashable]) -> Match[_Item]:
    """Match by key; the order is that of each version."""
    before, now = {key(item): item for item in old}, {key(item): item for item in new}
    return Match(
        [item for name, item in before.items() if name not in now],
        [item for name, item in now.items() if name not in before],
        [(item, now[name]) for name, item in before.items() if name in now],
    )


def matched_types(old: File, new: File) -> Match[Definition]:
    """Messages and enums by name, whatever the package."""
    return matched(_own(old), _own(new), lambda found: (found.name, found.is_enum))


def _own(file: File) -> Iterator[Definition]:
    """All types but the messages behind maps, in a readable order."""
    found = (one for one in definitions_of(Source(file, OWN)))
    return (one for one in found if not (isinstance(one.body, Message) and one.body.is_map_entry))


def message_pairs(types: Match[Definition]) -> Iterator[tuple[Definition, Message, Message]]:
    """The messages that both versions have: the new definition, the old and the new body."""
    for old, new in types.both:
        if isinstance(old.body, Message) and isinstance(new.body, Message):
            yield new, old.body, new.body


def enum_pairs(types: Match[Definition]) -> Iterator[tuple[Definition, Enum, Enum]]:
    """The enums that both versions have: the new definition, the old and the new body."""
    for old, new in types.both:
        if isinstance(old.body, Enum) and isinstance(new.body, Enum):
            yield new, old.body, new.body


def moved_messages(old: File, new: File) -> Iterator[tuple[str, int, int]]:
    """Top-level messages that stand at another place: name, old and new index.

    Serialisers send that index, so the order of messages is part of the wire format.
    """
    places = {message.name: index for index, message in enumerate(new.messages)}
    for index, message in enumerate(old.messages):
        place = places.get(message.name, index)
        if place != index:
            yield message.name, index, place


@dataclass(frozen=True, slots=True)
class Placed:
    """A field and the oneof it stands in."""

    field: Field
    oneof: str | None = None


def placed_fields(message: Message) -> list[Placed]:
    """All fields of a message, each with its oneof."""
    inside = [Placed(field, oneof.name) for oneof in message.oneofs for field in oneof.fields]
    return [*map(Placed, message.fields), *inside]


def matched_fields(old: Message, new: Message) -> Match[Placed]:
    """Fields by number, in or out of a oneof."""
    return matched(placed_fields(old), placed_fields(new), lambda placed: placed.field.tag)


def declared(field: Field) -> str:
    """A field's label and type as written: `repeated string`."""
    return f"{field.label} {field.type}" if field.label else field.type


def is_repeated(field: Field) -> bool:
    return field.label is Label.REPEATED
