"""What Avro itself takes as one schema: the parsing form, and its CRC-64 fingerprint."""

from typing import Any

from schema_mcp.domain.avro.document import Raw, write
from schema_mcp.domain.avro.model import Array, Enum, Fixed, Map, Named, Record, Type, Union, branch_name
from schema_mcp.domain.avro.schema import AvroSchema, parsed
from schema_mcp.domain.avro.stackless import Steps, each, run


def parsing_form(schema: AvroSchema | str) -> str:
    """Only what data is read by: Avro 1.12, "Transforming into Parsing Canonical Form", references put in."""
    root = (parsed(schema) if isinstance(schema, str) else schema).root
    return write(run(_reduced(root, set())))


def crc64(form: str) -> str:
    """The CRC-64-AVRO fingerprint of a parsing form: sixteen hex digits, the most significant first."""
    # Imported here because it takes longer to load than the rest of the engine.
    from fastavro.schema import fingerprint  # noqa: PLC0415 - only where it is used: the start stays quick

    return bytes.fromhex(fingerprint(form, "CRC-64-AVRO"))[::-1].hex()


def _reduced(type_: Type, known: set[str]) -> Steps[Any]:
    match type_:
        case Array():
            return {"type": "array", "items": (yield _reduced(type_.items, known))}
        case Map():
            return {"type": "map", "values": (yield _reduced(type_.values, known))}
        case Union():
            return (yield each(_reduced(branch, known) for branch in type_.branches))
        case Record() | Enum() | Fixed() if type_.full_name not in known:
            known.add(type_.full_name)
            return (yield _reduced_named(type_, known))
        case _:
            return branch_name(type_)


def _reduced_named(named: Named, known: set[str]) -> Steps[Raw]:
    out: Raw = {"name": named.full_name, "type": named.kind}
    match named:
        case Record():
            types = yield each(_reduced(field.type, known) for field in named.fields)
            names = [field.name for field in named.fields]
            out["fields"] = [{"name": name, "type": type_} for name, type_ in zip(names, types, strict=True)]
        case Enum():
            out["symbols"] = named.symbols
        case Fixed():
            out["size"] = named.size
    return out
