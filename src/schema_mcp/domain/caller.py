"""Who asks, and what they may do: scopes, and where they hold."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from schema_mcp.domain.errors import NotPermittedError
from schema_mcp.domain.schema import Subject


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
class Reach:
    """Places: registries and contexts by name, subjects by pattern (`orders-*`); what is not named is not narrowed."""

    registries: frozenset[str] = frozenset()
    contexts: frozenset[str] = frozenset()
    subjects: tuple[str, ...] = ()

    def touches(self, registry: str, context: str | None = None) -> bool:
        """Whether anything there is within reach: in the registry, or in one context of it."""
        named = not self.registries or registry in self.registries
        return named and (context is None or not self.contexts or context in self.contexts)

    def covers(self, registry: str, place: Subject) -> bool:
        """Whether a subject is within reach; a place without a name is a whole context, all its subjects included."""
        return self.touches(registry) and self.holds(place)

    def holds(self, place: Subject) -> bool:
        """Whether a subject, or a whole context, is within reach in some registry."""
        if self.contexts and place.context not in self.contexts:
            return False
        return not self.subjects or any(fits(pattern, place.name) for pattern in self.subjects)

    def is_all_of(self, registry: str) -> bool:
        """Whether everything in a registry is within reach."""
        return self.touches(registry) and not self.contexts and not self.subjects


@dataclass(frozen=True, slots=True)
class Grant:
    """A scope, and where it holds."""

    scope: Scope
    reach: Reach = Reach()


@dataclass(frozen=True, slots=True)
class Bound:
    """What holds at one registry for everybody: no more than this scope, in these contexts, on these subjects."""

    scope: Scope = Scope.ADMIN
    contexts: frozenset[str] = frozenset()
    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether everything that is there may be touched."""
        return not (self.contexts or self.allow or self.deny)

    def covers(self, place: Subject) -> bool:
        """Whether a subject may be touched at all; a whole context only where no subject of it is singled out."""
        if self.contexts and place.context not in self.contexts:
            return False
        if not place.name:
            return not (self.allow or self.deny)
        allowed = not self.allow or any(fits(pattern, place.name) for pattern in self.allow)
        return allowed and not any(fits(pattern, place.name) for pattern in self.deny)


UNBOUND = Bound()


@dataclass(frozen=True, slots=True)
class Caller:
    """A principal: the owner of the process over stdio, a signed-in person or pipeline over HTTP.

    `name` and `email` author commits; `via` is the interface the call came through, `client` the program that was
    signed in. Without `grants` the scopes hold everywhere, with them only where a grant says so.
    """

    name: str
    email: str
    scopes: frozenset[Scope]
    via: str = "cli"
    grants: tuple[Grant, ...] | None = None
    client: str = ""
    is_person: bool = False
    """Signed in as a human being: neither the owner of the process, nor a token, a pipeline or a bot."""

    def require(self, scope: Scope, what: str) -> None:
        """Raise `NotPermittedError` unless the caller holds the scope."""
        if scope not in self.scopes:
            raise NotPermittedError(
                f"{what} needs the scope {scope.value!r}",
                hint=f"You hold: {', '.join(sorted(self.scopes)) or 'none'}. Ask whoever runs this server for it.",
                details={"scope": scope.value, "layer": "scope"},
            )

    def scopes_at(self, registry: str, place: Subject) -> frozenset[Scope]:
        """What the caller may do with a subject, or a whole context, of a registry."""
        if self.grants is None:
            return self.scopes
        return with_implied(one.scope for one in self.grants if one.reach.covers(registry, place))

    def writes_at(self, place: Subject) -> bool:
        """Whether the caller may write a subject, or a whole context, in any registry."""
        if self.grants is None:
            return Scope.WRITE in self.scopes
        return any(Scope.WRITE in one.scope.implied and one.reach.holds(place) for one in self.grants)

    def scopes_in(self, registry: str, context: str | None = None) -> frozenset[Scope]:
        """What the caller may do with something in a registry, or in one context of it."""
        if self.grants is None:
            return self.scopes
        return with_implied(one.scope for one in self.grants if one.reach.touches(registry, context))


def with_implied(scopes: Iterable[Scope]) -> frozenset[Scope]:
    """The scopes with all they imply."""
    return frozenset[Scope]().union(*(scope.implied for scope in scopes))


def fits(pattern: str, name: str) -> bool:
    """Whether a name has the shape of a pattern, in which `*` stands for any text; in time linear in the name."""
    head, *rest = pattern.split("*")
    if not rest:
        return name == pattern
    *middle, tail = rest
    if not name.startswith(head) or not name.endswith(tail) or len(name) < len(head) + len(tail):
        return False
    position, end = len(head), len(name) - len(tail)
    for part in middle:
        position = name.find(part, position, end)
        if position < 0:
            return False
        position += len(part)
    return True
