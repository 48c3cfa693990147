"""When two schemas are one: the MD5 and GUID that registries know a schema by, and our own SHA-256.

All three run over the same bytes: stored text, references, metadata and rule set (registry semantics as recorded
on Confluent 8.1.5; the schema type is not among them, so ours adds it). Callers pass *canonical* texts.
"""

import hashlib
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from schema_mcp.domain.schema import Json, Reference, Schema

RULE_LISTS = ("migrationRules", "domainRules", "encodingRules")
RULE_DEFAULTS = {"kind": "TRANSFORM", "mode": "WRITEREAD"}
_PRESENT = b"\x01"


def md5(
    text: str,
    references: Sequence[Reference] = (),
    metadata: Json | None = None,
    rule_set: Json | None = None,
) -> bytes:
    """The hash by which a registry finds a schema again within a context."""
    # Not a security measure: it is the registry's own key.
    digest = hashlib.md5(usedforsecurity=False)
    for part in _content(text, references, metadata, rule_set):
        digest.update(part)
    return digest.digest()


def guid(
    text: str,
    references: Sequence[Reference] = (),
    metadata: Json | None = None,
    rule_set: Json | None = None,
) -> str:
    """The name of a schema that is the same in every context: its MD5, printed as a UUID."""
    return str(uuid.UUID(bytes=md5(text, references, metadata, rule_set)))


def md5_of(schema: Schema) -> bytes:
    """`md5` of a whole schema."""
    return md5(schema.text, schema.references, schema.metadata, schema.rule_set)


def guid_of(schema: Schema) -> str:
    """`guid` of a whole schema."""
    return guid(schema.text, schema.references, schema.metadata, schema.rule_set)


def schema_hash(schema: Schema) -> str:
    """Our name for a content, for ever: SHA-256 over its type and everything that a registry hashes."""
    digest = hashlib.sha256(schema.type.encode())
    for part in _content(schema.text, schema.references, schema.metadata, schema.rule_set):
        digest.update(part)
    return digest.hexdigest()


def is_unicode(text: str) -> bool:
    """Can the text travel as UTF-8? Half of a surrogate pair cannot."""
    try:
        return text.isascii() or bool(text.encode())
    except UnicodeEncodeError:
        return False


def java_order(text: str) -> bytes:
    """Sort key: Java orders strings by their UTF-16 units."""
    return text.encode("utf-16-be", "surrogatepass")


def _content(
    text: str, references: Iterable[Reference], metadata: Json | None, rule_set: Json | None
) -> Iterator[bytes]:
    yield _utf8(text)
    for reference in references:
        yield _utf8(reference.name)
        yield _utf8(reference.subject)
        yield (reference.version & 0xFFFFFFFF).to_bytes(4, "big")
    # An empty metadata or rule set is not an absent one: the marker tells them apart.
    if metadata is not None:
        yield _PRESENT
        yield from _metadata(metadata)
    if rule_set is not None:
        yield _PRESENT
        yield from _rule_set(rule_set)


def _metadata(metadata: Json) -> Iterator[bytes]:
    yield from _sorted_tags(metadata.get("tags"))
    yield from _sorted_pairs(metadata.get("properties"))
    yield from _sorted_words(metadata.get("sensitive"))


def _rule_set(rule_set: Json) -> Iterator[bytes]:
    for rules in RULE_LISTS:
        for rule in rule_set.get(rules) or ():
            yield from _rule(rule)
    yield _utf8(rule_set.get("enableAt"))


def _rule(rule: Json) -> Iterator[bytes]:
    for name in ("name", "doc", "kind", "mode", "type"):
        yield _utf8(rule.get(name) or RULE_DEFAULTS.get(name))
    yield from _sorted_words(rule.get("tags"))
    yield from _sorted_pairs(rule.get("params"))
    for name in ("expr", "onSuccess", "onFailure"):
        yield _utf8(rule.get(name))
    if rule.get("disabled"):
        yield _PRESENT


def _sorted_words(words: Iterable[str] | None) -> Iterator[bytes]:
    yield from map(_utf8, sorted(words or (), key=java_order))


def _sorted_pairs(pairs: Mapping[str, str] | None) -> Iterator[bytes]:
    for key in sorted(pairs or (), key=java_order):
        yield _utf8(key)
        yield _utf8((pairs or {})[key])


def _sorted_tags(tags: Mapping[str, Iterable[str]] | None) -> Iterator[bytes]:
    for key in sorted(tags or (), key=java_order):
        yield _utf8(key)
        yield from _sorted_words((tags or {})[key])


def _utf8(value: Any) -> bytes:
    return b"" if value is None else str(value).encode("utf-8", "replace")
