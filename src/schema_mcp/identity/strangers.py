"""How often somebody may be wrong about who he is: each guess is counted where it comes from."""

import time
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

from schema_mcp.domain.errors import RateLimitedError
from schema_mcp.toolkit.rates import Meter

GUESSES: Final = 30
"""A minute, from one address; whoever is known already is not held up by others who come from there."""

_ONE_HOUSEHOLD = 64
"""Bits of an IPv6 address that are handed out together."""


class Strangers:
    """Counts tokens, codes and logins that did not hold."""

    def __init__(self, *, now: Callable[[], float] = time.monotonic) -> None:
        self._meter = Meter(GUESSES, now=now)

    def take(self, address: str) -> None:
        """Count a guess before anybody looks at it; raises `RateLimitedError` where there were too many."""
        if wait := self._meter.wait(_place(address)):
            raise RateLimitedError(
                f"Too many attempts to sign in from {address or 'here'}: over {GUESSES} a minute were wrong",
                hint=f"Wait {wait} s. Whoever is signed in already goes on.",
                details={"layer": "rate", "retry_after": wait},
            )

    def forgive(self, address: str) -> None:
        """It was no guess."""
        self._meter.forgive(_place(address))


def _place(address: str) -> str:
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv6Address) and not found.ipv4_mapped:
        return str(ip_network((found, _ONE_HOUSEHOLD), strict=False))
    return address
