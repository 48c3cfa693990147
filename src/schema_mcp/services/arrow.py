"""An Avro schema as an Arrow schema, for those who keep such data in columns; needs the extra `arrow`.

Sources: Apache Arrow, "Columnar Format"; Avro 1.12, "Logical Types".
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Final

from schema_mcp.domain.avro.describe import type_text
from schema_mcp.domain.avro.logical import logical_problem
from schema_mcp.domain.avro.model import Array, Enum, Field, Fixed, Kind, Map, Primitive, Record, Type, Union
from schema_mcp.domain.errors import InvalidRequestError, InvalidSchemaError

_WIDEST: Final = 76
"""Decimal digits that Arrow's widest decimal holds."""

_NARROW: Final = 38

_MOST: Final = 20_000
"""Columns; a record that is used in many places is written out in each."""

_LOGICAL: Final[Mapping[str, Callable[[Any], Any]]] = {
    "date": lambda arrow: arrow.date32(),
    "time-millis": lambda arrow: arrow.time32("ms"),
    "time-micros": lambda arrow: arrow.time64("us"),
    "timestamp-millis": lambda arrow: arrow.timestamp("ms", tz="UTC"),
    "timestamp-micros": lambda arrow: arrow.timestamp("us", tz="UTC"),
    "timestamp-nanos": lambda arrow: arrow.timestamp("ns", tz="UTC"),
    "local-timestamp-millis": lambda arrow: arrow.timestamp("ms"),
    "local-timestamp-micros": lambda arrow: arrow.timestamp("us"),
    "local-timestamp-nanos": lambda arrow: arrow.timestamp("ns"),
}
_PLAIN: Final = {
    Kind.NULL: "null",
    Kind.BOOLEAN: "bool_",
    Kind.INT: "int32",
    Kind.LONG: "int64",
    Kind.FLOAT: "float32",
    Kind.DOUBLE: "float64",
    Kind.BYTES: "binary",
    Kind.STRING: "string",
}


def arrow_schema(root: Type) -> tuple[bytes, str]:
    """The Arrow schema of a record: as an IPC message, and as text.

    Raises `InvalidSchemaError` for what has no columns: no record, or one that holds itself; `InvalidRequestError`
    where pyarrow is not installed.
    """
    try:
        arrow = import_module("pyarrow")
    except ImportError as error:
        raise InvalidRequestError(
            "Arrow schemas need pyarrow, which is not installed", hint='Install it: pip install "schema-mcp[arrow]".'
        ) from error
    if not isinstance(root, Record):
        raise InvalidSchemaError(f"Only a record has columns, and this is {type_text(root)}", hint="Export it as raw.")
    columns = _Columns(arrow)
    try:
        fields = [columns.field(field, (root.full_name,)) for field in root.fields]
    except RecursionError as error:
        raise InvalidSchemaError("It nests too deep for columns", hint="Export it as raw.") from error
    schema = arrow.schema(fields, metadata={"avro.name": root.full_name, **({"doc": root.doc} if root.doc else {})})
    return schema.serialize().to_pybytes(), schema.to_string(show_schema_metadata=True, truncate_metadata=False) + "\n"


class _Columns:
    def __init__(self, arrow: Any) -> None:
        self._arrow = arrow
        self._room = _MOST

    def field(self, field: Field, inside: tuple[str, ...]) -> Any:
        branches = field.type.branches if isinstance(field.type, Union) else [field.type]
        nullable = any(branch.kind is Kind.NULL for branch in branches)
        metadata = {"doc": field.doc} if field.doc else None
        return self._arrow.field(field.name, self.type(field.type, inside), nullable=nullable, metadata=metadata)

    def type(self, type_: Type, inside: tuple[str, ...]) -> Any:
        self._room -= 1
        if self._room < 0:
            raise InvalidSchemaError(f"Written out as columns it has more than {_MOST:,} of them", hint="Split it.")
        if isinstance(type_, Primitive | Fixed | Enum):
            return self._scalar(type_)
        return self._nested(type_, inside)

    def _scalar(self, type_: Primitive | Fixed | Enum) -> Any:
        if isinstance(type_, Enum):
            return self._arrow.dictionary(self._arrow.int32(), self._arrow.string())
        if "logicalType" in type_.raw and not logical_problem(type_):
            return self._logical(type_)
        return self._plain(type_)

    def _plain(self, type_: Primitive | Fixed) -> Any:
        arrow = self._arrow
        return arrow.binary(type_.size) if isinstance(type_, Fixed) else getattr(arrow, _PLAIN[type_.kind])()

    def _nested(self, type_: Type, inside: tuple[str, ...]) -> Any:
        arrow = self._arrow
        match type_:
            case Array():
                return arrow.list_(arrow.field("item", self.type(type_.items, inside), nullable=_is_null(type_.items)))
            case Map():
                values = arrow.field("value", self.type(type_.values, inside), nullable=_is_null(type_.values))
                return arrow.map_(arrow.string(), values)
            case Union():
                return self._union(type_, inside)
            case Record() if type_.full_name not in inside:
                return arrow.struct([self.field(field, (*inside, type_.full_name)) for field in type_.fields])
            case _:
                what = f"{type_text(type_)} holds itself, and columns have an end"
                raise InvalidSchemaError(what, hint="Export it as raw.")

    def _logical(self, type_: Primitive | Fixed) -> Any:
        arrow, name = self._arrow, str(type_.raw["logicalType"])
        if name in _LOGICAL:
            return _LOGICAL[name](arrow)
        precision = type_.raw.get("precision", 0)
        if name == "decimal" and precision <= _WIDEST:
            return (arrow.decimal128 if precision <= _NARROW else arrow.decimal256)(
                precision, type_.raw.get("scale", 0)
            )
        return self._plain(type_)

    def _union(self, union: Union, inside: tuple[str, ...]) -> Any:
        others = [branch for branch in union.branches if branch.kind is not Kind.NULL]
        if len(others) == 1:
            return self.type(others[0], inside)
        named = [self._arrow.field(type_text(one), self.type(one, inside)) for one in others]
        return self._arrow.dense_union(named) if named else self._arrow.null()


def _is_null(type_: Type) -> bool:
    return isinstance(type_, Union) and any(branch.kind is Kind.NULL for branch in type_.branches)
