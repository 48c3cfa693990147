"""From a text to types, as Apache Avro 1.12 reads it: names resolved, rules for new schemas on request."""

from typing import Any, TypeVar

from schema_mcp.domain.avro import defaults, document
from schema_mcp.domain.avro.document import Raw, is_list, is_object, shown
from schema_mcp.domain.avro.model import (
    PRIMITIVES,
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
    branch_name,
    reached,
    text_of,
)
from schema_mcp.domain.avro.names import check_name, check_namespace, repeated
from schema_mcp.domain.avro.numbers import double_from_text
from schema_mcp.domain.avro.stackless import Steps, run
from schema_mcp.domain.errors import InvalidSchemaError

N = TypeVar("N", Record, Enum, Fixed)

_ORDERS = frozenset({"ASCENDING", "DESCENDING", "IGNORE"})
_PARTS = {"array": "items", "map": "values"}
_LARGEST_SIZE = 2**31 - 9
_NAME_AND_TYPE = 2
_NOTHING: Raw = {}


class Reader:
    """Reads texts one after the other; a later one may use the named types of those before it."""

    def __init__(self, *, strict: bool) -> None:
        self.known: dict[str, Named] = {}
        self._strict = strict
        self._open: set[int] = set()
        self.names_ahead = False

    def read(self, text: str) -> Type:
        """The type that `text` defines, with every name resolved."""
        return self.type_of(document.read(text))

    def type_of(self, node: Any) -> Type:
        """The type that a JSON value defines."""
        self.names_ahead = False
        root = self._at_once(node, "") or run(self._nested(node, ""))
        return self._tied(root) if self.names_ahead else root

    def _at_once(self, node: Any, namespace: str) -> Type | None:
        """The type of a node with nothing nested in it: most are such, and need no steps of their own."""
        if isinstance(node, str):
            kind = PRIMITIVES.get(node)
            return Primitive(kind, _NOTHING) if kind else self._by_name(node, namespace)
        if is_object(node):
            return self._object_at_once(node, namespace)
        if not is_list(node):
            raise InvalidSchemaError(f"Schema not yet supported: {shown(node)}")
        branches: list[Type] = []
        for branch in node:
            if not isinstance(branch, str):
                return None
            branches.append(self._by_name(branch, namespace))
        return _union(branches)

    def _object_at_once(self, raw: Raw, namespace: str) -> Type | None:
        type_ = _required(raw, "type", "No type")
        if type_ in _PARTS:
            part = raw.get(_PARTS[type_])
            return _holder(raw, self._by_name(part, namespace)) if isinstance(part, str) else None
        match type_:
            case "record" | "error":
                return None
            case "enum":
                return self._enum(raw, namespace)
            case "fixed":
                return self._fixed(raw, namespace)
            case _:
                kind = PRIMITIVES.get(type_)
                return Primitive(kind, raw) if kind else self._by_name(type_, namespace)

    def _nested(self, node: Any, namespace: str) -> Steps[Type]:
        if is_list(node):
            branches: list[Type] = []
            for branch in node:
                if is_list(branch):
                    raise InvalidSchemaError("Nested union", hint="A union may not hold another union directly")
                type_ = self._at_once(branch, namespace) or (yield self._nested(branch, namespace))
                branches.append(type_)
            return _union(branches)
        raw: Raw = node
        if raw["type"] not in _PARTS:
            return (yield from self._record(raw, namespace))
        word = _PARTS[raw["type"]]
        if word not in raw:
            raise InvalidSchemaError(f"{raw['type'].capitalize()} has no {word} type: {shown(raw)}")
        part = self._at_once(raw[word], namespace) or (yield self._nested(raw[word], namespace))
        return _holder(raw, part)

    def _by_name(self, name: str, namespace: str) -> Type:
        if kind := PRIMITIVES.get(name):
            return Primitive(kind, _NOTHING)
        full_name = f"{namespace}.{name}" if namespace and "." not in name else name
        if known := self.known.get(full_name) or self.known.get(name):
            return known
        self.names_ahead = True
        return Undefined(full_name)

    def _record(self, raw: Raw, namespace: str) -> Steps[Type]:
        record = self._named(Record, raw, namespace)
        self._open.add(id(record))
        self._declare(record)
        nodes = raw.get("fields")
        if not is_list(nodes):
            raise InvalidSchemaError(f"Record has no fields: {shown(raw)}")
        namespace, fields, by_name = record.namespace, record.fields, record.by_name
        for node in nodes:
            name, inner = _name_and_type(node)
            kind = PRIMITIVES.get(inner) if isinstance(inner, str) else None
            if kind:
                type_ = Primitive(kind, _NOTHING)
            else:
                type_ = self._at_once(inner, namespace) or (yield self._nested(inner, namespace))
            field = Field(name, type_, node)
            if self._strict:
                check_name(name)
            if len(node) > _NAME_AND_TYPE:
                self._check_field(field)
            fields.append(field)
            by_name[name] = field
        self._open.discard(id(record))
        if len(by_name) < len(fields):
            name = repeated(field.name for field in fields)
            raise InvalidSchemaError(f"Duplicate field {name} in record {record.full_name}")
        self._check_aliases(record)
        return record

    def _check_field(self, field: Field) -> None:
        raw = field.raw
        if "order" in raw:
            order = raw["order"]
            if not isinstance(order, str) or order.upper() not in _ORDERS:
                raise InvalidSchemaError(f"No such order of field {field.name}: {shown(order)}")
        if "default" in raw:
            self._check_default(field)
        if "aliases" in raw:
            _check_alias_list(raw)

    def _check_default(self, field: Field) -> None:
        value = field.raw["default"]
        if isinstance(value, str) and field.type.kind in (Kind.FLOAT, Kind.DOUBLE):
            # The one default that is read, not only kept: so a bad one is refused in an old schema too.
            if double_from_text(value) is None:
                raise InvalidSchemaError(f"Default of field {field.name} is no number: {value}")
        elif self._strict and not defaults.fits(field.type, value, still_open=self._open):
            raise InvalidSchemaError(
                f"Invalid default for field {field.name}: {shown(value)} not a {shown(field.raw['type'])}",
                hint="The default must be a value of the field's type, or of one branch of its union",
            )

    def _enum(self, raw: Raw, namespace: str) -> Type:
        enum = self._named(Enum, raw, namespace)
        symbols = raw.get("symbols")
        if not is_list(symbols) or not all(isinstance(symbol, str) for symbol in symbols):
            raise InvalidSchemaError(f"Enum has no symbols: {shown(raw)}")
        if self._strict:
            for symbol in symbols:
                check_name(symbol)
        if len(set(symbols)) < len(symbols):
            raise InvalidSchemaError(f"Duplicate enum symbol: {repeated(symbols)}")
        if "default" in raw and enum.default is not None and enum.default not in symbols:
            raise InvalidSchemaError(
                f"The Enum Default: {enum.default} is not in the enum symbol set: {shown(symbols)}"
            )
        self._declare(enum)
        self._check_aliases(enum)
        return enum

    def _fixed(self, raw: Raw, namespace: str) -> Type:
        fixed = self._named(Fixed, raw, namespace)
        size = raw.get("size")
        if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= _LARGEST_SIZE:
            raise InvalidSchemaError(f"Invalid or no size: {shown(raw)}")
        self._declare(fixed)
        self._check_aliases(fixed)
        return fixed

    def _named(self, of: type[N], raw: Raw, namespace: str) -> N:
        name = _required(raw, "name", "No name in schema")
        space, dot, simple = name.rpartition(".")
        if not dot:
            own = text_of(raw, "namespace")
            space = namespace if own is None else own
        if self._strict:
            check_name(simple)
        if not space and simple in PRIMITIVES:
            raise InvalidSchemaError(f"Schemas may not be named after primitives: {simple}")
        return of(raw, simple, space)

    def _declare(self, named: Named) -> None:
        if self._strict and named.namespace:
            check_namespace(named.namespace)
        known = self.known.setdefault(named.full_name, named)
        if known is not named and not self._is_same(known, named):
            raise InvalidSchemaError(
                f"Can't redefine: {named.full_name}", hint="Define a type once and use its name from then on"
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
                check_name(alias.rpartition(".")[2])

    def _tied(self, root: Type) -> Type:
        """Put the types in where a name stood before its definition."""
        root = self._defined(root)
        for holder in reached(root):
            match holder:
                case Array():
                    holder.items = self._defined(holder.items)
                case Map():
                    holder.values = self._defined(holder.values)
                case Union():
                    holder.branches[:] = _union([self._defined(branch) for branch in holder.branches]).branches
                case Record():
                    for field in holder.fields:
                        self._tie(field)
                case _:
                    pass
        return root

    def _tie(self, field: Field) -> None:
        field.type = self._defined(field.type)
        if "default" in field.raw:
            self._check_default(field)

    def _defined(self, type_: Type) -> Type:
        if not isinstance(type_, Undefined):
            return type_
        known = self.known.get(type_.full_name)
        if known is None:
            raise InvalidSchemaError(
                f"Undefined schema: {type_.full_name}",
                hint="Define the type in this schema, or add a reference to the schema that does",
                details={"undefined": type_.full_name},
            )
        return known


def _name_and_type(node: Any) -> tuple[str, Any]:
    try:
        name, type_ = node["name"], node["type"]
    except (KeyError, TypeError):
        word = "type" if is_object(node) and "name" in node else "name"
        raise InvalidSchemaError(f"No field {word}: {shown(node)}") from None
    if not isinstance(name, str):
        raise InvalidSchemaError(f"No field name: {shown(node)}")
    return name, type_


def _holder(raw: Raw, part: Type) -> Type:
    return Array(raw, part) if raw["type"] == "array" else Map(raw, part)


def _union(branches: list[Type]) -> Union:
    names = {branch_name(branch) for branch in branches}
    if len(names) < len(branches):
        name = repeated(branch_name(branch) for branch in branches)
        raise InvalidSchemaError(f"Duplicate in union: {name}")
    return Union(branches)


def _check_alias_list(raw: Raw) -> None:
    aliases = raw["aliases"]
    if not is_list(aliases):
        raise InvalidSchemaError(f"aliases not an array: {shown(raw)}")
    for alias in aliases:
        if not isinstance(alias, str):
            raise InvalidSchemaError(f"alias not a string: {shown(alias)}")


def _required(raw: Raw, word: str, complaint: str) -> str:
    value = raw.get(word)
    if not isinstance(value, str):
        raise InvalidSchemaError(f"{complaint}: {shown(raw)}")
    return value
