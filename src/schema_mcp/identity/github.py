"""GitHub's word on a token: whose it is, whether it was made for our app, what it allows, where its owner belongs.

GitHub's tokens name no audience, so only its check-a-token endpoint tells ours from those of other apps
(https://docs.github.com/en/rest/apps/oauth-applications#check-a-token).
"""

from collections.abc import AsyncIterator, Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final, cast
from urllib.parse import parse_qs, quote, urlencode

import httpx2

from schema_mcp.domain.caller import Scope
from schema_mcp.domain.errors import IdentityAwayError, UnknownCallerError
from schema_mcp.identity.policy import CAPS, GitHub, Kind, Person

PATIENCE: Final = 10.0
_MOST_PAGES = 10
_LONGEST_TOKEN = 1_024
_NO_MEMBERSHIPS = (403, 404)
"""What GitHub answers to a token that may not tell memberships."""

_LATER = "Try again later."
_HINT = "Sign in again with this server's own GitHub app."


class GitHubIdentity:
    """Asks one GitHub about tokens."""

    def __init__(self, app: GitHub, asks_for: Iterable[Kind], client: httpx2.AsyncClient) -> None:
        self._app = app
        self._asks_for = frozenset(asks_for)
        self._client = client

    @property
    def url(self) -> str:
        return self._app.url

    async def answers(self) -> None:
        """Ask for what costs nothing; raises `IdentityAwayError` where GitHub is away or does not take our app's name.

        A GitHub Enterprise without rate limits answers 404 (https://docs.github.com/en/rest/rate-limit).
        """
        login = httpx2.BasicAuth(self._app.client_id, self._app.client_secret.get_secret_value())
        response = await self._sent("GET", "/rate_limit", auth=login)
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            raise IdentityAwayError("GitHub does not take our app's name and secret", hint="Check access.yaml.")
        if not response.is_success and response.status_code != HTTPStatus.NOT_FOUND:
            raise _away(response)

    async def person(self, token: str) -> Person:
        """Whose token it is.

        Raises `UnknownCallerError` for a token that is not of our app, `IdentityAwayError` where GitHub cannot tell.
        """
        if not token.isascii() or not token.isprintable() or len(token) > _LONGEST_TOKEN:
            raise UnknownCallerError("This is no GitHub token", hint=_HINT)
        if self._app.classic_tokens and token.startswith("ghp_"):
            user, scopes = await self._classic(token)
        else:
            user, scopes = await self._checked(token)
        login, number = user.get("login"), user.get("id")
        if not isinstance(login, str) or not login or not isinstance(number, int):
            raise IdentityAwayError("GitHub did not say whose token it is", hint=_LATER)
        organizations = {one async for one in self._organizations(token)} if Kind.ORGANIZATION in self._asks_for else ()
        teams = {one async for one in self._teams(token)} if Kind.TEAM in self._asks_for else ()
        return Person(login, number, cap(scopes), frozenset(organizations), frozenset(teams))

    # --- whose token it is -------------------------------------------------------------------------------------------

    async def _checked(self, token: str) -> tuple[Mapping[str, Any], list[str]]:
        path = f"/applications/{quote(self._app.client_id, safe='')}/token"
        login = httpx2.BasicAuth(self._app.client_id, self._app.client_secret.get_secret_value())
        response = await self._sent("POST", path, json={"access_token": token}, auth=login)
        if response.status_code in (404, 422):
            raise UnknownCallerError("GitHub does not know this token as one of our app's", hint=_HINT)
        answer = _said(response)
        app = _mapping(answer.get("app"))
        if app.get("client_id") != self._app.client_id:
            raise UnknownCallerError("This token was made for another app", hint=_HINT)
        scopes = answer.get("scopes")
        listed = cast("list[object]", scopes) if isinstance(scopes, list) else []
        return _mapping(answer.get("user")), [one for one in listed if isinstance(one, str)]

    async def _classic(self, token: str) -> tuple[Mapping[str, Any], list[str]]:
        """A personal token names its scopes in a header only; an empty one means none."""
        response = await self._sent("GET", "/user", token=token)
        if response.status_code in (401, 403):
            raise UnknownCallerError("GitHub does not take this token", hint=_HINT)
        return _said(response), response.headers.get("x-oauth-scopes", "").replace(",", " ").split()

    # --- where he belongs --------------------------------------------------------------------------------------------

    async def _organizations(self, token: str) -> AsyncIterator[str]:
        async for one in self._pages("/user/memberships/orgs", token, state="active"):
            login = _mapping(one.get("organization")).get("login")
            if one.get("state") == "active" and isinstance(login, str):
                yield login.casefold()

    async def _teams(self, token: str) -> AsyncIterator[str]:
        async for one in self._pages("/user/teams", token):
            login, slug = _mapping(one.get("organization")).get("login"), one.get("slug")
            if isinstance(login, str) and isinstance(slug, str):
                yield f"{login}/{slug}".casefold()

    async def _pages(self, path: str, token: str, **query: str) -> AsyncIterator[Mapping[str, Any]]:
        for number in range(1, _MOST_PAGES + 1):
            asked = f"{path}?{urlencode({**query, 'per_page': 100, 'page': number})}"
            response = await self._sent("GET", asked, token=token)
            if response.status_code in _NO_MEMBERSHIPS:
                return
            page = _parsed(response) if response.is_success else None
            if not isinstance(page, list):
                raise _away(response)
            for one in cast("list[object]", page):
                yield _mapping(one)
            if 'rel="next"' not in response.headers.get("link", ""):
                return

    # --- signing somebody in -----------------------------------------------------------------------------------------

    def sign_in_address(self, *, state: str, challenge: str, redirect: str, scopes: Iterable[Scope]) -> str:
        """Where a browser goes to sign in."""
        query = {
            "client_id": self._app.client_id,
            "redirect_uri": redirect,
            "scope": " ".join(self.wanted(scopes)),
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "allow_signup": "false",
        }
        return f"{self._app.url}/login/oauth/authorize?{urlencode(query)}"

    def wanted(self, scopes: Iterable[Scope]) -> list[str]:
        """What GitHub is asked for, so that our scopes are not capped lower than they were agreed to."""
        highest = max(scopes, key=list(Scope).index, default=Scope.READ)
        needed = [name for name, scope in CAPS.items() if scope is highest]
        tells_teams = self._asks_for & {Kind.ORGANIZATION, Kind.TEAM} and highest is not Scope.ADMIN
        return [*needed, *(["read:org"] if tells_teams else [])]

    async def exchanged(self, code: str, *, verifier: str, redirect: str) -> str:
        """The token for a code; GitHub reports errors inside a 200, and answers as a form where it likes."""
        form = {
            "client_id": self._app.client_id,
            "client_secret": self._app.client_secret.get_secret_value(),
            "code": code,
            "code_verifier": verifier,
            "redirect_uri": redirect,
        }
        address = f"{self._app.url}/login/oauth/access_token"
        response = await self._asked("POST", address, data=form, headers={"Accept": "application/json"})
        answer = _said(response)
        token = answer.get("access_token")
        if "error" in answer or not isinstance(token, str) or not token:
            raise UnknownCallerError("GitHub did not take its own code back", hint="Begin again.")
        return token

    # -----------------------------------------------------------------------------------------------------------------

    async def _sent(self, method: str, path: str, token: str = "", **more: Any) -> httpx2.Response:
        headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        response = await self._asked(method, self._app.api + path, headers=headers, **more)
        spent = response.headers.get("x-ratelimit-remaining") == "0" and not response.is_success
        if spent or response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            raise _away(response)
        return response

    async def _asked(self, method: str, url: str, **more: Any) -> httpx2.Response:
        try:
            return await self._client.request(method, url, timeout=PATIENCE, follow_redirects=False, **more)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            # The request carries a secret: what went wrong is told without it.
            raise IdentityAwayError(f"GitHub does not answer ({type(error).__name__})", hint=_LATER) from None


def cap(scopes: Iterable[str]) -> Scope | None:
    """The most that GitHub scopes let us do; None where they allow nothing of ours."""
    return max((CAPS[one] for one in scopes if one in CAPS), key=list(Scope).index, default=None)


def _said(response: httpx2.Response) -> Mapping[str, Any]:
    """An answer that is an object, sent as JSON or as a form."""
    answer = _parsed(response)
    if not response.is_success or not isinstance(answer, dict):
        raise _away(response)
    return cast("Mapping[str, Any]", answer)


def _parsed(response: httpx2.Response) -> Any:
    if response.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return {name: values[0] for name, values in parse_qs(response.text, keep_blank_values=True).items()}
    try:
        return response.json()
    except (ValueError, RecursionError):
        return None


def _mapping(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


def _away(response: httpx2.Response) -> IdentityAwayError:
    return IdentityAwayError(f"GitHub cannot tell just now (it answered {response.status_code})", hint=_LATER)
