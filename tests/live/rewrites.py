"""Odd spellings to send to a registry, and what comes back: each rewrite by its name, or `unknown`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schema_mcp.domain.engine import Whole, canonical
from schema_mcp.domain.errors import InvalidSchemaError, SchemaMcpError
from schema_mcp.domain.rewrites import Normalisers, Rewrite, contract, of_references, of_text
from schema_mcp.domain.schema import Json, Mode, Reference, Schema, SchemaType, Subject, Version
from schema_mcp.registries.contract import Capability, Registry

AVRO, JSON, PROTOBUF = SchemaType.AVRO, SchemaType.JSON, SchemaType.PROTOBUF
SAME, REFUSED, UNKNOWN = "same", "refused", "unknown"
OF_TEXTS = frozenset(
    {Rewrite.SPELLING, Rewrite.ORDER, Rewrite.DOCS, Rewrite.ALIASES, Rewrite.WORDS, Rewrite.UNREADABLE}
)


def avro(name: str, *fields: Json, **more: Any) -> Json:
    own = fields or ({"name": "id", "type": "long"},)
    return {"type": "record", "name": name, "namespace": "probes", "fields": list(own), **more}


def compact(schema: Any) -> str:
    return json.dumps(schema, separators=(",", ":"))


def pretty(schema: Any) -> str:
    return json.dumps(schema, indent=3)


def turned(schema: Json) -> Json:
    """The same object with its keys the other way round."""
    return dict(reversed(schema.items()))


def proto(name: str, *, before: str = "", after: str = "", gap: str = " ") -> str:
    return f'{before}syntax = "proto3";\npackage probes;\n\nmessage{gap}{name} {{\n  int64 id = 1;{after}\n}}\n'


@dataclass(frozen=True)
class Probe:
    """Schemas registered one after the other under one subject; what is compared is the last one."""

    name: str
    schemas: Sequence[Schema]
    needs: Capability | None = None
    config: Json | None = None


def _two(name: str, kind: SchemaType, first: str, second: str) -> Probe:
    return Probe(name, [Schema(first, kind), Schema(second, kind)])


def _json(title: str) -> Json:
    return {"type": "object", "title": title, "properties": {"b": {"type": "number"}, "a": {"type": "string"}}}


_NUMBERS = '{"type":"object","title":"N","properties":{"a":{"type":"number","maximum":1e3,"minimum":1.0}}}'
_ONE: Json = {"name": "a", "type": "double", "default": 1}
_DEFAULTS = (
    _ONE,
    {"name": "b", "type": ["null", "string"], "default": None},
    {"name": "c", "type": "float", "default": 1e3},
)
_METADATA = {"tags": {"**.id": ["PII", "KEY"]}, "properties": {"owner": "ann"}, "sensitive": ["owner"]}
_RULES = {"domainRules": [{"name": "positive", "kind": "CONDITION", "type": "CEL", "mode": "WRITE", "expr": "true"}]}

PROBES = (
    Probe("avro-pretty", [Schema(pretty(avro("A1")))]),
    Probe("avro-keys-turned", [Schema(compact(turned(avro("A2"))))]),
    Probe("avro-full-name", [Schema('{"type":"record","name":"probes.A3","fields":[{"name":"id","type":"long"}]}')]),
    Probe("avro-defaults", [Schema(compact(avro("A4", *_DEFAULTS)))]),
    Probe("avro-escapes", [Schema(compact(avro("A5", doc="\u00e9")))]),
    _two("avro-second-spelling", AVRO, compact(avro("A6")), pretty(avro("A6"))),
    _two("avro-second-docs", AVRO, compact(avro("A7")), compact(avro("A7", doc="A seventh"))),
    _two("avro-second-aliases", AVRO, compact(avro("A8")), compact(avro("A8", aliases=["Old"]))),
    _two("avro-second-properties", AVRO, compact(avro("A9")), compact(avro("A9", owner="ann"))),
    _two("avro-second-default", AVRO, compact(avro("B1", _ONE)), compact(avro("B1", _ONE | {"default": 2}))),
    Probe("avro-normalised", [Schema(compact(avro("B2", z="1", a="2")))], config={"normalize": True}),
    Probe("json-pretty", [Schema(pretty(_json("J1")), JSON)]),
    Probe("json-numbers", [Schema(_NUMBERS, JSON)]),
    _two("json-second-spelling", JSON, compact(_json("J2")), pretty(_json("J2"))),
    _two("json-second-order", JSON, compact(_json("J3")), compact(turned(_json("J3")))),
    _two("json-second-description", JSON, compact(_json("J4")), compact(_json("J4") | {"description": "d"})),
    Probe("json-normalised", [Schema(compact(_json("J5")), JSON)], config={"normalize": True}),
    Probe("protobuf-spaced", [Schema(proto("P1", gap="   "), PROTOBUF)]),
    Probe("protobuf-comments", [Schema(proto("P2", before="// said\n", after=" // its id"), PROTOBUF)]),
    _two("protobuf-second-comments", PROTOBUF, proto("P3"), proto("P3", after=" // its id")),
    _two("protobuf-second-order", PROTOBUF, proto("P4", after="\n  int32 b = 2;"), proto("P4", gap=" ").replace(
        "  int64 id = 1;", "  int32 b = 2;\n  int64 id = 1;")),
    Probe("protobuf-normalised", [Schema(proto("P5", after="\n  int32 z = 9;\n  int32 b = 2;"), PROTOBUF)],
          config={"normalize": True}),
    Probe("metadata", [Schema(compact(avro("M1")), metadata=_METADATA)], needs=Capability.METADATA),
    Probe("empty-metadata", [Schema(compact(avro("M2")), metadata={})], needs=Capability.METADATA),
    Probe("rules", [Schema(compact(avro("M3")), rule_set=_RULES)], needs=Capability.RULES),
)  # fmt: skip


async def observed(registry: Registry) -> dict[str, str]:
    """What each probe shows, by its name: `same`, the rewrites, `refused`, or `unknown`."""
    told = {probe.name: await _probed(registry, probe) for probe in PROBES if _possible(registry, probe)}
    if Capability.REFERENCES in registry.capabilities:
        told |= {f"reference-{number}": await _referenced(registry, number) for number in (1, -1)}
    return told | {"given-id": await _given_id(registry), "soft-deleted-again": await _soft_deleted(registry)}


def seen(told: Mapping[str, str]) -> set[str]:
    """Which rewrites were seen, those of texts with their language: `spelling AVRO`."""
    said = [(probe.partition("-")[0].upper(), one) for probe, many in told.items() for one in many.split("+")]
    return {f"{one} {kind}" if kind in set(SchemaType) else one for kind, one in said if one not in (SAME, REFUSED)}


def claimed(known: Normalisers) -> set[str]:
    """The same, as the rules have it."""
    return {
        f"{rule.rewrite} {kind}" if rule.rewrite in OF_TEXTS else str(rule.rewrite)
        for rule in known
        for kind in rule.types
    }


def _subject(registry: Registry, name: str) -> Subject:
    """Two faces of one product are looked at apart."""
    return Subject(f"probe-{registry.name}-{name}")


def _possible(registry: Registry, probe: Probe) -> bool:
    if probe.config and Capability.CONFIG_FIELDS not in registry.capabilities:
        return False
    return probe.needs is None or probe.needs in registry.capabilities


async def _probed(registry: Registry, probe: Probe) -> str:
    subject = _subject(registry, probe.name)
    await registry.set_config(subject, {"compatibility": "NONE", **(probe.config or {})})
    try:
        made = [await registry.register(subject, schema) for schema in probe.schemas]
    except SchemaMcpError:
        return REFUSED
    return _difference(probe.schemas[-1], await registry.version(subject, made[-1].number))


def _difference(sent: Schema, there: Version | None) -> str:
    if there is None or there.schema.type is not sent.type:
        return UNKNOWN
    got, found = there.schema, list[str]()
    if got.text != sent.text:
        found.append(of_text(Whole(sent), Whole(got)) or (UNKNOWN if _readable(got) else Rewrite.UNREADABLE))
    if got.references != sent.references:
        found.append(of_references(sent.references, got.references) or UNKNOWN)
    if (got.metadata, got.rule_set) != (sent.metadata, sent.rule_set):
        found.append(Rewrite.CONTRACT if contract(sent) == contract(got) else UNKNOWN)
    return "+".join(found) or SAME


def _readable(schema: Schema) -> bool:
    try:
        canonical(Whole(schema))
    except InvalidSchemaError:
        return False
    return True


async def _referenced(registry: Registry, number: int) -> str:
    base, user = _subject(registry, "base"), _subject(registry, f"user{number}")
    await registry.register(base, Schema(compact(avro("Base"))))
    text = compact({"type": "record", "name": "User", "namespace": "other", "fields": [_FIELD]})
    sent = Schema(text, references=(Reference("probes.Base", base.name, number),))
    try:
        made = await registry.register(user, sent)
    except SchemaMcpError:
        return REFUSED
    there = await registry.version(user, made.number)
    return SAME if there and there.schema.references == sent.references else _only_references(sent, there)


_FIELD = {"name": "base", "type": "probes.Base"}


def _only_references(sent: Schema, there: Version | None) -> str:
    return (of_references(sent.references, there.schema.references) if there else None) or UNKNOWN


async def _given_id(registry: Registry) -> str:
    """Is an id kept that is given in mode IMPORT?"""
    if Capability.KEEPS_IDS not in registry.capabilities:
        return Rewrite.NUMBERS
    subject = _subject(registry, "given-id")
    await registry.set_mode(subject, Mode.IMPORT, force=True)
    made = await registry.register(subject, Schema(compact(avro("G1"))), schema_id=4_711, number=3)
    await registry.delete_mode(subject)
    return SAME if (made.id, made.number) == (4_711, 3) else UNKNOWN


async def _soft_deleted(registry: Registry) -> str:
    """Is a soft-deleted version still there once its content was registered again?"""
    subject = _subject(registry, "soft-deleted")
    await registry.set_config(subject, {"compatibility": "NONE"})
    schemas = [Schema(compact(avro(f"S{number}"))) for number in (1, 2)]
    for schema in schemas:
        await registry.register(subject, schema)
    await registry.delete_version(subject, 2)
    again = await registry.register(subject, schemas[1])
    every = await registry.numbers(subject, deleted=True)
    return Rewrite.TOMBSTONES if 2 not in every and again.number > 2 else SAME
