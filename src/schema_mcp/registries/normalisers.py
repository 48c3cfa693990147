"""What each product rewrites: rules as data, each seen by running the product.

`make live` sends odd spellings to the products and compares what comes back; a rewrite that no rule here covers, and a
rule that nothing shows any more, fail there (tests/live/test_rewrites.py). What a product refuses or loses is no
rewrite but a missing capability: see `dialects`.
"""

from collections.abc import Mapping
from typing import Final

from schema_mcp.domain.rewrites import Normaliser, Normalisers, Rewrite
from schema_mcp.domain.schema import SchemaType
from schema_mcp.registries.contract import Registry

_AVRO: Final = frozenset({SchemaType.AVRO})
_JSON: Final = frozenset({SchemaType.JSON})
_PROTOBUF: Final = frozenset({SchemaType.PROTOBUF})
_AVRO_JSON: Final = _AVRO | _JSON
_ORDERED: Final = _JSON | _PROTOBUF
_SAME: Final = True
"""What differs so is no version of its own."""

_RECORDED: Final = "the recordings of Confluent 8.1.5, and the embedded registry that is held against them"
_APICURIO: Final = "Apicurio Registry 3.3.3, faces v7 and v8"
_AXONOPS: Final = "AxonOps Schema Registry 0.2.1"

_CONFLUENT: Final = (
    Normaliser(Rewrite.SPELLING, "it prints every schema anew", _RECORDED),
    Normaliser(Rewrite.ORDER, "under `normalize: true` it keeps the normalised text", _RECORDED),
    Normaliser(Rewrite.LATEST, "it keeps a reference to the latest version by its number", _RECORDED),
    Normaliser(Rewrite.CONTRACT, "it sorts tags, and prints the defaults of rules", _RECORDED),
    Normaliser(Rewrite.TOMBSTONES, "a soft-deleted version is gone once its content has a new number", _RECORDED),
)

NORMALISERS: Final[Mapping[str, tuple[Normaliser, ...]]] = {
    "confluent": _CONFLUENT,
    "embedded": _CONFLUENT,
    "apicurio": (
        Normaliser(
            Rewrite.SPELLING, "it prints Avro anew, and keeps the first spelling of JSON", _APICURIO, _AVRO_JSON
        ),
        Normaliser(Rewrite.ORDER, "it takes JSON with its keys in another order for the same", _APICURIO, _JSON, _SAME),
        Normaliser(Rewrite.DOCS, "it takes Avro with other docs for the version it has", _APICURIO, _AVRO, _SAME),
        Normaliser(Rewrite.ALIASES, "it takes Avro with other aliases for the version it has", _APICURIO, _AVRO, _SAME),
        Normaliser(Rewrite.NUMBERS, "it hands out ids and version numbers of its own", _APICURIO),
    ),
    "axonops": (
        Normaliser(Rewrite.SPELLING, "it keeps the first spelling that it met", _AXONOPS, merges=_SAME),
        Normaliser(Rewrite.ORDER, "it takes keys or fields in another order for the same", _AXONOPS, _ORDERED, _SAME),
        Normaliser(Rewrite.DOCS, "it takes Avro with other docs for what it met first", _AXONOPS, _AVRO, _SAME),
        Normaliser(Rewrite.ALIASES, "it takes Avro with other aliases for what it met first", _AXONOPS, _AVRO, _SAME),
        Normaliser(Rewrite.WORDS, "it takes Avro with other properties for what it met first", _AXONOPS, _AVRO, _SAME),
        Normaliser(Rewrite.UNREADABLE, "under `normalize: true` it misplaces `syntax`", _AXONOPS, _PROTOBUF),
    ),
    "karapace": (Normaliser(Rewrite.NUMBERS, "it issues ids of its own", "the recorded answers of Karapace 6.2.0"),),
    "redpanda": (),
}
"""By the name of the dialect."""


def normalisers_of(registry: Registry) -> Normalisers:
    """What the product behind a registry rewrites, as far as it is known."""
    return NORMALISERS.get(getattr(registry, "dialect", ""), ())
