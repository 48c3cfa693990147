"""From a text to types, as Apache Avro 1.12 reads it: names resolved, rules for new schemas on request."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from schema_mcp.domain.avro import defaults, document
from schema_mcp.domain.avro.document import Raw, is_list, is_object
from schema_mcp.domain.avro.model import (
    MISSING,
    PRIMITIVES,
    Array,
    Enum,
    Field,
    Fixed,
    Map,
    Named,
    Primitive,
    Record,
    Type,
    Undefined,
    Union,
    branch_name,
    text_of,
)
from schema_mcp.domain.avro.stackless import Steps, run
from schema_mcp.domain.errors import InvalidSchemaError

N = TypeVar("N", Record, Enum, Fixed)

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_ORDERS = frozenset({"ASCENDING", "DESCENDING", "IGNORE"})
_LARGEST_SIZE = 2**31 - 9
_NOTHING: Raw = {}


class Reader:
    """Reads texts one after the other; a later one may use the named types of those before it."""

    def __init__(self, *, strict: bool) -> None:
        self.known: dict[str, Named] = {}
        self._strict = strict
        self._open: set[int] = set()
        self._names_are_due = False

    def read(self, text: str) -> Type:
        """The type that `text` defines, with every name resolved."""
        self._names_are_due = False
        root = run(self._any(document.read(text), ""))
        if self._names_are_due:
            root = self._tied(root)
        return root

    def _any(self, node: Any, namespace: str) -> Steps[Type]:
        if isinstance(node, str):
            return self._by_name(node, namespace)
        if is_list(node):
            return (yield from self._union(node, namespace))
        if is_object(node):
            return (yield from self._object(node, namespace))
        raise InvalidSchemaError(f"Schema not yet supported: {_shown(node)}")

    def _object(self, raw: Raw, namespace: str) -> Steps[Type]:
        match type_ := _required(raw, "type", "No type"):
            case "record" | "error":
                return (yield from self._record(raw, namespace))
            case "array":
                return Array(raw, (yield self._part(raw, "items", namespace)))
            case "map":
                return Map(raw, (yield self._part(raw, "values", namespace)))
            case "enum":
                return self._enum(raw, namespace)
            case "fixed":
                return self._fixed(raw, namespace)
            case _:
                kind = PRIMITIVES.get(type_)
                return Primitive(kind, raw) if kind else self._by_name(type_, namespace)

    def _by_name(self, name: str, namespace: str) -> Type:
        if kind := PRIMITIVES.get(name):
            return Primitive(kind, _NOTHING)
        full_name = f"{namespace}.{name}" if namespace and "." not in name else name
        if known := self.known.get(full_name) or self.known.get(name):
            return known
        self._names_are_due = True
        return Undefined(full_name)

    def _part(self, raw: Raw, word: str, namespace: str) -> Steps[Type]:
        if word not in raw:
            raise InvalidSchemaError(f"{raw['type'].capitalize()} has no {word} type: {_shown(raw)}")
        return self._any(raw[word], namespace)

    def _union(self, nodes: list[Any], namespace: str) -> Steps[Type]:
        branches: list[Type] = []
        for node in nodes:
            if isinstance(node, str):
                branches.append(self._by_name(node, namespace))
            else:
                branches.append((yield self._any(node, namespace)))
        union = Union(branches)
        _check_branches(union)
        return union

    def _record(self, raw: Raw, namespace: str) -> Steps[Type]:
        record = self._named(Record, raw, namespace)
        self._open.add(id(record))
        self._declare(record)
        nodes = raw.get("fields")
        if not is_list(nodes):
            raise InvalidSchemaError(f"Record has no fields: {_shown(raw)}")
        fields: list[Field] = []
        for node in nodes:
            field = _field(node)
            type_ = field.raw["type"]
            if isinstance(type_, str):
                field.type = self._by_name(type_, record.namespace)
            else:
                field.type = yield self._any(type_, record.namespace)
            if len(field.raw) > 2:  # noqa: PLR2004 more than a name and a type
                self._check_field(field)
            if self._strict:
                _check_name(field.name)
            fields.append(field)
        _set_fields(record, fields)
        self._open.discard(id(record))
        self._check_aliases(record)
        return record

    def _check_field(self, field: Field) -> None:
        order = field.raw.get("order", "ascending")
        if not isinstance(order, str) or order.upper() not in _ORDERS:
            raise InvalidSchemaError(f"No such order of field {field.name}: {_shown(order)}")
        default = field.default
        if default is None and isinstance(field.raw["default"], str):
            raise InvalidSchemaError(f"Default of field {field.name} is no number: {field.raw['default']}")
        if self._strict and default is not MISSING:
            self._check_default(field, default)
        _check_alias_list(field.raw)

    def _check_default(self, field: Field, default: Any) -> None:
        if not defaults.fits(field.type, default, still_open=self._open):
            raise InvalidSchemaError(
                f"Invalid default for field {field.name}: {_shown(default)} not a {_shown(field.raw['type'])}",
                hint="The default must be a value of the field's type, or of one branch of its union",
            )

    def _enum(self, raw: Raw, namespace: str) -> Type:
        enum = self._named(Enum, raw, namespace)
        symbols = raw.get("symbols")
        if not is_list(symbols) or not all(isinstance(symbol, str) for symbol in symbols):
            raise InvalidSchemaError(f"Enum has no symbols: {_shown(raw)}")
        if self._strict:
            for symbol in enum.symbols:
                _check_name(symbol)
        if len(set(enum.symbols)) < len(enum.symbols):
            raise InvalidSchemaError(f"Duplicate enum symbol: {_repeated(enum.symbols)}")
        if enum.default is not None and enum.default not in enum.symbols:
            raise InvalidSchemaError(
                f"The Enum Default: {enum.default} is not in the enum symbol set: {_shown(symbols)}"
            )
        self._declare(enum)
        self._check_aliases(enum)
        return enum

    def _fixed(self, raw: Raw, namespace: str) -> Type:
        fixed = self._named(Fixed, raw, namespace)
        size = raw.get("size")
        if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= _LARGEST_SIZE:
            raise InvalidSchemaError(f"Invalid or no size: {_shown(raw)}")
        self._declare(fixed)
        self._check_aliases(fixed)
        return fixed

    def _named(self, of: type[N], raw: Raw, namespace: str) -> N:
        name = _required(raw, "name", "No name in schema")
        space, dot, simple = name.rpartition(".")
        if not dot:
            space = text_of(raw, "namespace")
            space = namespace if space is None else space
        named = of(raw, simple, space)
        if self._strict:
            _check_name(simple)
        if not space and simple in PRIMITIVES:
            raise InvalidSchemaError(f"Schemas may not be named after primitives: {simple}")
        return named

    def _declare(self, named: Named) -> None:
        full_name = named.full_name
        if self._strict and named.namespace:
            _check_namespace(named.namespace)
        known = self.known.setdefault(full_name, named)
        if known is not named and not self._is_same(known, named):
            raise InvalidSchemaError(
                f"Can't redefine: {full_name}", hint="Define a type once and use its name from then on"
            )

    def _is_same(self, known: Named, named: Named) -> bool:
        """Java compares the two before the new one has its properties, and a record before it has its fields."""
        match known, named:
            case Record(), Record():
                return id(known) in self._open
            case Enum(), Enum():
                return known.symbols == named.symbols and not known.properties
            case Fixed(), Fixed():
                return known.size == named.size and not known.properties
            case _:
                return False

    def _check_aliases(self, named: Named) -> None:
        if "aliases" not in named.raw:
            return
        _check_alias_list(named.raw)
        if self._strict:
            for alias in named.aliases:
                _check_name(alias.rpartition(".")[2])

    def _tied(self, root: Type) -> Type:
        """Put the types in where a name stood before its definition."""
        if isinstance(root, Undefined):
            return self._defined(root)
        for holder in holders(root):
            match holder:
                case Array():
                    holder.items = self._defined(holder.items)
                case Map():
                    holder.values = self._defined(holder.values)
                case Union():
                    holder.branches[:] = [self._defined(branch) for branch in holder.branches]
                    _check_branches(holder)
                case Record():
                    for field in holder.fields:
                        field.type = self._defined(field.type)
        self._check_late_defaults(root)
        return root

    def _check_late_defaults(self, root: Type) -> None:
        if not self._strict:
            return
        for holder in holders(root):
            if isinstance(holder, Record):
                for field in holder.fields:
                    if field.has_default:
                        self._check_default(field, field.default)

    def _defined(self, type_: Type) -> Type:
        if not isinstance(type_, Undefined):
            return type_
        known = self.known.get(type_.full_name)
        if known is None:
            raise InvalidSchemaError(
                f"Undefined schema: {type_.full_name}",
                hint="Define the type in this schema, or add a reference to the schema that does",
            )
        return known


def holders(root: Type) -> Iterator[Array | Map | Union | Record]:
    """Every type that holds others, once; what is put into one is visited in turn."""
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        type_ = waiting.pop()
        if isinstance(type_, Primitive | Enum | Fixed | Undefined) or id(type_) in seen:
            continue
        seen.add(id(type_))
        yield type_
        waiting.extend(reversed(parts(type_)))


def parts(type_: Type) -> Sequence[Type]:
    """The types directly inside one."""
    match type_:
        case Array():
            return (type_.items,)
        case Map():
            return (type_.values,)
        case Union():
            return type_.branches
        case Record():
            return [field.type for field in type_.fields]
        case _:
            return ()


def _field(node: Any) -> Field:
    if not is_object(node):
        raise InvalidSchemaError(f"No field name: {_shown(node)}")
    name = _required(node, "name", "No field name")
    if "type" not in node:
        raise InvalidSchemaError(f"No field type: {_shown(node)}")
    return Field(name, _UNSET, node)


_UNSET = Undefined("")


def _set_fields(record: Record, fields: list[Field]) -> None:
    record.fields = fields
    record.by_name = {field.name: field for field in fields}
    if len(record.by_name) < len(fields):
        repeated = _repeated([field.name for field in fields])
        raise InvalidSchemaError(f"Duplicate field {repeated} in record {record.full_name}")


def _check_branches(union: Union) -> None:
    seen: set[str] = set()
    for branch in union.branches:
        if isinstance(branch, Union):
            raise InvalidSchemaError("Nested union", hint="A union may not hold another union directly")
        name = branch_name(branch)
        if name in seen:
            raise InvalidSchemaError(f"Duplicate in union: {name}")
        if not isinstance(branch, Undefined):
            seen.add(name)


def _check_name(name: str) -> None:
    if not _NAME.match(name):
        raise InvalidSchemaError(
            f"Illegal name: {name!r}",
            hint="Names start with a letter or an underscore and hold only A-Z, a-z, 0-9 and _",
        )


def _check_namespace(namespace: str) -> None:
    for part in namespace.split("."):
        if not _NAME.match(part):
            raise InvalidSchemaError(f"Namespace part {part!r} of {namespace!r} is invalid")


def _check_alias_list(raw: Raw) -> None:
    aliases = raw.get("aliases", [])
    if not is_list(aliases):
        raise InvalidSchemaError(f"aliases not an array: {_shown(raw)}")
    for alias in aliases:
        if not isinstance(alias, str):
            raise InvalidSchemaError(f"alias not a string: {_shown(alias)}")


def _required(raw: Raw, word: str, complaint: str) -> str:
    value = raw.get(word)
    if not isinstance(value, str):
        raise InvalidSchemaError(f"{complaint}: {_shown(raw)}")
    return value


def _repeated(names: list[str]) -> str:
    seen: set[str] = set()
    return next(name for name in names if name in seen or seen.add(name))


def _shown(value: Any) -> str:
    text = document.write(value)
    return text if len(text) <= 200 else f"{text[:200]}…"  # noqa: PLR2004 enough to find the place
