"""Offline checks of a 100-field record: parse both texts and compare, and compare alone, in each language.

usage: python benchmarks/compatibility.py [--runs 200]
Baselines in the same run: PyPI `avro` doing the same, and a plain `json.loads` of the two texts. One core; medians.
"""

import argparse
import json
import statistics
import time
import warnings
from collections.abc import Callable
from typing import Any

from schema_mcp.domain.engine import format_of
from schema_mcp.domain.formats import Rules
from schema_mcp.domain.schema import SchemaType
from schema_mcp.services.batch import answer

FIELDS = 100
KINDS = 8


def avro_text(extra: bool) -> str:
    """A record of mixed fields; the newer one has one more, with a default."""

    def field(number: int) -> dict[str, Any]:
        name = f"field_{number:03}"
        kinds: list[dict[str, Any]] = [
            {"type": "long", "doc": f"The {number}th number of this record."},
            {"type": "string", "default": ""},
            {"type": ["null", "string"], "default": None},
            {"type": {"type": "array", "items": "int"}, "default": []},
            {"type": {"type": "map", "values": "double"}},
            {"type": {"type": "enum", "name": f"Enum{number}", "symbols": ["A", "B", "C"], "default": "A"}},
            {"type": {"type": "record", "name": f"Inner{number}", "fields": [{"name": "x", "type": "int"}]}},
            {"type": {"type": "long", "logicalType": "timestamp-millis"}},
        ]
        return {"name": name, **kinds[number % KINDS]}

    fields = [field(number) for number in range(FIELDS)]
    fields += [{"name": "added", "type": "int", "default": 0}] if extra else []
    return json.dumps({"type": "record", "name": "Wide", "namespace": "com.example", "fields": fields})


def json_text(extra: bool) -> str:
    """A closed object of mixed properties; the newer one has one more."""

    def property_(number: int) -> dict[str, Any]:
        kinds: list[dict[str, Any]] = [
            {"type": "integer", "minimum": 0},
            {"type": "string", "maxLength": 50},
            {"type": ["null", "string"]},
            {"type": "array", "items": {"type": "integer"}},
            {"type": "object", "additionalProperties": {"type": "number"}},
            {"enum": ["A", "B", "C"]},
            {"type": "object", "properties": {"x": {"type": "integer"}}, "additionalProperties": False},
            {"type": "string", "format": "date-time"},
        ]
        return {"description": f"Property {number}.", **kinds[number % KINDS]}

    properties = {f"field_{number:03}": property_(number) for number in range(FIELDS)}
    properties |= {"added": {"type": "integer"}} if extra else {}
    return json.dumps({"type": "object", "properties": properties, "additionalProperties": False})


def proto_text(extra: bool) -> str:
    """A message of mixed fields; the newer one has one more."""

    def field(number: int) -> str:
        name = f"field_{number:03} = {number + 1};"
        kinds = [
            f"int64 {name}",
            f"string {name}",
            f"optional string {name}",
            f"repeated int32 {name}",
            f"map<string, double> {name}",
            f"Kind {name}",
            f"Inner {name}",
            f"bytes {name}",
        ]
        return "  " + kinds[number % KINDS]

    lines = [field(number) for number in range(FIELDS)] + (["  int32 added = 900;"] if extra else [])
    inner = "  enum Kind { UNKNOWN = 0; A = 1; }\n  message Inner { int32 x = 1; }\n"
    return f'syntax = "proto3";\npackage com.example;\n\nmessage Wide {{\n{inner}' + "\n".join(lines) + "\n}\n"


TEXTS: dict[SchemaType, Callable[[bool], str]] = {
    SchemaType.AVRO: avro_text,
    SchemaType.JSON: json_text,
    SchemaType.PROTOBUF: proto_text,
}
TARGETS = {SchemaType.AVRO: 0.4, SchemaType.JSON: 2.0, SchemaType.PROTOBUF: 2.0}
PARSED_TARGETS = {SchemaType.AVRO: 0.15}


def median(act: Callable[[], object], runs: int) -> float:
    """Milliseconds."""
    for _ in range(5):
        act()
    times: list[float] = []
    for _ in range(runs):
        began = time.perf_counter()
        act()
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1_000


def pypi_avro(old: str, new: str) -> Callable[[], object]:
    warnings.simplefilter("ignore")
    from avro.compatibility import ReaderWriterCompatibilityChecker  # noqa: PLC0415 - a baseline, not a dependency
    from avro.schema import parse  # noqa: PLC0415

    return lambda: ReaderWriterCompatibilityChecker().get_compatibility(reader=parse(new), writer=parse(old))


def measured(kind: SchemaType, runs: int) -> None:
    rules, old, new = format_of(kind), TEXTS[kind](False), TEXTS[kind](True)

    def whole() -> object:
        return rules.differences(rules.parse(new, new=True), rules.parse(old), Rules())

    reader, writer = rules.parse(new, new=True), rules.parse(old)
    both = median(whole, runs)
    alone = median(lambda: rules.differences(reader, writer, Rules()), runs)
    plain = median(lambda: (json.loads(json.dumps(old)), json.loads(json.dumps(new))), runs)
    if kind is not SchemaType.PROTOBUF:
        plain = median(lambda: (json.loads(old), json.loads(new)), runs)
    parsed = f", target <= {PARSED_TARGETS[kind]}" if kind in PARSED_TARGETS else ""
    print(
        f"{kind:9} {len(new):6,} characters   parse both + check {both:6.3f} ms, target <= {TARGETS[kind]}   "
        f"check alone {alone:6.3f} ms{parsed}   {both / plain:5.1f} x json.loads of both"
    )
    if kind is SchemaType.AVRO:
        theirs = median(pypi_avro(old, new), max(runs // 10, 5))
        print(f"{'':9} PyPI avro, the same {theirs:6.3f} ms: {theirs / both:4.1f} x ours")


def stream(number: int) -> None:
    """The rate of `check --batch` without its process: questions of one kind after the other."""
    question = {
        "op": "compatibility",
        "schemaType": "AVRO",
        "level": "BACKWARD",
        "new": {"schema": avro_text(True)},
        "previous": [{"schema": avro_text(False)}],
    }
    began = time.perf_counter()
    for index in range(number):
        assert answer({"id": index, **question})["compatible"]
    print(
        f"{'':9} a stream of {number:,} Avro checks, both texts known: {number / (time.perf_counter() - began):,.0f}/s"
    )


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--runs", type=int, default=200)
    options = asked.parse_args()
    for kind in SchemaType:
        measured(kind, options.runs)
    stream(2_000)


if __name__ == "__main__":
    main()
