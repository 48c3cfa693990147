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
_AVRO_AND_JSON: Final = frozenset({SchemaType.AVRO, SchemaType.JSON})

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
        Normaliser(Rewrite.SPELLING, "it prints Avro anew", _APICURIO, _AVRO),
        Normaliser(
            Rewrite.DOCS,
            "it takes an Avro schema with other docs for the version it has",
            _APICURIO,
            _AVRO,
            merges=True,
        ),
        Normaliser(Rewrite.NUMBERS, "it hands out ids and version numbers of its own", _APICURIO),
    ),
    "axonops": (
        Normaliser(Rewrite.SPELLING, "it keeps the first spelling that it met of a schema", _AXONOPS, merges=True),
        Normaliser(
            Rewrite.ORDER, "it takes a JSON Schema with its keys in another order for the same", _AXONOPS, merges=True
        ),
        Normaliser(
            Rewrite.DOCS,
            "it takes an Avro schema with other docs for the one it met first",
            _AXONOPS,
            _AVRO,
            merges=True,
        ),
        Normaliser(
            Rewrite.WORDS,
            "it takes an Avro schema with other aliases, order or own properties for the one it met first",
            _AXONOPS,
            _AVRO,
            merges=True,
        ),
    ),
    "karapace": (Normaliser(Rewrite.NUMBERS, "it issues ids of its own", "the recorded answers of Karapace 6.2.0"),),
    "redpanda": (),
}
"""By the name of the dialect."""


def normalisers_of(registry: Registry) -> Normalisers:
    """What the product behind a registry rewrites, as far as it is known."""
    return NORMALISERS.get(getattr(registry, "dialect", ""), ())
