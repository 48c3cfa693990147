"""Which fields of two messages belong together, and what became of the others: the rules about oneofs.

There are two generations. In Confluent's next release every field is found by its number, in or out of a oneof. Up
to 8.3 the fields outside of oneofs are held against each other, and each oneof against the one of the same name.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from schema_mcp.domain.protobuf.model import Field, Label, Message
from schema_mcp.domain.schema import Semantics


@dataclass(slots=True)
class Pairing:
    """Fields to compare (path, the reader's, the writer's), and differences seen on the way (kind, path, name)."""

    pairs: list[tuple[str, Field, Field]] = field(default_factory=list[tuple[str, Field, Field]])
    found: list[tuple[str, str, str]] = field(default_factory=list[tuple[str, str, str]])


@dataclass(frozen=True, slots=True)
class _Member:
    field: Field
    oneof: str | None = None


def paired(reader: Message, writer: Message, path: str, semantics: Semantics) -> Pairing:
    """Put the fields of two messages together under the rules asked for."""
    pairing = Pairing()
    if semantics is Semantics.CONFLUENT_NEXT:
        _by_number(pairing, reader, writer, path)
    else:
        _by_place(pairing, reader, writer, path)
    return pairing


def _by_number(pairing: Pairing, reader: Message, writer: Message, path: str) -> None:
    """The next release: numbers decide, wherever a field stands."""
    now, before = _members(reader), _members(writer)
    vanished = _vanished(reader, writer, now)
    for tag, was in before.items():
        if tag in now:
            _compare(pairing, now[tag], was, path)
        elif was.oneof is None:
            pairing.found.append(_removed(was.field, path))
        elif was.oneof not in vanished:
            pairing.found.append(("ONEOF_FIELD_REMOVED", f"{path}/{was.oneof}/{tag}", was.field.name))
    for tag, member in now.items():
        if tag in before:
            continue
        if member.oneof is None:
            pairing.found.append(_added(member.field, path))
        else:
            pairing.found.append(("ONEOF_FIELD_ADDED", f"{path}/{member.oneof}/{tag}", member.field.name))
    _oneof_names(pairing, reader, writer, path)
    for oneof in reader.oneofs:
        _gathered(pairing, oneof.name, [before[one.tag] for one in oneof.fields if one.tag in before], path)


def _members(message: Message) -> dict[int, _Member]:
    members = {one.tag: _Member(one) for one in message.fields}
    for oneof in message.oneofs:
        members.update((one.tag, _Member(one, oneof.name)) for one in oneof.fields)
    return members


def _vanished(reader: Message, writer: Message, now: dict[int, _Member]) -> set[str]:
    """The writer's oneofs of which the reader has neither the name nor any member."""
    names = {oneof.name for oneof in reader.oneofs}
    return {
        oneof.name
        for oneof in writer.oneofs
        if oneof.name not in names and not any(one.tag in now for one in oneof.fields)
    }


def _compare(pairing: Pairing, now: _Member, was: _Member, path: str) -> None:
    tag = now.field.tag
    place = f"{path}/{now.oneof}/{tag}" if now.oneof else f"{path}/{tag}"
    if was.oneof and not now.oneof:
        pairing.found.append(("ONEOF_FIELD_MOVED_TO_TOP_LEVEL", place, now.field.name))
    pairing.pairs.append((place, now.field, was.field))


def _gathered(pairing: Pairing, oneof: str, origins: list[_Member], path: str) -> None:
    """A oneof whose members came from more than one place loses what was set together."""
    top_level = sum(member.oneof is None for member in origins)
    places = top_level + len({member.oneof for member in origins if member.oneof})
    if places > 1:
        kind = "MULTIPLE_FIELDS_MOVED_TO_ONEOF" if top_level > 1 else "FIELD_MOVED_TO_EXISTING_ONEOF"
        pairing.found.append((kind, f"{path}/{oneof}", oneof))


def _by_place(pairing: Pairing, reader: Message, writer: Message, path: str) -> None:
    """Up to 8.3: fields outside of oneofs among themselves, oneofs by name."""
    before = {one.tag: one for one in writer.fields}
    _top_level(pairing, reader, before, path)
    _oneof_names(pairing, reader, writer, path)
    old = {oneof.name: oneof for oneof in writer.oneofs}
    for oneof in reader.oneofs:
        place = f"{path}/{oneof.name}"
        moved = sum(one.tag in before for one in oneof.fields)
        if moved > 1:
            pairing.found.append(("MULTIPLE_FIELDS_MOVED_TO_ONEOF", place, oneof.name))
        elif moved and oneof.name in old:
            pairing.found.append(("FIELD_MOVED_TO_EXISTING_ONEOF", place, oneof.name))
        if was := old.get(oneof.name):
            _oneof_fields(pairing, oneof.fields, was.fields, place)


def _top_level(pairing: Pairing, reader: Message, before: dict[int, Field], path: str) -> None:
    """A field that moved into a oneof is not removed, one that came out of a oneof is added."""
    now = {one.tag: one for one in reader.fields}
    in_oneofs = {one.tag for oneof in reader.oneofs for one in oneof.fields}
    for tag, was in before.items():
        if tag in now:
            pairing.pairs.append((f"{path}/{tag}", now[tag], was))
        elif tag not in in_oneofs:
            pairing.found.append(_removed(was, path))
    pairing.found += [_added(one, path) for tag, one in now.items() if tag not in before]


def _oneof_fields(pairing: Pairing, reader: Iterable[Field], writer: Iterable[Field], place: str) -> None:
    now, before = {one.tag: one for one in reader}, {one.tag: one for one in writer}
    for tag, was in before.items():
        if tag in now:
            pairing.pairs.append((f"{place}/{tag}", now[tag], was))
        else:
            pairing.found.append(("ONEOF_FIELD_REMOVED", f"{place}/{tag}", was.name))
    pairing.found += [
        ("ONEOF_FIELD_ADDED", f"{place}/{tag}", one.name) for tag, one in now.items() if tag not in before
    ]


def _oneof_names(pairing: Pairing, reader: Message, writer: Message, path: str) -> None:
    now = dict.fromkeys(oneof.name for oneof in reader.oneofs)
    before = dict.fromkeys(oneof.name for oneof in writer.oneofs)
    pairing.found += [("ONEOF_REMOVED", f"{path}/{name}", name) for name in before if name not in now]
    pairing.found += [("ONEOF_ADDED", f"{path}/{name}", name) for name in now if name not in before]


def _removed(one: Field, path: str) -> tuple[str, str, str]:
    kind = "REQUIRED_FIELD_REMOVED" if one.label is Label.REQUIRED else "FIELD_REMOVED"
    return kind, f"{path}/{one.tag}", one.name


def _added(one: Field, path: str) -> tuple[str, str, str]:
    kind = "REQUIRED_FIELD_ADDED" if one.label is Label.REQUIRED else "FIELD_ADDED"
    return kind, f"{path}/{one.tag}", one.name
