"""Who calls: one door for every interface. A token of ours, of a pipeline, or of a person; nothing else comes in."""

from base64 import b64decode
from collections.abc import Iterable
from typing import Protocol

from cachetools import TTLCache

from schema_mcp.domain.caller import Caller, Scope
from schema_mcp.domain.errors import IdentityAwayError, RateLimitedError, SchemaMcpError, UnknownCallerError
from schema_mcp.identity.github import GitHubIdentity
from schema_mcp.identity.memory import Remembered, digest
from schema_mcp.identity.pipelines import Pipelines, issuer_of
from schema_mcp.identity.policy import Access, Person, caller_of
from schema_mcp.identity.strangers import Strangers
from schema_mcp.stores.audit import Audit, Entry, Outcome
from schema_mcp.stores.tokens import PREFIX, Tokens
from schema_mcp.toolkit.request import request_id

_LONGEST_HEADER = 20_000
_SEEN_FOR = 3_600
_MOST_SEEN = 10_000


class SignIns(Protocol):
    """Reads the tokens that we gave to people whom we signed in ourselves."""

    @property
    def issuer(self) -> str: ...

    def read(self, token: str) -> "SignedIn":
        """Raises `UnknownCallerError` for a token that does not hold, or no longer."""
        ...


class SignedIn(Protocol):
    """What one of our own tokens stands for."""

    @property
    def github_token(self) -> str: ...

    @property
    def scopes(self) -> frozenset[Scope]: ...

    @property
    def client(self) -> str: ...


class Doorman:
    """Turns what a request carries into a caller; everything that is not known for sure is refused."""

    def __init__(
        self,
        access: Access,
        tokens: Tokens,
        audit: Audit,
        *,
        github: GitHubIdentity | None = None,
        pipelines: Pipelines | None = None,
        sign_ins: SignIns | None = None,
        people: Remembered[Person] | None = None,
        strangers: Strangers | None = None,
    ) -> None:
        self._access = access
        self._tokens = tokens
        self._audit = audit
        self._github = github
        self._pipelines = pipelines
        self._sign_ins = sign_ins
        self._people = people or Remembered[Person]()
        self._strangers = strangers or Strangers()
        self._seen: TTLCache[bytes, bool] = TTLCache(_MOST_SEEN, _SEEN_FOR)
        self._asking: set[bytes] = set()
        self._refused: TTLCache[bytes, bool] = TTLCache(_MOST_SEEN, _SEEN_FOR)

    async def caller(self, authorization: str | None, address: str = "") -> Caller:
        """Who sends this header, from an address.

        Raises `UnknownCallerError` for nobody we know, `IdentityAwayError` where whoever could tell does not answer,
        `RateLimitedError` where too many come from there whom nobody knows. Whoever comes for the first time in an
        hour, and every token that is refused, is on the audit trail.
        """
        token = presented(authorization)
        key = digest(token)
        if key in self._seen or key in self._asking:
            return await self._answered(key, token)
        try:
            self._strangers.take(address)
        except RateLimitedError as error:
            await self._refuse(address.encode(), error)  # one line, however many they are
            raise
        self._asking.add(key)
        try:
            caller = await self._answered(key, token)
            await self._let_in(key, caller)
            self._strangers.forgive(address)
        except IdentityAwayError:
            self._strangers.forgive(address)
            raise
        finally:
            self._asking.discard(key)
        return caller

    async def _answered(self, key: bytes, token: str) -> Caller:
        try:
            return await self._caller(token)
        except SchemaMcpError as error:
            if not isinstance(error, IdentityAwayError):
                self._seen.pop(key, None)  # from now on it is a guess like any other
            await self._refuse(key, error)
            raise

    async def person(self, token: str) -> Person:
        """Whose GitHub token it is, asked for at most once a minute."""
        if self._github is None:
            raise UnknownCallerError("Nobody signs in with GitHub here", hint="Use a token that this server knows.")
        github = self._github
        return await self._people.of(token, lambda: github.person(token))

    async def _caller(self, token: str) -> Caller:
        if token.startswith(PREFIX):
            return self._ours(token)
        issuer = issuer_of(token)
        if self._sign_ins and issuer == self._sign_ins.issuer:
            signed = self._sign_ins.read(token)
            return await self._admitted(signed.github_token, signed.scopes, signed.client)
        if self._pipelines and issuer in self._pipelines.issuers:
            return await self._pipelines.caller(token, issuer)
        return await self._admitted(token, Scope)

    def _ours(self, token: str) -> Caller:
        found = self._tokens.find(token)
        if found is None:
            raise UnknownCallerError(
                "This token is unknown, expired or revoked", hint="Ask whoever made it for another."
            )
        return found.caller

    async def _admitted(self, token: str, scopes: Iterable[Scope], client: str = "") -> Caller:
        person = await self.person(token)
        caller = caller_of(person, self._access, scopes=scopes, client=client)
        if caller is None:
            raise UnknownCallerError(
                f"{person.login} may not come in here", hint="Whoever runs this server lets people in (access.yaml)."
            )
        return caller

    async def _let_in(self, key: bytes, caller: Caller) -> None:
        scopes = tuple(sorted(caller.scopes))
        await self._audit.record(Entry("sign_in", request_id=request_id(), caller=caller.name, scopes=scopes))
        self._seen[key] = True

    async def _refuse(self, key: bytes, error: SchemaMcpError) -> None:
        if key not in self._refused:
            reason = str(error)
            await self._audit.record(Entry("sign_in", Outcome.REFUSED, request_id(), code=error.code, reason=reason))
            self._refused[key] = True


def presented(authorization: str | None) -> str:
    """The token in a header: a bearer's, or the password of a basic login, which every Kafka client can send.

    Raises `UnknownCallerError` where there is none.
    """
    kind, _, said = (authorization or "").strip().partition(" ")
    said = said.strip()
    if not said or len(said) > _LONGEST_HEADER:
        raise UnknownCallerError("Nobody says who calls", hint="Send a token: `Authorization: Bearer …`.")
    match kind.lower():
        case "bearer":
            return said
        case "basic":
            return _password(said)
        case _:
            raise UnknownCallerError("This way of signing in is not known here", hint="Send a bearer token.")


def _password(said: str) -> str:
    try:
        login = b64decode(said, validate=True).decode("utf-8")
    except ValueError:
        login = ""
    _, _, password = login.partition(":")
    if not password.startswith(PREFIX):
        raise UnknownCallerError(
            "A basic login has to bring a token of ours as its password", hint="`schema-mcp token create` makes one."
        )
    return password
