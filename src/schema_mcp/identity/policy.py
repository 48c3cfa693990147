"""Who may come in, and how much he may do: what `access.yaml` says, and what follows from it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from urllib.parse import urlsplit

from pydantic import SecretStr

from schema_mcp.domain.caller import Bound, Caller, Grant, Reach, Scope, fits, with_implied

CAPS: Mapping[str, Scope] = {"public_repo": Scope.READ, "repo": Scope.WRITE, "admin:org": Scope.ADMIN}
"""What a scope that somebody gave a GitHub app allows us to do in his name; no other scope allows anything."""


class Kind(StrEnum):
    """By what people are known."""

    LOGIN = "login"
    ORGANIZATION = "organization"
    TEAM = "team"


class Refusals(StrEnum):
    """How a client hears that a scope is missing: as the protocol has it, or as the tool's error."""

    HTTP = "http_403"
    TOOL = "tool_error"


@dataclass(frozen=True, slots=True)
class GitHub:
    """An OAuth app at github.com, or at a GitHub Enterprise of one's own."""

    client_id: str
    client_secret: SecretStr
    url: str = "https://github.com"
    api: str = "https://api.github.com"
    classic_tokens: bool = False

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a login, or the members of an organisation or team, are granted."""

    kind: Kind
    name: str
    grant: Grant


@dataclass(frozen=True, slots=True)
class PipelineRule:
    """What a pipeline is granted whose token has these claims."""

    issuer: str
    claims: tuple[tuple[str, str], ...]
    grant: Grant


@dataclass(frozen=True, slots=True)
class Issuer:
    """Somebody who signs the tokens of pipelines; `private` lets its keys be fetched from an address inside."""

    url: str
    audience: str
    private: bool = False


@dataclass(frozen=True, slots=True)
class Client:
    """A program that may ask people to sign in, known beforehand."""

    id: str
    name: str
    redirects: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Facade:
    """Whether we sign people in ourselves: for which programs, and how those make themselves known."""

    clients: tuple[Client, ...] = ()
    documents: bool = True
    registration: bool = False


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody as GitHub knows him; `cap` is the most that he lets us do in his name."""

    login: str
    id: int
    cap: Scope | None
    organizations: frozenset[str] = frozenset()
    teams: frozenset[str] = frozenset()

    def is_one(self, kind: Kind, name: str) -> bool:
        """Whether he is, or belongs to, what is named; GitHub's names know no case."""
        match kind:
            case Kind.LOGIN:
                return self.login.casefold() == name
            case Kind.ORGANIZATION:
                return name in self.organizations
            case Kind.TEAM:
                return name in self.teams


@dataclass(frozen=True, slots=True)
class Access:
    """Everything that `access.yaml` says; without it the owner of the process does as his `--scopes` allow."""

    url: str = ""
    github: GitHub | None = None
    facade: Facade | None = None
    allow: tuple[tuple[Kind, str], ...] = ()
    rules: tuple[Rule, ...] = ()
    issuers: tuple[Issuer, ...] = ()
    pipelines: tuple[PipelineRule, ...] = ()
    bounds: Mapping[str, Bound] = field(default_factory=dict[str, Bound])
    refusals: Refusals = Refusals.HTTP

    @property
    def signs_in(self) -> bool:
        """Whether callers have to say who they are."""
        return bool(self.github or self.issuers)

    @property
    def secrets(self) -> frozenset[SecretStr]:
        return frozenset({self.github.client_secret}) if self.github else frozenset()

    @property
    def asks_for(self) -> frozenset[Kind]:
        """Which kinds of membership matter, so that no other is asked for."""
        return frozenset({kind for kind, _ in self.allow} | {rule.kind for rule in self.rules})


def caller_of(person: Person, access: Access, *, scopes: Iterable[Scope] = Scope, client: str = "") -> Caller | None:
    """The caller that a person is, None for one who may not come in; `scopes` is all that his token was made for."""
    if not any(person.is_one(kind, name) for kind, name in access.allow):
        return None
    cap = frozenset[Scope]() if person.cap is None else person.cap.implied & with_implied(scopes)
    granted = [rule.grant for rule in access.rules if person.is_one(rule.kind, rule.name)]
    host = access.github.host if access.github else "github.com"
    email = f"{person.id}+{person.login}@users.noreply.{host}"
    caller = _caller(person.login, email, granted, cap, client)
    return replace(caller, is_person=not person.login.endswith("[bot]"))


def pipeline_caller(issuer: str, claims: Mapping[str, object], access: Access) -> Caller | None:
    """The caller that a pipeline is, None where nothing is granted to its claims."""
    granted = [rule.grant for rule in access.pipelines if rule.issuer == issuer and _has(claims, rule.claims)]
    if not granted:
        return None
    name = f"pipeline:{claims.get('repository') or claims.get('sub')}"[:200]
    host = urlsplit(issuer).hostname or "pipeline"
    return _caller(name, f"pipeline@{host}", granted, Scope.ADMIN.implied, str(claims.get("workflow", ""))[:100])


def narrowed(grant: Grant, cap: frozenset[Scope]) -> Grant | None:
    """A grant of no more than the cap; None where nothing is left."""
    left = grant.scope.implied & cap
    return Grant(max(left, key=list(Scope).index), grant.reach) if left else None


def _caller(name: str, email: str, granted: Iterable[Grant], cap: frozenset[Scope], client: str) -> Caller:
    grants = tuple(left for grant in granted if (left := narrowed(grant, cap)))
    scopes = with_implied(grant.scope for grant in grants)
    everywhere = all(grant.reach == Reach() for grant in grants)
    return Caller(name, email, scopes, "http", None if everywhere else grants, client)


def _has(claims: Mapping[str, object], wanted: Iterable[tuple[str, str]]) -> bool:
    return all(isinstance(said := claims.get(name), str) and fits(pattern, said) for name, pattern in wanted)
