"""Signing people in ourselves, with GitHub's help: for clients that have to discover how, and know no GitHub app.

OAuth 2.1: a code with PKCE S256 (RFC 7636), `iss` in every answer (RFC 9207), short tokens for our audience (RFC 9068),
tokens to refresh with that are used once. People are asked each time, on a page that is bound to their browser:
GitHub knows one app only, ours, and would wave through whoever stands behind it.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from hmac import compare_digest
from typing import Any, Final, Protocol
from urllib.parse import urlencode, urlsplit

from authlib.oauth2 import rfc7636

from schema_mcp.domain.caller import Scope, with_implied
from schema_mcp.domain.errors import IdentityAwayError, SchemaMcpError, UnknownCallerError
from schema_mcp.identity.clients import Clients, Found
from schema_mcp.identity.github import GitHubIdentity
from schema_mcp.identity.issuing import Issued, SignIns
from schema_mcp.identity.policy import Access, Person, caller_of
from schema_mcp.stores.audit import Audit, Entry, Outcome
from schema_mcp.stores.signins import About, Kind, SignInStore
from schema_mcp.toolkit.request import request_id

CALLBACK: Final = "/callback"
_PATIENCE = timedelta(minutes=10)
_CODE_FOR = timedelta(seconds=60)
_REFRESH_FOR = timedelta(days=30)
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_LONGEST = 2_000


_challenge_of: Callable[[str], str] = rfc7636.create_s256_code_challenge  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]


class Refused(Exception):  # noqa: N818 - an answer, told to the client or the person
    """No: `error` is OAuth's word for it, `redirect` where the client hears it; without one only the person does."""

    def __init__(self, error: str, why: str, redirect: str = "", state: str = "") -> None:
        super().__init__(why)
        self.error = error
        self.why = why
        self.redirect = redirect
        self.state = state


class People(Protocol):
    """Whose GitHub token it is."""

    async def person(self, token: str) -> Person: ...


@dataclass(frozen=True, slots=True)
class Question:
    """What a person is asked: may this program, in his name, and where does the answer go?"""

    name: str
    client: str
    home: str
    redirect: str
    proof: str
    """Where he will prove who he is."""

    scopes: tuple[Scope, ...]


