"""Programs that ask people to sign in: known beforehand, described by a document, or registered by themselves.

A client id that is an https address leads to a document about the program; it is fetched as everything that a stranger
names: from public addresses only, small, and soon. See draft-ietf-oauth-client-id-metadata-document.
"""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast
from urllib.parse import urlsplit

from cachetools import TTLCache

from schema_mcp.domain.errors import UnknownCallerError
from schema_mcp.identity.outside import Outside
from schema_mcp.identity.policy import Client, Facade
from schema_mcp.stores.signins import About, SignInStore

LARGEST: Final = 16 * 1024
_KNOWN_FOR = 300.0
_MOST = 1_000
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_MOST_REDIRECTS, _LONGEST = 10, 1_000
_DOTS = re.compile(r"(^|/)\.\.?(/|$)")


class BadClientError(UnknownCallerError):
    """This program may not ask people to sign in."""


@dataclass(frozen=True, slots=True)
class Found:
    """A program, and how we know it: only what an operator wrote may have redirects of any kind."""

    client: Client
    known_beforehand: bool = False

    def takes(self, redirect: str) -> bool:
        """Whether an answer may go there: to the letter, but for the port on loopback (RFC 8252, 7.3)."""
        if not self.known_beforehand and not is_fit(redirect):
            return False
        return any(redirect == one or _same_but_port(redirect, one) for one in self.client.redirects)


class Clients:
    """Finds programs by their client id."""

    def __init__(
        self, facade: Facade, outside: Outside, store: SignInStore, *, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._facade = facade
        self._known = {one.id: one for one in facade.clients}
        self._outside = outside
        self._store = store
        self._documents: TTLCache[str, Client] = TTLCache(_MOST, _KNOWN_FOR, now)

    async def find(self, name: str) -> Found:
        """Raises `BadClientError` for a program that nobody knows, `IdentityAwayError` where its document is away."""
        if name in self._known:
            return Found(self._known[name], known_beforehand=True)
        if self._facade.registration and (about := self._store.registered(name)):
            return Found(Client(name, about["client_name"], tuple(about["redirect_uris"])))
        if self._facade.documents and name.startswith("https://"):
            return Found(await self._documented(name))
        raise BadClientError("This program is not known here", hint="Whoever runs this server can make it known.")

    def register(self, document: Mapping[str, Any]) -> About:
        """Keep a program that describes itself (RFC 7591); raises `BadClientError` for a bad description."""
        client = _described("registered", document)
        about = {"client_name": client.name, "redirect_uris": list(client.redirects)}
        return {
            **about,
            "client_id": self._store.register(about),
            "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
        }

    async def _documented(self, address: str) -> Client:
        if address not in self._documents:
            parts = urlsplit(address)
            if parts.path in ("", "/") or parts.fragment or parts.username or _DOTS.search(parts.path):
                raise BadClientError("This address cannot name a program")
            if len(address) > _LONGEST:
                raise BadClientError("This address is too long")
            document = await self._outside.fetch(address, largest=LARGEST)
            if document.get("client_id") != address:
                raise BadClientError("The document about this program is about another one")
            self._documents[address] = _described(address, document)
        return self._documents[address]


def is_fit(redirect: str) -> bool:
    """Whether an address may get an answer that a stranger asked for: https, or http to the person's own machine."""
    try:
        parts = urlsplit(redirect)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if not redirect.isascii() or not redirect.isprintable() or " " in redirect or "\\" in redirect or not host:
        return False
    if parts.fragment or redirect.endswith("#") or parts.username is not None or len(redirect) > _LONGEST:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)


def _same_but_port(redirect: str, known: str) -> bool:
    here, there = urlsplit(redirect), urlsplit(known)
    if there.scheme != "http" or there.hostname not in _LOOPBACK or here.username is not None:
        return False
    return (here.scheme, here.hostname, here.path, here.query, here.fragment) == (
        there.scheme,
        there.hostname,
        there.path,
        there.query,
        there.fragment,
    )


def _described(name: str, document: Mapping[str, Any]) -> Client:
    redirects = document.get("redirect_uris")
    listed = cast("list[object]", redirects) if isinstance(redirects, list) else []
    if not 0 < len(listed) <= _MOST_REDIRECTS or not all(isinstance(one, str) and is_fit(one) for one in listed):
        raise BadClientError("`redirect_uris` has to list https addresses, or http ones on loopback")
    if document.get("token_endpoint_auth_method", "none") != "none":
        raise BadClientError("`token_endpoint_auth_method` has to be none: programs keep no secrets here")
    shown = document.get("client_name")
    title = shown if isinstance(shown, str) and shown.strip() else urlsplit(name).hostname or "a program"
    return Client(name, _plain(title), tuple(cast("list[str]", listed)))


def _plain(title: str) -> str:
    """A title as one line of visible characters: it is what a person is asked to trust."""
    visible = "".join(one if one.isprintable() else " " for one in title)
    return " ".join(visible.split())[:80]
