"""One edit for each kind of clash: for the author's schema as the reader, and as the writer."""

from collections.abc import Callable
from typing import cast

from schema_mcp.domain.avro.compatibility import READS, Clash, Found, Spot, clashes
from schema_mcp.domain.avro.defaults import empty
from schema_mcp.domain.avro.draft import Draft, branches_of, united
from schema_mcp.domain.avro.model import (
    MISSING,
    Array,
    Enum,
    Field,
    Fixed,
    Kind,
    Map,
    Named,
    Primitive,
    Record,
    Slot,
    Type,
    Union,
    branch_name,
)


def repair(draft: Draft, found: Found) -> None:
    """Make the clash go away by an edit of the author's side."""
    repairs = _OF_THE_READER if draft.reads else _OF_THE_WRITER
    repairs[found.clash](draft, found)


# The author's schema reads: it learns what the other one wrote.


def _take_alias(draft: Draft, found: Found) -> None:
    reader, writer = cast("Named", found.reader), cast("Named", found.writer)
    if reader.namespace and not writer.namespace:
        # An alias without a namespace takes the type's, so the type goes back to having none.
        draft.rename(reader, "", reader.name)
    reader.raw = reader.raw | {"aliases": [*reader.raw.get("aliases", ()), writer.full_name]}


def _learn_symbols(_: Draft, found: Found) -> None:
    reader, writer = cast("Enum", found.reader), cast("Enum", found.writer)
    unknown = [symbol for symbol in writer.symbols if symbol not in reader.symbols]
    reader.raw = reader.raw | {"symbols": reader.symbols + unknown}


def _fill(_: Draft, found: Found) -> None:
    unfilled = cast("Field", found.spot.read.holder)
    may_be_null = any(branch.kind is Kind.NULL for branch in branches_of(unfilled.type))
    if may_be_null or empty(unfilled.type) is MISSING:
        unfilled.type = united(Primitive(Kind.NULL, {}), unfilled.type)
    unfilled.raw = unfilled.raw | {"default": empty(unfilled.type)}


def _read_type(draft: Draft, found: Found) -> None:
    spot = found.spot
    if spot.unfilled:
        _fill(draft, found)
    elif isinstance(spot.written.holder, Union) and not isinstance(spot.read.holder, Union):
        draft.put(spot.read, united(found.reader, found.writer))
    else:
        draft.put(spot.read, found.writer)


def _read_branch(draft: Draft, found: Found) -> None:
    union, writer = cast("Union", found.reader), found.writer
    for index, branch in enumerate(union.branches):
        slot = Slot(union, index, found.spot.read)
        if _is_counterpart(branch, writer):
            _repair_within(draft, branch, writer, Spot(read=slot, written=found.spot.written))
            return
        if branch.kind in READS[writer.kind]:
            draft.put(slot, writer)
            return
    union.branches[:] = united(union, writer).branches


def _drop_aliases(_: Draft, found: Found) -> None:
    """Of the names that match, the field's own one stays, else the first alias."""
    ambiguous, writer = cast("Field", found.spot.read.holder), cast("Record", found.writer)
    matching = [name for name in [ambiguous.name, *ambiguous.aliases] if name in writer.by_name]
    dropped = {*matching[1:], ambiguous.name}
    kept = [alias for alias in ambiguous.aliases if alias not in dropped]
    ambiguous.raw = ambiguous.raw | {"aliases": kept}


# The author's schema writes: it keeps to what the other one reads.


def _keep_name(draft: Draft, found: Found) -> None:
    named, reader = cast("Named", found.writer), cast("Named", found.reader)
    draft.rename(named, named.namespace, reader.name)


def _keep_symbols(_: Draft, found: Found) -> None:
    """Only symbols that the reader knows; a default lets the author's own readers take what others write."""
    reader, writer = cast("Enum", found.reader), cast("Enum", found.writer)
    symbols = [symbol for symbol in writer.symbols if symbol in reader.symbols]
    default = writer.default if writer.default in symbols else next(iter(symbols), None)
    raw = {word: value for word, value in writer.raw.items() if word != "default"}
    writer.raw = raw | {"symbols": symbols} | ({} if default is None else {"default": default})
    holder = found.spot.written.holder
    if isinstance(holder, Field) and holder.has_default and holder.default not in symbols and default:
        holder.raw = holder.raw | {"default": default}


