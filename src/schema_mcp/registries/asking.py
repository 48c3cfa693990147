"""How subjects, scopes and options are written into a request to a Confluent-shaped registry."""

from typing import TypeAlias

from schema_mcp.domain.errors import SchemaMcpError
from schema_mcp.domain.schema import DEFAULT_CONTEXT, Subject
from schema_mcp.registries.paths import Told

Query: TypeAlias = dict[str, Told]

_CLIMBS = frozenset({".", ".."})


def segment(subject: Subject) -> str:
    """A subject as a path names it. `..` cannot stand in a path alone, but `:.:..` can, which means the same."""
    climbs = subject.context == DEFAULT_CONTEXT and subject.name in _CLIMBS
    return f":.:{subject.name}" if climbs else str(subject)


def scope(scope: Subject) -> tuple[str, ...]:
    """What follows `/config` and `/mode`: nothing for the default context as a whole."""
    return () if scope == Subject("") else (segment(scope),)


def prefix(context: str | None, prefix: str) -> str:
    """What a list is cut down to: every context as `:*:`, the default one without a word."""
    match context:
        case None:
            return f":*:{prefix}"
        case str() if context == DEFAULT_CONTEXT and not prefix.startswith(":"):
            return prefix
        case _:
            return f":{context}:{prefix}"


def within(context: str) -> Query:
    """Where an id is looked up."""
    return {} if context == DEFAULT_CONTEXT else {"subject": f":{context}:"}


def shown(*, deleted: bool) -> Query:
    return {"deleted": True} if deleted else {}


def normalized(*, normalize: bool) -> Query:
    return {"normalize": True} if normalize else {}


def permanently(*, permanent: bool) -> Query:
    return {"permanent": True} if permanent else {}


def in_force(inherited: bool) -> Query:
    return {"defaultToGlobal": True} if inherited else {}


def status(error: SchemaMcpError) -> object:
    return error.details.get("status")
