"""One Avro schema with what its references brought along."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from schema_mcp.domain.avro.document import write
from schema_mcp.domain.avro.model import Named, Type, branch_name
from schema_mcp.domain.avro.normalize import comparable, normalized
from schema_mcp.domain.avro.parser import Reader
from schema_mcp.domain.avro.printer import printed
from schema_mcp.domain.errors import InvalidSchemaError
from schema_mcp.domain.schema import Dependency


@dataclass(eq=False)
class AvroSchema:
    """A parsed schema. Its texts are made when they are asked for, and kept."""

    text: str
    root: Type
    known: dict[str, Named]
    """Every named type by full name: those of the text and those of its dependencies."""

    dependencies: tuple[Dependency, ...] = ()
    referenced: frozenset[str] = field(default=frozenset())
    """The types that whole dependencies are: these the text only names."""

    given: frozenset[str] = field(default=frozenset())
    """All named types that came with dependencies."""

    names_ahead: bool = False
    """Is a name used before its definition?"""

    @cached_property
    def canonical(self) -> str:
        return printed(self.root, known=self.referenced)

    @cached_property
    def resolved(self) -> str:
        return printed(self.root) if self.referenced else self.canonical

    @cached_property
    def normalized(self) -> str:
        """What a registry stores under `normalize=true`: the rewritten schema, read and printed once more."""
        reader = Reader(strict=False)
        for dependency in self.dependencies:
            reader.read(dependency.text)
        rewritten = reader.type_of(normalized(self.root, known=self.referenced))
        return printed(rewritten, known=self.referenced)

    @cached_property
    def comparable(self) -> str:
        """Equal for schemas that differ in the order of properties or aliases, or in what is put inline."""
        return write(comparable(self.root))


def parsed(text: str, dependencies: Sequence[Dependency] = (), *, new: bool = False) -> AvroSchema:
    """Read `text` after the texts it refers to; with `new` by the rules for schemas being registered."""
    reader = Reader(strict=new)
    needed = tuple({dependency.text: dependency for dependency in dependencies}.values())
    referenced = frozenset(branch_name(_read(reader, dependency)) for dependency in needed)
    given = frozenset(reader.known)
    root = reader.read(text)
    return AvroSchema(text, root, reader.known, needed, referenced, given, reader.names_ahead)


def _read(reader: Reader, dependency: Dependency) -> Type:
    try:
        return reader.read(dependency.text)
    except InvalidSchemaError as error:
        message = f"In the referenced schema {dependency.name!r}: {error}"
        raise InvalidSchemaError(message, hint=error.hint) from error
