"""The smallest edit to the author's schema that makes one difference go away.

Mostly that is: put back what the other version had (a message, a field, a type, a label, the place in a oneof), or,
where the other version has to read what the author adds, take the addition back. Referenced files are left alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from schema_mcp.domain.formats import Difference
from schema_mcp.domain.protobuf.edits import (
    field_of,
    message_at,
    with_message,
    with_placed,
)
from schema_mcp.domain.protobuf.graft import Graft, NoGraftError, put_back
from schema_mcp.domain.protobuf.matching import Placed
from schema_mcp.domain.protobuf.model import MAX_TAG, Field, File, Label, Message, Reserved
from schema_mcp.domain.protobuf.printer import print_file
from schema_mcp.domain.protobuf.removal import in_package, without_type
from schema_mcp.domain.protobuf.schema import ProtobufSchema
from schema_mcp.domain.protobuf.validity import fields_of


def mended(parsed: ProtobufSchema, other: ProtobufSchema, difference: Difference, *, reads: bool) -> str | None:
    """The author's schema without this difference, or None where no small edit does it."""
    edit = _EDITS.get(difference.kind)
    if edit is None:
        return None
    try:
        file = edit(_Clash(parsed, other, reads), difference.path.removeprefix("#/").split("/"))
    except NoGraftError:
        return None
    return None if file is None or file == parsed.file else print_file(file)


@dataclass(frozen=True, slots=True)
class _Clash:
    """The author's schema and the version it clashed with; `reads` when the author's was the reader."""

    author: ProtobufSchema
    other: ProtobufSchema
    reads: bool


@dataclass(frozen=True, slots=True)
class _Spot:
    """A field number in a message that both schemas have, and who has a field there."""

    names: Sequence[str]
    mine: Message
    theirs: Message
    tag: int

    @property
    def my_field(self) -> Placed | None:
        return field_of(self.mine, self.tag)

    @property
    def their_field(self) -> Placed | None:
        return field_of(self.theirs, self.tag)


def _package(clash: _Clash, _: Sequence[str]) -> File | None:
    return in_package(clash.author, clash.other.file.package)


def _message_removed(clash: _Clash, names: Sequence[str]) -> File | None:
    if not clash.reads:
        return without_type(clash.author, clash.other, names)
    graft = Graft(clash.author, clash.other)
    graft.definition(".".join(names))
    return graft.file


def _type_changed(clash: _Clash, path: Sequence[str]) -> File | None:
    """Give the field a new number, the way to change a type in Protobuf; where the old one would be missed, its
    old type and label back."""
    spot = _spot(clash, path)
    if spot is None or spot.my_field is None or spot.their_field is None:
        return None
    placed = spot.my_field, spot.their_field
    if any(one.oneof or one.field.label is Label.REQUIRED for one in placed):
        oneof = None if spot.their_field.field.type.startswith("map<") else spot.my_field.oneof
        return put_back(clash.author, clash.other, spot.names, Placed(spot.their_field.field, oneof))
    return _renumbered(clash, spot, spot.my_field.field)


def _renumbered(clash: _Clash, spot: _Spot, mine: Field) -> File | None:
    taken = {one.tag for message in (spot.mine, spot.theirs) for one in fields_of(message)}
    new = replace(mine, tag=max(taken) + 1)
    if new.tag > MAX_TAG:
        return None

    def change(message: Message) -> Message:
        fields = tuple(new if one.tag == spot.tag else one for one in message.fields)
        return replace(message, fields=fields, reserved=(*message.reserved, Reserved((spot.tag,))))

    return with_message(clash.author.file, spot.names, change)


def _required(clash: _Clash, path: Sequence[str], *, mine: bool) -> File | None:
    """Make the author's own demand optional; meet the other side's by putting its field back."""
    spot = _spot(clash, path)
    if spot is None:
        return None
    if mine and spot.my_field:
        optional = replace(spot.my_field.field, label=Label.OPTIONAL)
        return with_placed(clash.author.file, spot.names, Placed(optional, spot.my_field.oneof))
    return put_back(clash.author, clash.other, spot.names, spot.their_field) if spot.their_field else None


def _required_added(clash: _Clash, path: Sequence[str]) -> File | None:
    return _required(clash, path, mine=clash.reads)


