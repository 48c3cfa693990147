"""Who asks, and what they may do."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from schema_mcp.domain.errors import NotPermittedError


class Scope(StrEnum):
    """What a caller may do; admin implies write implies read."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"

    @property
    def implied(self) -> frozenset["Scope"]:
        """This scope and every one it includes."""
        order = (Scope.READ, Scope.WRITE, Scope.ADMIN)
        return frozenset(order[: order.index(self) + 1])


@dataclass(frozen=True, slots=True)
class Caller:
    """A principal: the owner of the process over stdio, a signed-in person or pipeline over HTTP.

    `name` and `email` author commits; `via` is the interface the call came through.
    """

    name: str
    email: str
    scopes: frozenset[Scope]
    via: str = "cli"

    def require(self, scope: Scope, what: str) -> None:
        """Raise `NotPermittedError` unless the caller holds the scope."""
        if scope not in self.scopes:
            raise NotPermittedError(
                f"{what} needs the scope {scope.value!r}",
                hint=f"You hold: {', '.join(sorted(self.scopes)) or 'none'}. Ask whoever runs this server for it.",
                details={"scope": scope.value},
            )


def with_implied(scopes: Iterable[Scope]) -> frozenset[Scope]:
    """The scopes with all they imply."""
    return frozenset[Scope]().union(*(scope.implied for scope in scopes))
