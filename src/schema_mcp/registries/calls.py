"""One request to a registry, how it can end, and whether it may be asked again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from schema_mcp.domain.schema import Json
from schema_mcp.registries.paths import Told
from schema_mcp.registries.replies import Reply

BUSY = frozenset({HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT})
"""Answers of something in front of the registry, or of one that cannot serve now."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request, whatever address it will go to. `writes` says whether asking twice could do something twice."""

    method: str
    path: tuple[str, ...]
    query: Mapping[str, Told] = field(default_factory=dict[str, Told])
    body: Json | None = None
    writes: bool = False


@dataclass(frozen=True, slots=True)
class Failure:
    """No whole answer came. `never_sent`: there was not even a connection, so nothing can have happened."""

    problem: str
    never_sent: bool = False


def may_repeat(call: Call, outcome: Reply | Failure) -> bool:
    """Is it safe, and of any use, to ask again?

    A write is repeated only where nothing can have happened: no connection was made, or the registry answered "too
    many requests" instead of doing it (RFC 6585, 4).
    """
    match outcome:
        case Failure(never_sent=never_sent):
            return never_sent or not call.writes
        case Reply(status=HTTPStatus.TOO_MANY_REQUESTS):
            return True
        case Reply(status=status):
            return status in BUSY and not call.writes
