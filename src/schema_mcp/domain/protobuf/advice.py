"""What makes a Protobuf schema easier to evolve."""

from collections.abc import Iterator
from typing import Final

from schema_mcp.domain.formats import Finding
from schema_mcp.domain.protobuf.model import Enum, File
from schema_mcp.domain.protobuf.schema import ProtobufSchema
from schema_mcp.domain.protobuf.types import OWN, Source, definitions_of

_NEUTRAL: Final = ("UNSPECIFIED", "UNKNOWN", "UNDEFINED", "NONE", "DEFAULT")
"""How the constants end that mean: nobody has said."""


def advice(schema: ProtobufSchema) -> list[Finding]:
    """Places where a small, compatible edit leaves more room for later ones."""
    return [*_file(schema.file), *_enums(schema.file)]


def _file(file: File) -> Iterator[Finding]:
    if file.package is None:
        yield Finding("package", "", "the file has no package: two teams may choose the same message name")


def _enums(file: File) -> Iterator[Finding]:
    for found in definitions_of(Source(file, OWN)):
        if isinstance(found.body, Enum) and not _has_neutral_zero(found.body):
            yield Finding(
                "enum_zero",
                found.full_name,
                "0 stands for a real value, and is what readers see where nothing was set: keep it for "
                f"{found.body.name.upper()}_UNSPECIFIED in the next enum",
            )


def _has_neutral_zero(enum: Enum) -> bool:
    return any(constant.tag == 0 and constant.name.upper().endswith(_NEUTRAL) for constant in enum.constants)
