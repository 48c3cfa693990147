"""Documents that somebody else's address leads to: fetched from public addresses only, small, soon, as they are.

The address is looked up once and that one is connected to, so that a name cannot mean another place a moment later.
"""

import socket
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any, Final, TypeAlias, cast
from urllib.parse import urlsplit

import anyio
import httpx2

from schema_mcp.domain import once
from schema_mcp.domain.errors import IdentityAwayError, UnknownCallerError

Resolve: TypeAlias = Callable[[str, int], Awaitable[list[str]]]
"""The addresses of a host."""

LARGEST: Final = 256 * 1024
_PATIENCE = 5.0
_TRANSLATED = IPv6Network("64:ff9b::/96")  # RFC 6052: an IPv4 address, seen through a gateway


async def resolved(host: str, port: int) -> list[str]:
    """What the system's resolver says."""
    found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class Outside:
    """Fetches JSON objects from places that are not ours."""

    def __init__(self, client: httpx2.AsyncClient, resolve: Resolve = resolved) -> None:
        self._client = client
        self._resolve = resolve

    async def fetch(self, url: str, *, private: bool = False, largest: int = LARGEST) -> dict[str, Any]:
        """The JSON object at an `https` address; `private` also takes one inside, which an operator has named.

        Raises `IdentityAwayError` where nothing answers, `UnknownCallerError` for an address or answer that is unfit.
        """
        parts = urlsplit(url)
        if (parts.scheme != "https" and not private) or not parts.hostname or parts.username or parts.fragment:
            raise _unfit(url, "is no https address")
        answer: dict[str, Any] | None = None
        with anyio.move_on_after(_PATIENCE):
            try:
                place = url if private else await self._pinned(url)
                answer = await self._answer(url, place, largest)
            except (httpx2.HTTPError, httpx2.InvalidURL, OSError, UnicodeError) as error:
                raise IdentityAwayError(f"{_host(url)} does not answer", hint="Try again later.") from error
        if answer is None:
            raise IdentityAwayError(f"{_host(url)} does not answer in time", hint="Try again later.")
        return answer

    async def _pinned(self, url: str) -> str:
        """The same address with its host looked up; refused where any answer is not public."""
        parts = urlsplit(url)
        port = parts.port or 443
        addresses = await self._resolve(parts.hostname or "", port)
        if not addresses or not all(is_public(one) for one in addresses):
            raise _unfit(url, "is not at a public address")
        number = f"[{addresses[0]}]" if ":" in addresses[0] else addresses[0]
        return parts._replace(netloc=f"{number}:{port}").geturl()

    async def _answer(self, url: str, place: str, largest: int) -> dict[str, Any]:
        parts = urlsplit(url)
        request = self._client.build_request(
            "GET",
            place,
            headers={"Host": parts.netloc, "Accept": "application/json"},
            extensions={"sni_hostname": parts.hostname or ""},
        )
        response = await self._client.send(request, stream=True, follow_redirects=False)
        try:
            if response.status_code != HTTPStatus.OK:
                raise _unfit(url, f"answers {response.status_code}")
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > largest:
                    raise _unfit(url, f"answers with more than {largest:,} bytes")
        finally:
            await response.aclose()
        return _object(url, bytes(body))


def is_public(address: str) -> bool:
    """Whether an address is one of the public Internet, whatever it is wrapped in."""
    try:
        found: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and (found.sixtofour or found.teredo or found in _TRANSLATED):
        return False
    return found.is_global and not found.is_multicast and not found.is_reserved


def _object(url: str, body: bytes) -> dict[str, Any]:
    try:
        answer: Any = once.parsed(body)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise _unfit(url, "does not answer with a JSON object")
    return cast("dict[str, Any]", answer)


def _unfit(url: str, why: str) -> UnknownCallerError:
    return UnknownCallerError(f"{_host(url)} {why}", hint="Nothing was taken from there.")


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "The address")[:200]
