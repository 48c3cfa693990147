"""Paths as they were sent: split before they are decoded, so that a `%2F` stays inside its subject.

What is refused with 400, and how `/contexts/{context}/…` is understood: registry semantics 1.2, as recorded.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote_to_bytes

from schema_mcp.domain.naming import ALL_CONTEXTS
from schema_mcp.registries.embedded.refusals import Refusal

Query = Mapping[str, Sequence[str]]
_ILLEGAL = re.compile(rb"[^!#-;=?-Z\[\]_a-z~]|%(?![0-9A-Fa-f]{2})")
_SUSPICIOUS = re.compile(r"[\x00-\x1f\x7f\\]")
_DOTS = (".", "..")


@dataclass(frozen=True, slots=True)
class Target:
    """What a request is about: its path's segments, decoded, and its query."""

    segments: tuple[str, ...]
    query: Query


def target(raw_path: bytes, raw_query: bytes) -> Target:
    """Read a path and a query; raises 400 for what Confluent's HTTP server refuses."""
    segments = tuple(map(_segment, _split(raw_path)))
    query: dict[str, list[str]] = {}
    for name, value in parse_qsl(raw_query.decode("latin-1"), keep_blank_values=True, encoding="utf-8"):
        query.setdefault(name, []).append(value)
    return _in_context(segments, query)


def is_qualified(subject: str) -> bool:
    """Does a subject name its own context?"""
    return subject.startswith((":.", f":{ALL_CONTEXTS}:"))


def _split(raw: bytes) -> list[bytes]:
    if _ILLEGAL.search(raw):
        raise bad_path("Illegal character in path")
    parts = raw.removeprefix(b"/").split(b"/")
    if parts[-1] == b"":
        parts.pop()
    if b"" in parts:
        raise bad_path("Ambiguous empty segment in path")
    return parts


def _segment(raw: bytes) -> str:
    """One segment, less its parameters (`;x=1`), decoded."""
    plain = raw.partition(b";")[0]
    try:
        text = unquote_to_bytes(plain).decode("utf-8")
    except UnicodeDecodeError:
        raise bad_path("Bad UTF-8 in path") from None
    if _SUSPICIOUS.search(text) or (text in _DOTS and b"%" in plain):
        raise bad_path("Suspicious path character")
    return text


def _in_context(segments: tuple[str, ...], query: dict[str, list[str]]) -> Target:
    """A path below `/contexts/{context}` is the same path with every name in that context."""
    if len(segments) < 3 or segments[0] != "contexts":  # noqa: PLR2004 - contexts, a name, and a path below
        return Target(segments, query)
    prefix, rest = context_prefix(segments[1]), segments[2:]
    asked: Query = query
    match rest:
        case ("config" | "mode" as setting,):
            rest = (setting, prefix)
        case ("schemas", "ids", *_):
            asked = _with_prefix(query, "subject", prefix)
        case ("schemas" | "subjects",):
            asked = _with_prefix(query, "subjectPrefix", prefix)
        case ("config" | "mode" | "subjects" as head, subject, *more):
            rest = (head, _qualified(subject, prefix), *more)
        case ("compatibility", "subjects", subject, *more):
            rest = ("compatibility", "subjects", _qualified(subject, prefix), *more)
        case _:
            pass
    return Target(rest, asked)


def context_prefix(text: str) -> str:
    """How names of a context begin: `:.eu:` for `eu`, `.eu` and `:.eu:`."""
    bare = text.removeprefix(":").removesuffix(":")
    if ":" in bare:
        raise bad_path(f"'{text}' is not a context")
    return f":{bare if bare.startswith('.') else f'.{bare}'}:"


def _with_prefix(query: dict[str, list[str]], name: str, prefix: str) -> Query:
    given = query.get(name, [""])[0]
    return {**query, name: [_qualified(given, prefix)]}


def _qualified(subject: str, prefix: str) -> str:
    return subject if is_qualified(subject) else prefix + subject


def bad_path(message: str) -> Refusal:
    return Refusal(400, message)