def _restore_field(_: Draft, found: Found) -> None:
    lost, record = cast("Field", found.spot.read.holder), cast("Record", found.writer)
    known = found.reader.fields if isinstance(found.reader, Record) else []
    index = next((place for place, field in enumerate(known) if field is lost), len(record.fields))
    record.fields.insert(index, Field(lost.name, lost.type, lost.raw))


def _keep_type(draft: Draft, found: Found) -> None:
    if found.spot.unfilled:
        _restore_field(draft, found)
    else:
        _write_instead(draft, found)


def _keep_branch(draft: Draft, found: Found) -> None:
    union, writer, slot = cast("Union", found.reader), found.writer, found.spot.written
    written = {branch_name(branch) for branch in branches_of(slot.holder)} if isinstance(slot.holder, Union) else ()
    for index, branch in enumerate(union.branches):
        if _is_counterpart(branch, writer):
            _repair_within(draft, branch, writer, Spot(read=Slot(union, index), written=slot))
            return
        if branch.kind in READS[writer.kind] and branch_name(branch) not in written:
            draft.put(slot, branch)
            return
    _write_instead(draft, found)


def _write_instead(draft: Draft, found: Found) -> None:
    """Take away the branch that cannot be read; where nothing else is written, write what the reader has."""
    slot = found.spot.written
    if not isinstance(slot.holder, Union) or slot.outer is None:
        draft.put(slot, found.reader)
        return
    left = [branch for branch in slot.holder.branches if branch is not found.writer] or [found.reader]
    draft.put(slot.outer, left[0] if len(left) == 1 else Union(left))


def _drop_fields(_: Draft, found: Found) -> None:
    """Of the author's fields that one field of the reader matches, the one of the oldest name stays."""
    ambiguous, record = cast("Field", found.spot.read.holder), cast("Record", found.writer)
    names = [name for name in [ambiguous.name, *ambiguous.aliases] if name in record.by_name]
    record.fields[:] = [field for field in record.fields if field.name not in names[:-1]]


# Either way round.


def _keep_size(draft: Draft, found: Found) -> None:
    mine, other = cast("Fixed", found.reader), cast("Fixed", found.writer)
    if not draft.reads:
        mine, other = other, mine
    mine.raw = mine.raw | {"size": other.size}


def _repair_within(draft: Draft, reader: Type, writer: Type, spot: Spot) -> None:
    """The registry only says that no branch fits: mend the first thing that keeps the meant one from it."""
    for found in clashes(reader, writer, spot)[:1]:
        repair(draft, found)


def _is_counterpart(branch: Type, type_: Type) -> bool:
    """Is the branch the one that a type was meant for?"""
    match branch, type_:
        case (Array(), Array()) | (Map(), Map()):
            return True
        case (Record(), Record()) | (Enum(), Enum()) | (Fixed(), Fixed()):
            return branch.name == type_.name
        case _:
            return False


_OF_THE_READER: dict[Clash, Callable[[Draft, Found], None]] = {
    Clash.NAME: _take_alias,
    Clash.SIZE: _keep_size,
    Clash.SYMBOLS: _learn_symbols,
    Clash.DEFAULT: _fill,
    Clash.TYPE: _read_type,
    Clash.BRANCH: _read_branch,
    Clash.FAILURE: _drop_aliases,
}

_OF_THE_WRITER: dict[Clash, Callable[[Draft, Found], None]] = {
    Clash.NAME: _keep_name,
    Clash.SIZE: _keep_size,
    Clash.SYMBOLS: _keep_symbols,
    Clash.DEFAULT: _restore_field,
    Clash.TYPE: _keep_type,
    Clash.BRANCH: _keep_branch,
    Clash.FAILURE: _drop_fields,
}
