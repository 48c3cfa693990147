"""A schema as Java prints it: the exact text that a registry stores and hashes."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from schema_mcp.domain.avro.document import Raw, quoted, write
from schema_mcp.domain.avro.model import (
    Array,
    Enum,
    Field,
    Fixed,
    Kind,
    Map,
    Named,
    Primitive,
    Record,
    Type,
    Undefined,
    Union,
)
from schema_mcp.domain.avro.stackless import Steps, run

_NAME_AND_TYPE = 2
_KINDS = frozenset(kind.value for kind in Kind)


def printed(root: Type, *, known: AbstractSet[str] = frozenset(), instead: Mapping[str, Named] | None = None) -> str:
    """The text of `root`; the types `known` elsewhere are only named, all others defined at their first place.

    `instead` gives types by full name that are printed wherever one of that name stands.
    """
    printer = _Printer(known, instead or {})
    run(printer.type(root, ""))
    return "".join(printer.out)


class _Printer:
    def __init__(self, known: AbstractSet[str], instead: Mapping[str, Named]) -> None:
        self.out: list[str] = []
        self._known = set(known)
        self._instead = instead

    def type(self, type_: Type, namespace: str) -> Steps[None]:
        match type_:
            case Primitive():
                self.out.append(_primitive(type_))
            case Array():
                yield self._holder('{"type":"array","items":', type_.items, type_.properties, namespace)
            case Map():
                yield self._holder('{"type":"map","values":', type_.values, type_.properties, namespace)
            case Union():
                yield self._union(type_, namespace)
            case Undefined():
                self.out.append(quoted(type_.full_name))
            case _:
                yield self._named(type_, namespace)

    def _holder(self, opening: str, part: Type, properties: Raw, namespace: str) -> Steps[None]:
        self.out.append(opening)
        yield self.type(part, namespace)
        self.out.append(_members(properties) + "}")

    def _union(self, union: Union, namespace: str) -> Steps[None]:
        opening = "["
        for branch in union.branches:
            self.out.append(opening)
            opening = ","
            yield self.type(branch, namespace)
        self.out.append("]" if union.branches else "[]")

    def _named(self, named: Named, namespace: str) -> Steps[None]:
        if named.full_name in self._known:
            self.out.append(quoted(shortened(named.name, named.namespace, namespace)))
            return
        self._known.add(named.full_name)
        named = self._instead.get(named.full_name, named)
        self.out.append(_opening(named, namespace))
        match named:
            case Record():
                yield self._fields(named)
            case Enum():
                default = "" if named.default is None else f',"default":{quoted(named.default)}'
                self.out.append(f',"symbols":{write(named.symbols)}{default}')
            case Fixed():
                self.out.append(f',"size":{named.size}')
        self.out.append(f"{_members(named.properties)}{_type_aliases(named)}}}")

    def _fields(self, record: Record) -> Steps[None]:
        opening = ',"fields":['
        for field in record.fields:
            self.out.append(f'{opening}{{"name":{quoted(field.name)},"type":')
            opening = ","
            if isinstance(field.type, Primitive):
                self.out.append(_primitive(field.type))
            else:
                yield self.type(field.type, record.namespace)
            self.out.append(f"{_field_rest(field)}}}")
        self.out.append("]" if record.fields else ',"fields":[]')


def shortened(name: str, space: str, namespace: str) -> str:
    """A type's name as used inside `namespace`; one that is also a word of Avro keeps its namespace."""
    if not space or (space == namespace and name not in _KINDS):
        return name
    return f"{space}.{name}"


def _primitive(type_: Primitive) -> str:
    if not type_.raw or not type_.properties:
        return f'"{type_.kind}"'
    return f'{{"type":"{type_.kind}"{_members(type_.properties)}}}'


def _opening(named: Named, namespace: str) -> str:
    word = "error" if isinstance(named, Record) and named.is_error else named.kind.value
    space = "" if named.namespace == namespace else f',"namespace":{quoted(named.namespace)}'
    doc = "" if named.doc is None else f',"doc":{quoted(named.doc)}'
    return f'{{"type":"{word}","name":{quoted(named.name)}{space}{doc}'


def _field_rest(field: Field) -> str:
    if len(field.raw) == _NAME_AND_TYPE:
        return ""
    doc = "" if field.doc is None else f',"doc":{quoted(field.doc)}'
    default = f',"default":{write(field.default)}' if field.has_default else ""
    order = "" if field.order == "ascending" else f',"order":"{field.order}"'
    aliases = f',"aliases":{write(field.aliases)}' if field.raw.get("aliases") else ""
    return doc + default + order + aliases + _members(field.properties)


def _members(properties: Raw) -> str:
    return "".join(f",{quoted(name)}:{write(value)}" for name, value in properties.items())


def _type_aliases(named: Named) -> str:
    if not named.raw.get("aliases"):
        return ""
    spaces = (alias.rpartition(".") for alias in named.aliases)
    return f',"aliases":{write([shortened(name, space, named.namespace) for space, _, name in spaces])}'
