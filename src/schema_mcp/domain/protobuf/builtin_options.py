"""The options that file descriptors know by number, in both directions.

Options of the author's own making have no place in a descriptor without their schema and are left out, except
Confluent's field metadata (tags and parameters), which every registry knows.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from schema_mcp.domain.protobuf.model import Bare, Option, Value
from schema_mcp.domain.protobuf.wire import Record, encoded_all, encoded_bytes, encoded_number

TEXT = ("text",)
FLAG = ("false", "true")
META = ("meta",)

_META_NUMBER = 1088

Kind: TypeAlias = tuple[str, ...]
"""`TEXT`, `META`, or the names of a flag's or enum's values from 0 on."""


@dataclass(frozen=True, slots=True)
class OptionTable:
    """The options of one kind of declaration: number, name and kind."""

    rows: Mapping[int, tuple[str, Kind]]

    def decoded(self, record: Record) -> tuple[Option, ...]:
        """The options in an `...Options` message, by number."""
        found = (self._decoded(number, record) for number in self.rows if number in record)
        return tuple(option for option in found if option)

    def _decoded(self, number: int, record: Record) -> Option | None:
        name, kind = self.rows[number]
        if kind is TEXT:
            return Option(name, record.text(number))
        if kind is META:
            return Option(name, _decoded_meta(record.record(number)))
        value = record.number(number)
        return Option(name, Bare(kind[value])) if 0 <= value < len(kind) else None

    def encoded(self, options: Iterable[Option]) -> bytes:
        """An `...Options` message."""
        numbers = {name: number for number, (name, _) in self.rows.items()}
        known = {numbers[option.name]: option for option in options if option.name in numbers}
        return b"".join(self._encoded(number, known[number]) for number in sorted(known))

    def _encoded(self, number: int, option: Option) -> bytes:
        _, kind = self.rows[number]
        match option.value:
            case str(text) if kind is TEXT:
                return encoded_bytes(number, text)
            case Bare(text) if text in kind:
                return encoded_number(number, kind.index(text))
            case value if kind is META:
                return encoded_bytes(number, _encoded_meta({option.path: value} if option.path else value))
            case _:
                return b""


def _decoded_meta(record: Record) -> Value:
    """`confluent.Meta`: doc = 1, params = 2 (a map), tags = 3."""
    doc = {"doc": record.text(1)} if 1 in record else {}
    params = tuple({"key": entry.text(1), "value": entry.text(2)} for entry in record.records(2))
    tags = tuple(record.texts(3))
    return {**doc, **({"params": params} if params else {}), **({"tags": tags} if tags else {})}


def _encoded_meta(value: Value) -> bytes:
    if not isinstance(value, Mapping):
        return b""
    params = (
        encoded_bytes(1, str(entry.get("key", ""))) + encoded_bytes(2, str(entry.get("value", "")))
        for entry in _many(value.get("params"))
        if isinstance(entry, Mapping)
    )
    docs = (doc for doc in _many(value.get("doc")) if isinstance(doc, str))
    tags = (tag for tag in _many(value.get("tags")) if isinstance(tag, str))
    return encoded_all(1, docs) + encoded_all(2, params) + encoded_all(3, tags)


def _many(value: Value | None) -> tuple[Value, ...]:
    if value is None:
        return ()
    return value if isinstance(value, tuple) else (value,)


FILE = OptionTable(
    {
        1: ("java_package", TEXT),
        8: ("java_outer_classname", TEXT),
        9: ("optimize_for", ("", "SPEED", "CODE_SIZE", "LITE_RUNTIME")),
        10: ("java_multiple_files", FLAG),
        11: ("go_package", TEXT),
        16: ("cc_generic_services", FLAG),
        17: ("java_generic_services", FLAG),
        18: ("py_generic_services", FLAG),
        20: ("java_generate_equals_and_hash", FLAG),
        23: ("deprecated", FLAG),
        27: ("java_string_check_utf8", FLAG),
        31: ("cc_enable_arenas", FLAG),
        36: ("objc_class_prefix", TEXT),
        37: ("csharp_namespace", TEXT),
        39: ("swift_prefix", TEXT),
        40: ("php_class_prefix", TEXT),
        41: ("php_namespace", TEXT),
        44: ("php_metadata_namespace", TEXT),
        45: ("ruby_package", TEXT),
        _META_NUMBER: ("(confluent.file_meta)", META),
    }
)
MESSAGE = OptionTable(
    {
        1: ("message_set_wire_format", FLAG),
        2: ("no_standard_descriptor_accessor", FLAG),
        3: ("deprecated", FLAG),
        7: ("map_entry", FLAG),
        11: ("deprecated_legacy_json_field_conflicts", FLAG),
        _META_NUMBER: ("(confluent.message_meta)", META),
    }
)
FIELD = OptionTable(
    {
        1: ("ctype", ("STRING", "CORD", "STRING_PIECE")),
        2: ("packed", FLAG),
        3: ("deprecated", FLAG),
        5: ("lazy", FLAG),
        6: ("jstype", ("JS_NORMAL", "JS_STRING", "JS_NUMBER")),
        10: ("weak", FLAG),
        15: ("unverified_lazy", FLAG),
        16: ("debug_redact", FLAG),
        _META_NUMBER: ("(confluent.field_meta)", META),
    }
)
ENUM = OptionTable(
    {
        2: ("allow_alias", FLAG),
        3: ("deprecated", FLAG),
        6: ("deprecated_legacy_json_field_conflicts", FLAG),
        _META_NUMBER: ("(confluent.enum_meta)", META),
    }
)
CONSTANT = OptionTable(
    {1: ("deprecated", FLAG), 3: ("debug_redact", FLAG), _META_NUMBER: ("(confluent.enum_value_meta)", META)}
)
SERVICE = OptionTable({33: ("deprecated", FLAG)})
RPC = OptionTable(
    {
        33: ("deprecated", FLAG),
        34: ("idempotency_level", ("IDEMPOTENCY_UNKNOWN", "NO_SIDE_EFFECTS", "IDEMPOTENT")),
    }
)
