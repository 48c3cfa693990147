"""Which names a registry takes in a new schema: Avro 1.12's strict ones, in ASCII."""

import re
from collections.abc import Iterable

from schema_mcp.domain.errors import InvalidSchemaError

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


def check_name(name: str) -> None:
    """Refuse a type, field, symbol or alias that is not called as Avro asks."""
    if not _NAME.match(name):
        raise InvalidSchemaError(
            f"Illegal name: {name!r}",
            hint="Names start with a letter or an underscore and hold only A-Z, a-z, 0-9 and _",
        )


def check_namespace(namespace: str) -> None:
    for part in namespace.split("."):
        if not _NAME.match(part):
            raise InvalidSchemaError(
                f"Namespace part {part!r} of {namespace!r} is invalid",
                hint="A namespace is names joined by dots",
            )


def repeated(names: Iterable[str]) -> str:
    """The first name that is there twice, or nothing."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return ""
