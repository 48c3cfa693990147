"""One side against another: what is missing, what is extra, what goes by the same name and is not the same.

Two registries, or two contexts: subjects are compared by name and version, whatever context each side keeps them in.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from schema_mcp.domain.drift import Held, Kind
from schema_mcp.domain.identity import guid
from schema_mcp.domain.schema import Reference, Schema, SchemaType, Subject

Side = dict[Subject, dict[int, Held]]
"""What one side holds, by the subject's name as both sides know it."""


@dataclass(frozen=True, slots=True)
class Facets:
    """What can differ about a content, each as a digest where it may be long."""

    type: SchemaType
    references: tuple[Reference, ...]
    spelling: str
    """Of the normalised text."""

    contract: str
    """Of metadata and rule set."""


@dataclass(frozen=True, slots=True, order=True)
class Difference:
    """One thing the sides disagree on; `number` is 0 where a whole subject is missing or extra."""

    subject: Subject
    number: int
    kind: Kind
    detail: str
    versions: int = 1
    """How many versions it stands for."""


def differences(source: Side, target: Side) -> Iterator[Difference]:
    """Every disagreement, sorted; what differs about a content takes both schemas: see `told_apart`."""
    for subject in sorted(source.keys() | target.keys()):
        match source.get(subject), target.get(subject):
            case dict() as here, None:
                yield Difference(subject, 0, Kind.MISSING, "the target lacks the subject", len(here))
            case None, dict() as there:
                yield Difference(subject, 0, Kind.EXTRA, "the source lacks the subject", len(there))
            case here, there:
                yield from _of_versions(subject, here or {}, there or {})


def _of_versions(subject: Subject, source: Mapping[int, Held], target: Mapping[int, Held]) -> Iterator[Difference]:
    for number in sorted(source.keys() | target.keys()):
        match source.get(number), target.get(number):
            case Held() as here, None:
                yield Difference(subject, number, Kind.MISSING, f"the target lacks it (id {here.id})")
            case None, Held() as there:
                yield Difference(subject, number, Kind.EXTRA, f"the source lacks it (id {there.id})")
            case Held() as here, Held() as there:
                if here.digest != there.digest:
                    yield Difference(subject, number, Kind.CONTENT, "the content differs")
                if here.id != there.id:
                    yield Difference(subject, number, Kind.IDENTITY, f"id {here.id} in the source, {there.id} there")
            case _:
                pass


def told_apart(found: Difference, source: Facets, target: Facets) -> Difference:
    """A difference of content, told exactly: language, references, text, data contract, or spelling only."""
    kind, detail = Kind.CONTENT, "the text differs"
    if source.type is not target.type:
        detail = f"{source.type} in the source, {target.type} in the target"
    elif source.references != target.references:
        detail = "the references differ"
    elif source.spelling == target.spelling and source.contract != target.contract:
        kind, detail = Kind.METADATA, "metadata or rule set differ"
    elif source.spelling == target.spelling:
        kind, detail = Kind.COSMETIC, "the same schema in another spelling"
    return Difference(found.subject, found.number, kind, detail)


def facets(schema: Schema, spelling: str) -> Facets:
    """The facets of a schema whose normalised text has this digest."""
    contract = guid("", metadata=schema.metadata, rule_set=schema.rule_set)
    return Facets(schema.type, schema.references, spelling, contract)
