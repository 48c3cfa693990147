"""A stand-in for GitHub with its habits: errors inside a 200, forms unless JSON is asked for, commas between scopes."""

import base64
import hashlib
import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2

ID, SECRET = "our-app", "app-secret-canary"
URL, API = "https://github.example.com", "https://github.example.com/api/v3"


@dataclass
class User:
    login: str
    id: int
    organizations: dict[str, str] = field(default_factory=dict[str, str])
    """By name, `active` or `pending`."""

    teams: list[str] = field(default_factory=list[str])


@dataclass
class GitHub:
    """Users, their tokens, and everything that was asked."""

    users: dict[str, User] = field(default_factory=dict[str, User])
    tokens: dict[str, tuple[str, str, tuple[str, ...]]] = field(
        default_factory=dict[str, tuple[str, str, tuple[str, ...]]]
    )
    """Token to app, login and scopes; classic tokens belong to no app."""

    requests: list[httpx2.Request] = field(default_factory=list[httpx2.Request])
    failing: int = 0
    """Answer this status to everything."""

    codes: dict[str, tuple[str, tuple[str, ...], str, str]] = field(
        default_factory=dict[str, tuple[str, tuple[str, ...], str, str]]
    )
    told_app: str = ID
    """Whose token GitHub says it is."""

    signed_in: str = ""
    """Who sits at the browser."""

    def user(self, login: str, *, organizations: Iterable[str] = (), teams: Iterable[str] = ()) -> User:
        self.users[login] = User(login, 100 + len(self.users), dict.fromkeys(organizations, "active"), list(teams))
        return self.users[login]

    def token(self, login: str, *scopes: str, app: str = ID, prefix: str = "gho_") -> str:
        token = prefix + secrets.token_hex(18)
        self.tokens[token] = (app, login, scopes)
        return token

    @property
    def transport(self) -> httpx2.MockTransport:
        return httpx2.MockTransport(self.answer)

    def answer(self, request: httpx2.Request) -> httpx2.Response:  # noqa: PLR0911 - one for each road
        self.requests.append(request)
        if self.failing:
            return httpx2.Response(self.failing, text="unicorn")
        path = request.url.path.removeprefix(urlsplit(API).path)
        match request.method, path.strip("/").split("/"):
            case "POST", ["applications", app, "token"]:
                return self._checked(request, app)
            case "GET", ["rate_limit"]:
                return httpx2.Response(200 if _is_our_app(request) else 401, json={})
            case "POST", ["login", "oauth", "access_token"]:
                return self._exchanged(request)
            case "GET", ["login", "oauth", "authorize"]:
                return self._authorized(request)
            case "GET", ["user", *rest]:
                return self._user(request, "/".join(rest))
            case _:
                return httpx2.Response(404, json={"message": "Not Found"})

    def _checked(self, request: httpx2.Request, app: str) -> httpx2.Response:
        if not _is_our_app(request) or app != ID:
            return httpx2.Response(401, json={"message": "Bad credentials"})
        owner = self.tokens.get(json.loads(request.content)["access_token"])
        if owner is None or owner[0] != app:
            return httpx2.Response(404, json={"message": "Not Found"})
        user = self.users[owner[1]]
        told: dict[str, Any] = {"user": {"login": user.login, "id": user.id}, "app": {"client_id": self.told_app}}
        return httpx2.Response(200, json=told | {"scopes": list(owner[2]), "expires_at": None})

    def _user(self, request: httpx2.Request, what: str) -> httpx2.Response:
        owner = self.tokens.get(request.headers.get("authorization", "").removeprefix("Bearer "))
        if owner is None:
            return httpx2.Response(401, json={"message": "Bad credentials"})
        headers = {"X-OAuth-Scopes": ", ".join(owner[2])}
        user = self.users[owner[1]]
        tells = {"read:org", "admin:org", "write:org"} & set(owner[2])
        match what:
            case "":
                return httpx2.Response(200, headers=headers, json={"login": user.login, "id": user.id})
            case "memberships/orgs" | "teams" if not tells:
                return httpx2.Response(403, headers=headers, json={"message": "needs read:org"})
            case "memberships/orgs":
                rows = [{"state": state, "organization": {"login": name}} for name, state in user.organizations.items()]
                return self._page(request, rows, headers)
            case "teams":
                rows = [
                    {"slug": slug, "organization": {"login": org}}
                    for org, _, slug in (one.partition("/") for one in user.teams)
                ]
                return self._page(request, rows, headers)
            case _:
                return httpx2.Response(404, json={"message": "Not Found"})

    def _page(self, request: httpx2.Request, rows: list[Any], headers: dict[str, str]) -> httpx2.Response:
        number = int(request.url.params.get("page", "1"))
        shown = rows[(number - 1) * 2 : number * 2]  # two a page, whatever was asked for
        more = {"Link": f'<{request.url}>; rel="next"'} if number * 2 < len(rows) else {}
        return httpx2.Response(200, headers=headers | more, json=shown)

    def _authorized(self, request: httpx2.Request) -> httpx2.Response:
        """Whoever sits at the browser agrees at once, as somebody does who agreed before."""
        asked = request.url.params
        code = secrets.token_hex(8)
        scopes = tuple(asked["scope"].split())
        self.codes[code] = (self.signed_in, scopes, asked.get("code_challenge", ""), asked["redirect_uri"])
        back = urlencode({"code": code, "state": asked["state"]})
        return httpx2.Response(302, headers={"Location": f"{asked['redirect_uri']}?{back}"})

    def _exchanged(self, request: httpx2.Request) -> httpx2.Response:
        form = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
        login, scopes, challenge, redirect = self.codes.pop(form.get("code", ""), ("", (), "", ""))
        proof = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest()).rstrip(b"=")
        good = login and form.get("client_secret") == SECRET and proof.decode() == challenge
        if not good or form.get("redirect_uri") != redirect:
            return self._formed(request, {"error": "bad_verification_code", "error_description": "It is incorrect."})
        token = self.token(login, *scopes)
        return self._formed(request, {"access_token": token, "scope": ",".join(scopes), "token_type": "bearer"})

    def _formed(self, request: httpx2.Request, answer: dict[str, str]) -> httpx2.Response:
        if "json" in request.headers.get("accept", ""):
            return httpx2.Response(200, json=answer)
        headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
        return httpx2.Response(200, content=urlencode(answer), headers=headers)


def _is_our_app(request: httpx2.Request) -> bool:
    login = base64.b64encode(f"{ID}:{SECRET}".encode()).decode()
    return request.headers.get("authorization") == f"Basic {login}"
