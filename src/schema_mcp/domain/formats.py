"""What the engine asks of a schema language: the one contract behind Avro, JSON Schema and Protobuf.

A format module offers one object with these methods; `FORMATS` is the table. Everything else about schemas
(levels, histories, messages, identity) is written once, above this contract.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from schema_mcp.domain.schema import Dependency, Policy, SchemaType, Semantics


@dataclass(frozen=True, slots=True)
class Rules:
    """Which variant of the rules to apply."""

    policy: Policy = Policy.STRICT
    semantics: Semantics = Semantics.CONFLUENT_8_3


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference that the rules know, found while a reader's schema was held against a writer's.

    `kind` and `path` are the registry's own words (`READER_FIELD_MISSING_DEFAULT_VALUE`, `/fields/1`), `breaks`
    says whether it is incompatible under the rules asked for, `description` is the registry's sentence without
    its wrapping, `info` what Confluent calls additionalInfo (Avro), and `plain` says it to a person.
    """

    kind: str
    path: str
    breaks: bool
    description: str
    plain: str
    info: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something worth saying that never changes a verdict (lint)."""

    rule: str
    path: str
    message: str


@dataclass(frozen=True, slots=True)
class Change:
    """One change between two schemas in words, for `diff_schemas`.

    `kind` is `added`, `removed`, `renamed`, `type`, `default`, `doc`, `order` or another short word; `path` a
    readable place (`Order.customer.email`); `text` the sentence.
    """

    kind: str
    path: str
    text: str


class Parsed(Protocol):
    """A schema after parsing; opaque outside its format, immutable, cached by text."""

    @property
    def canonical(self) -> str:
        """The text a registry stores and hands out."""
        ...


class Format(Protocol):
    """One schema language.

    Every method is pure and total: bad text raises `InvalidSchemaError`, a schema beyond the bounds (5 MB, 10,000
    fields, nesting 1,000) too; `RecursionError` never escapes.
    """

    type: SchemaType

    def parse(self, text: str, dependencies: Sequence[Dependency] = (), *, new: bool = False) -> Any:
        """Parse a text; with `new=True` also hold it to what a registry asks of a new schema.

        `dependencies` are the referenced texts, each needing only those before it.
        """
        ...

    def normalized(self, parsed: Any) -> str:
        """The text a registry stores under `normalize=true`."""
        ...

    def resolved(self, parsed: Any) -> str:
        """The text with its references put in where the format can (Avro), else the canonical text."""
        ...

    def equivalent(self, one: Any, other: Any) -> bool:
        """Would a registry's lookup take the two for one schema (`canLookup`)?"""
        ...

    def differences(self, reader: Any, writer: Any, rules: Rules) -> list[Difference]:
        """Every difference the registry would report when `reader` is to read what `writer` wrote."""
        ...

    def mended(self, parsed: Any, other: Any, difference: Difference, *, reads: bool) -> str | None:
        """The schema changed so that one difference goes away, or None where no small edit does it.

        `parsed` is the author's schema, `other` the version it clashed with; `reads` tells whether the author's
        schema was the reader (BACKWARD) or the writer (FORWARD) in that comparison.
        """
        ...

    def lint(self, parsed: Any, text: str) -> list[Finding]:
        """What the compatibility check silently ignores, and what stricter tools would refuse."""
        ...

    def advice(self, parsed: Any) -> list[Finding]:
        """Where a small, compatible edit would leave more room for later ones."""
        ...

    def lint_change(self, new: Any, old: Any) -> list[Finding]:
        """Changes that the compatibility check passes in silence and a consumer may still trip over."""
        ...

    def changes(self, old: Any, new: Any) -> list[Change]:
        """What changed from `old` to `new`, in words, in a stable order."""
        ...

    def names(self, parsed: Any) -> list["Named"]:
        """Everything a person may search for: types and fields with their docs."""
        ...


@dataclass(frozen=True, slots=True)
class Named:
    """A type or field of a schema, for the search index.

    `kind` is `record`, `enum`, `fixed`, `message`, `object`, `field`, `symbol`; `type` a short type text.
    """

    kind: str
    path: str
    name: str
    type: str = ""
    doc: str = ""