class AuthorizationServer:
    """One sign-in from its beginning at the client to the tokens, and what comes after."""

    def __init__(
        self,
        access: Access,
        github: GitHubIdentity,
        people: People,
        clients: Clients,
        store: SignInStore,
        sign_ins: SignIns,
        audit: Audit,
    ) -> None:
        self._access = access
        self._github = github
        self._people = people
        self.clients = clients
        self._store = store
        self._sign_ins = sign_ins
        self._audit = audit
        self.issuer = access.url
        self.resource = f"{access.url}/mcp"
        self.registers = bool(access.facade and access.facade.registration)

    @property
    def metadata(self) -> dict[str, Any]:
        """What clients have to know of us (RFC 8414)."""
        facade = self._access.facade
        own = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "revocation_endpoint": f"{self.issuer}/revoke",
            "jwks_uri": f"{self.issuer}/jwks.json",
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none"],
            "revocation_endpoint_auth_methods_supported": ["none"],
            "scopes_supported": [scope.value for scope in Scope],
            "authorization_response_iss_parameter_supported": True,
            "client_id_metadata_document_supported": bool(facade and facade.documents),
        }
        return own | ({"registration_endpoint": f"{self.issuer}/register"} if self.registers else {})

    @property
    def keys(self) -> dict[str, Any]:
        return self._sign_ins.keys.public

    # --- a person is asked -------------------------------------------------------------------------------------------

    async def begin(self, asked: Mapping[str, str], browser: str) -> Question:
        """What to ask the person at a browser; raises `Refused`."""
        found = await self._client(asked)
        redirect = asked.get("redirect_uri", "")
        if not found.takes(redirect):
            raise Refused("invalid_request", "This address is not one of the program's")
        state = asked.get("state", "")
        if problem := self._problem(asked):
            raise Refused(*problem, redirect, state)
        scopes = _scopes(asked.get("scope", ""))
        about: About = {
            "client": found.client.id,
            "redirect": redirect,
            "state": state,
            "challenge": asked["code_challenge"],
            "scopes": [scope.value for scope in scopes],
        }
        name = self._store.ask(browser, about, _PATIENCE)
        home = urlsplit(found.client.id).hostname or ""
        return Question(name, found.client.name, home, redirect, self._github.url, tuple(scopes))

    def agreed(self, name: str, browser: str) -> str:
        """Where a person who said yes goes to prove who he is; raises `Refused`."""
        about = self._answered(name, browser)
        verifier = self._sign_ins.fresh_secret()
        state = self._store.ask(browser, {**about, "verifier": self._sign_ins.keys.seal(verifier)}, _PATIENCE)
        scopes = [Scope(one) for one in about["scopes"]]
        challenge, redirect = _challenge_of(verifier), self.issuer + CALLBACK
        return self._github.sign_in_address(state=state, challenge=challenge, redirect=redirect, scopes=scopes)

    def declined(self, name: str, browser: str) -> str:
        """Where a person goes who said no."""
        about = self._answered(name, browser)
        return self._back(about["redirect"], {"error": "access_denied", "state": about["state"]})

    async def proven(self, said: Mapping[str, str], browser: str) -> str:
        """Where a person goes who comes back from GitHub: to the program, with a code for it; raises `Refused`."""
        about = self._answered(said.get("state", ""), browser)
        redirect, state = about["redirect"], about["state"]
        if "error" in said or not said.get("code"):
            raise Refused("access_denied", "GitHub did not sign anybody in", redirect, state)
        scopes = [Scope(one) for one in about["scopes"]]
        try:
            verifier = self._sign_ins.keys.unseal(about["verifier"])
            token = await self._github.exchanged(said["code"], verifier=verifier, redirect=self.issuer + CALLBACK)
            login = await self._let_in(token, scopes, about["client"])
        except IdentityAwayError as error:
            raise Refused("temporarily_unavailable", str(error), redirect, state) from error
        except SchemaMcpError as error:
            raise Refused("access_denied", str(error), redirect, state) from error
        made = self._store.begin(login, self._sign_ins.keys.seal(token), about["client"], about["scopes"])
        bound = {"client": about["client"], "redirect": redirect, "challenge": about["challenge"]}
        return self._back(redirect, {"code": self._store.give(Kind.CODE, made.id, bound, _CODE_FOR), "state": state})

    def refusal(self, no: Refused) -> str:
        """Where a client hears of a refusal."""
        return self._back(no.redirect, {"error": no.error, "error_description": no.why, "state": no.state})

    # --- a client brings something back ------------------------------------------------------------------------------

    async def token(self, form: Mapping[str, str]) -> dict[str, Any]:
        """Tokens for a code, or for a token to refresh with; raises `Refused`."""
        if form.get("resource", self.resource) != self.resource:
            raise Refused("invalid_target", "Tokens are for this server only")
        match form.get("grant_type"):
            case "authorization_code":
                return self._told(self._for_code(form))
            case "refresh_token":
                return self._told(await self._refreshed(form))
            case _:
                raise Refused("unsupported_grant_type", "Bring a code, or a token to refresh with")

    def revoke(self, form: Mapping[str, str]) -> None:
        """End a sign-in by what was given out for it (RFC 7009); what is unknown is over already."""
        brought = form.get("token", "")
        found = self._store.owner(Kind.REFRESH, brought) or self._sign_ins.named_in(brought)
        if found:
            self._store.end(found)

    def _for_code(self, form: Mapping[str, str]) -> Issued:
        code, verifier = form.get("code", ""), form.get("code_verifier", "")
        bound = self._store.look(Kind.CODE, code)
        # Used up before anything is looked at: of two who bring it, one gets nothing, and the sign-in ends.
        found = self._store.take(Kind.CODE, code)
        if bound is None or found is None:
            raise Refused("invalid_grant", "This code is unknown, used or too old")
        fits = (
            bound["client"] == form.get("client_id")
            and bound["redirect"] == form.get("redirect_uri")
            and _VERIFIER.fullmatch(verifier)
            and compare_digest(_challenge_of(verifier), bound["challenge"])
        )
        if not fits:
            self._store.end(found.id)
            raise Refused("invalid_grant", "This code was given to another program, or under another address or proof")
        return self._sign_ins.issue(found, found.scopes)

    async def _refreshed(self, form: Mapping[str, str]) -> Issued:
        brought = form.get("refresh_token", "")
        bound = self._store.look(Kind.REFRESH, brought)
        if bound is None or bound["client"] != form.get("client_id"):
            raise Refused("invalid_grant", "This token is not this program's")
        await self._still_in(self._store.owner(Kind.REFRESH, brought))
        found = self._store.take(Kind.REFRESH, brought)
        if found is None:
            raise Refused("invalid_grant", "This token is used, too old, or its sign-in has ended")
        asked = form.get("scope", "").split() or found.scopes
        return self._sign_ins.issue(found, asked)

    async def _still_in(self, sign_in: str | None) -> None:
        """Refuse where the person has lost his place; where GitHub cannot tell, nothing is used up."""
        found = self._store.find(sign_in) if sign_in else None
        if found is None:
            return
        try:
            scopes = [Scope(one) for one in found.scopes]
            await self._let_in(self._sign_ins.keys.unseal(found.sealed), scopes, found.client)
        except IdentityAwayError as error:
            raise Refused("temporarily_unavailable", str(error)) from error
        except SchemaMcpError as error:
            self._store.end(found.id)
            raise Refused("invalid_grant", str(error)) from error

    def _told(self, issued: Issued) -> dict[str, Any]:
        found = issued.sign_in
        refresh = self._store.give(Kind.REFRESH, found.id, {"client": found.client}, _REFRESH_FOR)
        return {
            "access_token": issued.token,
            "token_type": "Bearer",
            "expires_in": issued.seconds,
            "refresh_token": refresh,
            "scope": " ".join(issued.scopes),
        }

    # -----------------------------------------------------------------------------------------------------------------

    async def _client(self, asked: Mapping[str, str]) -> Found:
        try:
            return await self.clients.find(asked.get("client_id", ""))
        except UnknownCallerError as error:
            raise Refused("invalid_client", str(error)) from error

    def _problem(self, asked: Mapping[str, str]) -> tuple[str, str] | None:
        if asked.get("response_type") != "code":
            return "unsupported_response_type", "Only codes are given"
        if asked.get("code_challenge_method") != "S256" or not _CHALLENGE.fullmatch(asked.get("code_challenge", "")):
            return "invalid_request", "PKCE with S256 is needed"
        if asked.get("resource", self.resource) != self.resource:
            return "invalid_target", "Tokens are for this server only"
        return ("invalid_request", "The state is too long") if len(asked.get("state", "")) > _LONGEST else None

    def _answered(self, name: str, browser: str) -> About:
        about = self._store.asked(name, browser) if name and browser else None
        if about is None:
            raise Refused("invalid_request", "This question was asked in another browser, or is answered already")
        return about

    async def _let_in(self, token: str, scopes: Iterable[Scope], client: str) -> str:
        """The login of whom a GitHub token belongs to; raises where he may not come in. Either is on the trail."""
        try:
            person = await self._people.person(token)
            if caller_of(person, self._access, scopes=scopes) is None:
                raise UnknownCallerError(f"{person.login} may not come in here", hint="Ask whoever runs this server.")
        except SchemaMcpError as error:
            reason = f"{client}: {error}"
            await self._audit.record(Entry("sign_in", Outcome.REFUSED, request_id(), code=error.code, reason=reason))
            raise
        given = tuple(sorted(with_implied(scopes)))
        entry = Entry("sign_in", request_id=request_id(), caller=person.login, scopes=given, reason=client[:300])
        await self._audit.record(entry)
        return person.login

    def _back(self, redirect: str, said: Mapping[str, str]) -> str:
        query = urlencode({name: value for name, value in {**said, "iss": self.issuer}.items() if value})
        return f"{redirect}{'&' if urlsplit(redirect).query else '?'}{query}"


def _scopes(said: str) -> list[Scope]:
    """The scopes of ours that are asked for; whoever asks for none of them may read."""
    asked = set(said.split())
    return [scope for scope in Scope if scope.value in asked] or [Scope.READ]
