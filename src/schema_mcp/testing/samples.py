"""What the contract's tests put into a registry, and how they look at it."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar
from uuid import uuid4

from schema_mcp.domain.schema import Json, Schema, SchemaType, Subject, Version
from schema_mcp.registries.contract import Capability, Registry

Test = TypeVar("Test", bound=Callable[..., Any])

HOSTILE_NAMES: Final = (
    "%2F", "a%20b", "?x=1", "#f", "a;v=1", ":ctx:x", "a:b", "a b", "a+b", "a&b=c",
    '"a"', "ü", "日本", "subjects", "v" * 250,
)  # fmt: skip
ODD_NAMES: Final = ("a/b", "../x", "..", ".")
"""Names that paths are bad at."""

UNUSED_ID: Final = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Traffic:
    """What has gone over the wire so far, for the tests about doing things in few requests."""

    requests: int
    received: int


def needs(*capabilities: Capability) -> Callable[[Test], Test]:
    """Mark a test with what a registry must claim to be put to it."""

    def mark(test: Test) -> Test:
        test.needs = frozenset(capabilities)  # type: ignore[attr-defined]
        return test

    return mark


def fresh(name: str = "orders-value", context: str = ".") -> Subject:
    """A subject that nobody has used before."""
    return Subject(f"{uuid4().hex[:12]}-{name}", context)


def fresh_context() -> str:
    return f".{uuid4().hex[:12]}"


def record(*fields: str, name: str | None = None) -> Schema:
    """A new Avro record; a field written `name=` has a default."""
    told = [
        {"name": field.removesuffix("="), "type": "string"} | ({"default": ""} if field.endswith("=") else {})
        for field in fields
    ]
    record_name = name or f"Order{uuid4().hex[:12]}"
    return Schema(json.dumps({"type": "record", "name": record_name, "fields": told}, separators=(",", ":")))


def grown(schema: Schema, *fields: str) -> Schema:
    """The same record with more fields."""
    before: Json = json.loads(schema.text)
    after: Json = json.loads(record(*fields, name=before["name"]).text)
    both = before | {"fields": before["fields"] + after["fields"]}
    return replace(schema, text=json.dumps(both, separators=(",", ":")))


def is_same(found: Schema | None, wanted: Schema) -> bool:
    """Is it the schema that was registered, however the registry prints it?"""
    if found is None or (found.type, found.references) != (wanted.type, wanted.references):
        return False
    if wanted.type is SchemaType.PROTOBUF:
        return found.text.split() == wanted.text.split()
    return bool(json.loads(found.text) == json.loads(wanted.text))


def place(version: Version) -> tuple[Subject, int]:
    return version.subject, version.number


async def there(registry: Registry, version: Version) -> Version:
    """The same version, asked for alone."""
    found = await registry.version(version.subject, version.number)
    assert found is not None
    return replace(found, timestamp=version.timestamp)


async def purge(registry: Registry, subject: Subject) -> None:
    """Delete a subject for good, in as many steps as the registry wants."""
    await registry.delete_subject(subject)
    if Capability.SOFT_DELETE in registry.capabilities:
        await registry.delete_subject(subject, permanent=True)
