"""Several addresses of one registry: tried in order, those that keep failing left out for a while."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from schema_mcp.registries.contract import Circuit, Health
from schema_mcp.registries.pacing import Clock

FAILURES_TO_OPEN: Final = 5
"""So many failures in a row, or all the attempts of one call where those are more."""

FIRST_REST: Final = 5.0
LONGEST_REST: Final = 60.0


class Address:
    """One address with its circuit: closed while it answers, open while it rests, then one probe decides."""

    def __init__(self, url: str, clock: Clock, patience: int = FAILURES_TO_OPEN) -> None:
        self.url = url.rstrip("/")
        self.problem = ""
        self._clock = clock
        self._patience = patience
        self._failures = 0
        self._rest = FIRST_REST
        self._resting_until = 0.0

    @property
    def is_open(self) -> bool:
        """Has it failed so often that it is left out?"""
        return self._failures >= self._patience

    @property
    def rests_for(self) -> float:
        """Seconds until it may be asked again; 0 when it may be now."""
        return max(0.0, self._resting_until - self._clock.now()) if self.is_open else 0.0

    @property
    def health(self) -> Health:
        """How it does; a URL may carry a password, so only the host is told."""
        rest = self.rests_for
        circuit = Circuit.OPEN if rest else Circuit.HALF_OPEN if self.is_open else Circuit.CLOSED
        return Health(urlsplit(self.url).hostname or "", self.problem, rest, circuit)

    def begin(self) -> None:
        """An attempt starts. After a rest it is the only probe: the others wait until it is known how it ended."""
        if self.is_open:
            # A time and not a flag: a probe that is cancelled leaves nothing behind.
            self._rest = min(LONGEST_REST, self._rest * 2)
            self._resting_until = self._clock.now() + self._rest

    def answered(self) -> None:
        self._failures = 0
        self._rest = FIRST_REST
        self.problem = ""

    def failed(self, problem: str) -> None:
        self._failures += 1
        self.problem = problem
        if self._failures == self._patience:
            self._resting_until = self._clock.now() + self._rest


class Addresses:
    """The addresses of one registry, in the order of the configuration."""

    def __init__(self, urls: Sequence[str], clock: Clock, attempts: int = 1) -> None:
        self._all = [Address(url, clock, max(FAILURES_TO_OPEN, attempts)) for url in urls]

    def __len__(self) -> int:
        return len(self._all)

    def next_after(self, previous: Address | None) -> Address | None:
        """The first healthy address, or the one that comes after the one just tried; None when all rest."""
        start = 0 if previous is None else self._all.index(previous) + 1
        around = self._all[start:] + self._all[:start]
        return next((address for address in around if not address.rests_for), None)

    @property
    def rest_for(self) -> float:
        """Seconds until any address may be asked; 0 when one may be now."""
        return min(address.rests_for for address in self._all)

    @property
    def health(self) -> tuple[Health, ...]:
        """How each address does."""
        return tuple(one.health for one in self._all)

    @property
    def problem(self) -> str:
        """What the last failure was."""
        return next((address.problem for address in self._all if address.problem), "")
