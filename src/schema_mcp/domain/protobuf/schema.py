"""A parsed Protobuf schema: the file, what it refers to, and its texts, made when somebody asks."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from schema_mcp.domain.errors import InvalidSchemaError
from schema_mcp.domain.protobuf.decoder import decoded_text
from schema_mcp.domain.protobuf.model import File
from schema_mcp.domain.protobuf.normalize import normalized_file
from schema_mcp.domain.protobuf.parser import parse_text
from schema_mcp.domain.protobuf.printer import print_file
from schema_mcp.domain.protobuf.types import Source, Types
from schema_mcp.domain.schema import Dependency


@dataclass(frozen=True, eq=False)
class ProtobufSchema:
    """One `.proto` file with the referenced files in sight."""

    file: File
    dependencies: tuple[Source, ...] = ()

    @cached_property
    def canonical(self) -> str:
        """The text a registry stores."""
        return print_file(self.file)

    @cached_property
    def normalized(self) -> str:
        """The text a registry stores under `normalize=true`."""
        return print_file(normalized_file(self.file, self.types))

    @cached_property
    def types(self) -> Types:
        """The messages and enums in sight."""
        return Types(self.file, self.dependencies)


def read_schema(text: str, dependencies: Sequence[Dependency]) -> ProtobufSchema:
    """Read a text, or a base64 file descriptor, and what it refers to."""
    return ProtobufSchema(read_file(text), tuple(_source(dependency) for dependency in dependencies))


def read_file(text: str) -> File:
    """A `.proto` text first; what is none may be a base64 file descriptor, and is then read as the text it makes."""
    try:
        return parse_text(text)
    except InvalidSchemaError:
        file = decoded_text(text)
        if file is None:
            raise
        return parse_text(print_file(file))


def _source(dependency: Dependency) -> Source:
    """Where a reference is from: its subject and version, or, for a plain file, its content."""
    origin = (dependency.subject, dependency.version) if dependency.subject else dependency.text
    try:
        return Source(_referenced(dependency.text), origin, dependency.name)
    except InvalidSchemaError as error:
        raise InvalidSchemaError(f"The reference {dependency.name}: {error}", hint=error.hint) from error


_referenced = lru_cache(maxsize=128)(read_file)  # many schemas refer to the same few files
