"""Changes that the compatibility check passes in silence, and a consumer may still trip over."""

from collections.abc import Callable, Iterator

from schema_mcp.domain.avro.describe import type_text
from schema_mcp.domain.avro.document import shown
from schema_mcp.domain.avro.logical import logical_of
from schema_mcp.domain.avro.model import Enum, Fixed, Kind, Record, Type
from schema_mcp.domain.avro.walk import Match, field_before, matches
from schema_mcp.domain.formats import Finding

_WHOLE = {Kind.INT: 31, Kind.LONG: 63}
_EXACT = {Kind.FLOAT: 24, Kind.DOUBLE: 53}


def findings(new: Type, old: Type) -> list[Finding]:
    """What changed from `old` to `new` without a word from the check, in the order of the newer schema."""
    found: dict[Finding, None] = {}
    for match_ in matches(old, new):
        for rule, look in _LOOKS.items():
            found.update(dict.fromkeys(Finding(rule, match_.path, message) for message in look(match_)))
    return list(found)


def _logical_type(match_: Match) -> Iterator[str]:
    old, new = match_.old, match_.new
    if (logical_of(old) or logical_of(new)) and old.kind is new.kind and type_text(old) != type_text(new):
        yield f"{type_text(old)} became {type_text(new)}: the same bytes now mean something else"


def _default(match_: Match) -> Iterator[str]:
    old, new = match_.old_field, match_.new_field
    if old and new and old.has_default:
        if not new.has_default:
            yield f"the default {shown(old.default)} is gone: a later version cannot drop the field for its readers"
        elif shown(old.default) != shown(new.default):
            yield f"the default changed from {shown(old.default)} to {shown(new.default)}: readers will disagree"


def _namespace(match_: Match) -> Iterator[str]:
    match match_.old, match_.new:
        case (Record() | Enum() | Fixed()) as old, (Record() | Enum() | Fixed()) as new:
            if old.name == new.name and old.namespace != new.namespace:
                yield f"{old.full_name} is now {new.full_name}: the check ignores namespaces, generated classes do not"
        case _:
            return


def _rounding(match_: Match) -> Iterator[str]:
    old, new = match_.old.kind, match_.new.kind
    if _WHOLE.get(old, 0) > _EXACT.get(new, 64):
        yield f"{old} read as {new} loses digits of large numbers"


def _text_and_bytes(match_: Match) -> Iterator[str]:
    if {match_.old.kind, match_.new.kind} == {Kind.STRING, Kind.BYTES}:
        yield f"{match_.old.kind} became {match_.new.kind}: bytes that are not UTF-8 do not survive as a string"


def _swallowed_symbols(match_: Match) -> Iterator[str]:
    old, new = match_.old, match_.new
    if isinstance(old, Enum) and isinstance(new, Enum) and new.default is not None:
        gone = [symbol for symbol in old.symbols if symbol not in new.symbols]
        if gone:
            yield f"records with {', '.join(gone)} are now read as {new.default}"


def _rename_without_alias(match_: Match) -> Iterator[str]:
    if not isinstance(match_.old, Record) or not isinstance(match_.new, Record):
        return
    old, new = match_.old, match_.new
    kept = {id(field_before(field, old)) for field in new.fields}
    gone = [field for field in old.fields if id(field) not in kept]
    came = [field for field in new.fields if field_before(field, old) is None]
    if len(gone) == len(came) == 1 and type_text(gone[0].type) == type_text(came[0].type):
        before, after = gone[0].name, came[0].name
        yield f"`{before}` is gone and `{after}` came: if it was renamed, give it the alias `{before}`"


def _sort_order(match_: Match) -> Iterator[str]:
    old, new = match_.old_field, match_.new_field
    if old and new and old.order != new.order:
        yield f"the sort order changed from {old.order} to {new.order}"


_LOOKS: dict[str, Callable[[Match], Iterator[str]]] = {
    "logical-type-changed": _logical_type,
    "default-changed": _default,
    "namespace-changed": _namespace,
    "digits-lost": _rounding,
    "string-and-bytes": _text_and_bytes,
    "symbols-swallowed": _swallowed_symbols,
    "rename-without-alias": _rename_without_alias,
    "sort-order-changed": _sort_order,
}