def _required_removed(clash: _Clash, path: Sequence[str]) -> File | None:
    return _required(clash, path, mine=not clash.reads)


def _choice_removed(clash: _Clash, path: Sequence[str]) -> File | None:
    """Put the choice back; a choice that the other side cannot read goes where that side has it, or outside."""
    spot = _spot(clash, path)
    if spot is None:
        return None
    if clash.reads:
        return (
            put_back(clash.author, clash.other, spot.names, Placed(spot.their_field.field, _home(spot, path[-2])))
            if spot.their_field
            else None
        )
    if spot.my_field is None:
        return None
    there = spot.their_field or Placed(replace(spot.my_field.field, label=None))
    field = replace(spot.my_field.field, label=there.field.label)
    return with_placed(clash.author.file, spot.names, Placed(field, there.oneof))


def _home(spot: _Spot, oneof: str) -> str:
    """The author's oneof for a choice of this one: of the same name, or where its fellow choices are now."""
    if any(one.name == oneof for one in spot.mine.oneofs):
        return oneof
    fellows = {one.tag for theirs in spot.theirs.oneofs if theirs.name == oneof for one in theirs.fields}
    return next((mine.name for mine in spot.mine.oneofs if any(one.tag in fellows for one in mine.fields)), oneof)


def _gathered(clash: _Clash, path: Sequence[str]) -> File | None:
    """Send fields that a oneof took in back to where they were; or follow the other side into its oneof."""
    *names, oneof = path
    mine, theirs = message_at(clash.author.file, names), message_at(clash.other.file, names)
    if mine is None or theirs is None:
        return None
    file = clash.author.file
    for field, home in _sent_back(mine, theirs, oneof) if clash.reads else _called_in(mine, theirs, oneof):
        file = with_placed(file, names, Placed(field, home))
    return file


def _sent_back(mine: Message, theirs: Message, oneof: str) -> list[tuple[Field, str | None]]:
    """The members that came from elsewhere, with their old places; those of one former oneof may stay."""
    members = next((one.fields for one in mine.oneofs if one.name == oneof), ())
    origins = [(member, there) for member in members if (there := field_of(theirs, member.tag))]
    oneofs = [there.oneof for _, there in origins if there.oneof]
    stays = oneof if oneof in oneofs else next(iter(oneofs), None)
    return [
        (replace(member, label=there.field.label), there.oneof)
        for member, there in origins
        if there.oneof is None or there.oneof != stays
    ]


def _called_in(mine: Message, theirs: Message, oneof: str) -> list[tuple[Field, str | None]]:
    """The author's fields that are members of the other side's oneof, to be put into one of that name."""
    members = next((one.fields for one in theirs.oneofs if one.name == oneof), ())
    found = (field_of(mine, member.tag) for member in members)
    return [(here.field, oneof) for here in found if here and here.oneof != oneof]


def _spot(clash: _Clash, path: Sequence[str]) -> _Spot | None:
    """What a path ending in a number means; in front of the number the name of a oneof may stand."""
    *names, tag = path
    for place in (names, names[:-1]):
        mine, theirs = message_at(clash.author.file, place), message_at(clash.other.file, place)
        if mine and theirs:
            spot = _Spot(place, mine, theirs, int(tag))
            if spot.my_field or spot.their_field:
                return spot
    return None


_Edit = Callable[[_Clash, Sequence[str]], File | None]

_EDITS: dict[str, _Edit] = {
    "PACKAGE_CHANGED": _package,
    "MESSAGE_REMOVED": _message_removed,
    "FIELD_KIND_CHANGED": _type_changed,
    "FIELD_SCALAR_KIND_CHANGED": _type_changed,
    "FIELD_NAMED_TYPE_CHANGED": _type_changed,
    "FIELD_NUMERIC_LABEL_CHANGED": _type_changed,
    "REQUIRED_FIELD_ADDED": _required_added,
    "REQUIRED_FIELD_REMOVED": _required_removed,
    "ONEOF_FIELD_REMOVED": _choice_removed,
    "MULTIPLE_FIELDS_MOVED_TO_ONEOF": _gathered,
    "FIELD_MOVED_TO_EXISTING_ONEOF": _gathered,
}
