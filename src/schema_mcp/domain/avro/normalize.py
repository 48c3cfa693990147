"""The normalised text: equal for schemas that differ only in what does not matter."""

from typing import Any

from schema_mcp.domain.avro.defaults import reencoded
from schema_mcp.domain.avro.document import Raw, is_list, is_object
from schema_mcp.domain.avro.model import (
    Array,
    Enum,
    Field,
    Fixed,
    Map,
    Named,
    Primitive,
    Record,
    Type,
    Union,
)
from schema_mcp.domain.avro.stackless import Steps, each, run


def normalized(root: Type, *, known: frozenset[str]) -> Any:
    """The schema as JSON with full names, properties and aliases sorted, defaults as Java writes them anew.

    A registry reads this again and prints that, which shortens the names. A type without a namespace that is
    used within one so takes it over: the registry's own slip, kept because the text is what it hashes.
    """
    return run(_Normalizer(known, exact=False).type(root))


def comparable(root: Type) -> Any:
    """The schema as JSON with everything that tells two schemas apart, in one order, references put in."""
    return run(_Normalizer(frozenset(), exact=True).type(root))


class _Normalizer:
    def __init__(self, known: frozenset[str], *, exact: bool) -> None:
        self._known = set(known)
        self._exact = exact

    def type(self, type_: Type) -> Steps[Any]:
        match type_:
            case Primitive():
                return {"type": type_.kind.value, **_sorted(type_.properties)}
            case Array():
                return {"type": "array", "items": (yield self.type(type_.items)), **_sorted(type_.properties)}
            case Map():
                return {"type": "map", "values": (yield self.type(type_.values)), **_sorted(type_.properties)}
            case Union():
                return (yield each(self.type(branch) for branch in type_.branches))
            case Record() | Enum() | Fixed() if type_.full_name not in self._known:
                self._known.add(type_.full_name)
                return (yield self._defined(type_))
            case _:
                return type_.full_name

    def _defined(self, named: Named) -> Steps[Raw]:
        out: Raw = {"type": named.kind.value, "name": named.full_name}
        if named.doc or (self._exact and named.doc is not None):
            out["doc"] = named.doc
        match named:
            case Record():
                out["fields"] = yield each(self._field(field) for field in named.fields)
            case Enum():
                out["symbols"] = named.symbols
                if named.default is not None:
                    out["default"] = named.default
            case Fixed():
                out["size"] = named.size
        if named.aliases:
            out["aliases"] = sorted(named.aliases, key=_java_order)
        return {**out, **_sorted(named.properties)}

    def _field(self, field: Field) -> Steps[Raw]:
        out: Raw = {"name": field.name, "type": (yield self.type(field.type))}
        if field.order != "ascending":
            out["order"] = field.order
        if field.doc is not None:
            out["doc"] = field.doc
        if field.has_default:
            default = field.default if self._exact else reencoded(field.type, field.default)
            out["default"] = _sorted(default)
        if field.aliases:
            out["aliases"] = sorted(field.aliases, key=_java_order)
        return {**out, **_sorted(field.properties)}


def _sorted(value: Any) -> Any:
    """A JSON value with the keys of every object sorted."""
    return run(_sort(value))


def _sort(value: Any) -> Steps[Any]:
    if is_list(value):
        return (yield each(_sort(item) for item in value))
    if not is_object(value):
        return value
    members: Raw = {}
    for name in sorted(value, key=_java_order):
        members[name] = yield _sort(value[name])
    return members


def _java_order(text: str) -> bytes:
    # Java compares UTF-16 units; for most texts that is the order of the characters.
    return text.encode("utf-16-be", "surrogatepass")
