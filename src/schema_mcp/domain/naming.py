"""Names of subjects and contexts: the wire form, the form people write, and what is refused.

Rules: registry semantics as observed on Confluent 8.x (contexts begin with `.`; `:.ctx:subject` on the wire).
"""

import unicodedata

from schema_mcp.domain.errors import InvalidRequestError
from schema_mcp.domain.schema import DEFAULT_CONTEXT, Subject

GLOBAL_CONTEXT = ".__GLOBAL"
ALL_CONTEXTS = "*"
RESERVED = frozenset({"__GLOBAL", "__EMPTY"})
LONGEST_NAME = 1_000
_DEFAULT_WORD = "default"


def parse_subject(wire: str) -> Subject:
    """Read a subject in wire form; `:.ctx` and `:.ctx:` are the context itself, with an empty name."""
    if not wire.startswith((":.", ":*:")):
        return Subject(wire)
    context, colon, name = wire[1:].partition(":")
    return Subject(name if colon else "", context)


def resolve(reference: str, parent: Subject) -> Subject:
    """Whose subject a reference means: its own context where it names one, else the referrer's."""
    subject = parse_subject(reference)
    qualified = reference.startswith((":.", ":*:"))
    return subject if qualified else Subject(subject.name, parent.context)


def parse_context(text: str) -> str:
    """Read a context as people or registries write it: `default`, `.`, `eu`, `.eu`, `:.eu:`.

    Raises `InvalidRequestError` for a name that no registry would take.
    """
    bare = text.removeprefix(":").removesuffix(":")
    if text == _DEFAULT_WORD or bare in ("", DEFAULT_CONTEXT):
        return DEFAULT_CONTEXT
    if ":" in bare or _unprintable(bare) or len(bare) > LONGEST_NAME:
        raise InvalidRequestError(
            f"{text[:80]!r} is not a context name", hint="A context is a word such as `eu` or `default`."
        )
    return bare if bare.startswith(".") else f".{bare}"


def shown_context(context: str) -> str:
    """A context as people write it: `default` for `.`, `eu` for `.eu`; `.default` keeps its dot."""
    if context == DEFAULT_CONTEXT:
        return _DEFAULT_WORD
    bare = context.removeprefix(".")
    return context if bare in ("", _DEFAULT_WORD) or bare.startswith(".") else bare


def is_valid(subject: Subject) -> bool:
    """Would a registry register under this name?"""
    return subject.context != GLOBAL_CONTEXT and is_valid_scope(subject)


def is_valid_scope(subject: Subject) -> bool:
    """Would a registry take this name for a config or a mode? There `:.__GLOBAL:` is legal too."""
    return subject.name not in RESERVED and not _unprintable(subject.context + subject.name)


def checked_subject(name: str, context: str | None = None) -> Subject:
    """The subject that a caller named, in a context given apart or inside the name.

    Raises `InvalidRequestError` for what no registry takes, the empty name included, and where the two disagree.
    """
    subject = parse_subject(name)
    if context is not None:
        wanted = parse_context(context)
        if name.startswith(":.") and subject.context != wanted:
            raise InvalidRequestError(
                f"The subject names context {shown_context(subject.context)!r}, the call {context!r}",
                hint="Name the context once, best in `context`.",
            )
        subject = Subject(subject.name, wanted)
    if not subject.name or not is_valid(subject) or subject.context == ALL_CONTEXTS or len(name) > LONGEST_NAME:
        raise InvalidRequestError(
            f"{name[:80]!r} is not a subject name",
            hint=f"Use 1 to {LONGEST_NAME} printable characters, and neither __GLOBAL nor __EMPTY.",
        )
    return subject


def _unprintable(text: str) -> bool:
    # Java's Character.isISOControl: C0, DEL and C1. Lone surrogates cannot travel as UTF-8.
    return any(unicodedata.category(char) in ("Cc", "Cs") for char in text)
