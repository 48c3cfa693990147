"""Who we are to a registry: logins, tokens, headers."""

from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Protocol
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import anyio
import httpx2
from pydantic import SecretStr

from schema_mcp.domain.errors import ConfigurationError, RegistryError
from schema_mcp.registries.contract import Auth, Connection
from schema_mcp.registries.pacing import Clock

USUAL_LIFETIME = 300.0
"""Seconds a token is kept when its issuer does not say how long it lives."""

LEEWAY = 30.0
"""A token is replaced this many seconds early, so that it does not die on the way."""

Tokens = Callable[[], httpx2.AsyncClient]
"""Gives the client for a token endpoint, when one is needed."""


class Credentials(Protocol):
    """What each request carries to say who we are."""

    async def headers(self) -> Mapping[str, str]: ...

    def refused(self, headers: Mapping[str, str]) -> bool:
        """The registry answered 401 to these; is there something newer to offer?"""
        ...


class Fixed:
    """Credentials that never change: none, basic, a bearer token, headers."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers

    async def headers(self) -> Mapping[str, str]:
        return self._headers

    def refused(self, headers: Mapping[str, str]) -> bool:  # noqa: ARG002 - the protocol's name
        return False


class ClientCredentials:
    """OAuth 2.0 client credentials: one token for all requests, fetched once at a time (RFC 6749, 4.4)."""

    def __init__(self, connection: Connection, tokens: Tokens, clock: Clock) -> None:
        self._registry = connection.name
        self._auth = connection.auth
        self._tokens = tokens
        self._clock = clock
        self._lock = anyio.Lock()
        self._headers: Mapping[str, str] = {}
        self._good_until = 0.0

    async def headers(self) -> Mapping[str, str]:
        async with self._lock:
            if not self._headers or self._clock.now() >= self._good_until:
                await self._fetch()
            return self._headers

    def refused(self, headers: Mapping[str, str]) -> bool:
        # Another request may have fetched a new token meanwhile: keep that one.
        if headers is self._headers:
            self._headers = {}
        return True

    async def _fetch(self) -> None:
        form = {"grant_type": "client_credentials"} | ({"scope": self._auth.scope} if self._auth.scope else {})
        # RFC 6749, 2.3.1: id and secret are form-encoded before they become a basic login.
        login = basic(quote(self._auth.client_id, safe=""), quote(self._auth.client_secret.get_secret_value(), safe=""))
        headers = {"Authorization": login, "Accept": "application/json"}
        try:
            response = await self._tokens().post(self._auth.token_url, data=form, headers=headers)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise self._no_token(f"did not answer ({type(error).__name__})") from error
        token, lifetime = self._read(response)
        self._good_until = self._clock.now() + lifetime - min(LEEWAY, lifetime / 2)
        self._headers = _checked(self._registry, {"Authorization": f"Bearer {token}", **self._auth.header_texts})

    def _read(self, response: httpx2.Response) -> tuple[str, float]:
        if not response.is_success:
            raise self._no_token(f"answered {response.status_code}")
        try:
            answer = response.json()
            return str(answer["access_token"]), float(answer.get("expires_in") or USUAL_LIFETIME)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            # The answer may hold a token: it is neither shown nor chained.
            raise self._no_token("answered without an access_token") from None

    def _no_token(self, reason: str) -> RegistryError:
        return RegistryError(
            f"{self._registry}: the token endpoint {reason}",
            hint="Check `token_url`, `client_id`, `client_secret` and `scope` of this registry.",
            details={"registry": self._registry},
        )


def credentials_of(connection: Connection, tokens: Tokens, clock: Clock) -> Credentials:
    """The credentials that a connection asks for."""
    auth = connection.auth
    match auth.type:
        case "oauth":
            return ClientCredentials(connection, tokens, clock)
        case "basic":
            login = {"Authorization": basic(auth.username, auth.password.get_secret_value())}
        case "bearer":
            login = {"Authorization": f"Bearer {auth.token.get_secret_value()}"}
        case "none":
            login = dict[str, str]()
    return Fixed(_checked(connection.name, {**login, **auth.header_texts}))


def signed_in(connection: Connection) -> Connection:
    """The connection with a login that stood in its addresses (`https://user:password@…`) moved to where it belongs."""
    if not connection.urls:
        raise ConfigurationError(f"{connection.name}: no address is set", hint="Give the registry a `url`.")
    parts = [urlsplit(url) for url in connection.urls]
    if any(part.scheme not in ("http", "https") or not part.hostname for part in parts):
        raise ConfigurationError(
            f"{connection.name}: an address is not one of HTTP", hint="A `url` looks like `https://sr.example.com`."
        )
    bare = tuple(urlunsplit((part.scheme, part.netloc.rpartition("@")[2], part.path, "", "")) for part in parts)
    login = next((part for part in parts if part.username), None)
    auth = connection.auth
    if login is not None and auth.type == "none":
        name, password = unquote(login.username or ""), unquote(login.password or "")
        auth = replace(auth, type="basic", username=name, password=SecretStr(password))
    return replace(connection, urls=bare, auth=auth)


def basic(username: str, password: str) -> str:
    """The header of a basic login (RFC 7617)."""
    return f"Basic {b64encode(f'{username}:{password}'.encode()).decode()}"


def secrets_of(auth: Auth) -> frozenset[str]:
    """Every text that must not be shown, should a registry or a proxy send it back to us."""
    kept = (auth.password, auth.token, auth.client_secret)
    plain = {*(one.get_secret_value() for one in kept), *auth.header_texts.values()}
    if auth.type == "basic":
        plain.add(basic(auth.username, auth.password.get_secret_value()).removeprefix("Basic "))
    return frozenset(secret for secret in plain if secret)


def _checked(registry: str, headers: Mapping[str, str]) -> Mapping[str, str]:
    wrong = [name for name, value in headers.items() if not all(map(_sendable, (name, value)))]
    if wrong:
        raise ConfigurationError(
            f"{registry}: the header {wrong[0][:80]!r} cannot be sent",
            hint="A token or header holds a line break or another character that no header can carry.",
        )
    return headers


def _sendable(text: str) -> bool:
    return text.isascii() and text.isprintable()
