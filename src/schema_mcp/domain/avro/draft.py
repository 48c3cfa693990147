"""A schema under edit: types are put in place of others, and the printer defines each name where it comes first."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from schema_mcp.domain.avro.defaults import empty, fits
from schema_mcp.domain.avro.model import (
    MISSING,
    Array,
    Enum,
    Field,
    Fixed,
    Kind,
    Map,
    Named,
    Record,
    Slot,
    Type,
    Union,
    branch_name,
)
from schema_mcp.domain.avro.printer import printed
from schema_mcp.domain.avro.schema import AvroSchema


@dataclass(slots=True)
class Draft:
    """The author's copy; `reads` tells whether it is the reader of the comparison."""

    schema: AvroSchema
    reads: bool
    own: dict[str, Named] = field(init=False)
    """The definition to print for each name: the author's, until an edit puts another in its place."""

    def __post_init__(self) -> None:
        self.own = dict(self.schema.known)

    @property
    def text(self) -> str:
        return printed(self.schema.root, known=self.schema.given, instead=self.own)

    def put(self, slot: Slot, type_: Type) -> None:
        """Let `type_` stand at a place; a default that does not fit it is replaced."""
        if isinstance(type_, Record | Enum | Fixed):
            self.own[type_.full_name] = type_
        match slot.holder:
            case None:
                self.schema.root = type_
            case Field() as holder:
                holder.type = type_
                _refit(holder)
            case Array() as holder:
                holder.items = type_
            case Map() as holder:
                holder.values = type_
            case Union() as holder:
                holder.branches[slot.branch] = type_

    def rename(self, named: Named, namespace: str, name: str) -> None:
        self.own.pop(named.full_name, None)
        named.namespace, named.name = namespace, name
        self.own[named.full_name] = named


def united(one: Type, other: Type) -> Union:
    """A union of both, null in front."""
    distinct: dict[str, Type] = {}
    for branch in [*branches_of(one), *branches_of(other)]:
        distinct.setdefault(branch_name(branch), branch)
    return Union(sorted(distinct.values(), key=lambda branch: branch.kind is not Kind.NULL))


def branches_of(type_: Type) -> Sequence[Type]:
    return type_.branches if isinstance(type_, Union) else [type_]


def _refit(holder: Field) -> None:
    if not holder.has_default or fits(holder.type, holder.default):
        return
    value: Any = empty(holder.type)
    holder.raw = {word: part for word, part in holder.raw.items() if word != "default"}
    if value is not MISSING:
        holder.raw["default"] = value
