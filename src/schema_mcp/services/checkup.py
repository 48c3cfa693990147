"""Whether this server is well: its own parts, without which it serves nobody, and its registries, one by one.

A part that hangs must not make the question hang: each look has its time, goes on beside the answer when that is over,
and counts for a few seconds, so that asking often costs nothing.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Generic, TypeVar

import anyio
from anyio.abc import TaskGroup

from schema_mcp.domain.errors import SchemaMcpError
from schema_mcp.registries.pacing import Clock
from schema_mcp.services import status
from schema_mcp.services.ground import Ground
from schema_mcp.services.status import Probe
from schema_mcp.stores.audit import Audit
from schema_mcp.stores.journal import Status

PATIENCE: Final = 2.0
"""Seconds that one look may take before its part counts as not answering."""

KEPT: Final = 5.0
"""Seconds for which a look counts."""

SIGN_IN_KEPT: Final = 30.0
"""The same for those outside who know callers, whom every question costs something."""

Found = TypeVar("Found")


@dataclass(slots=True)
class Recovery:
    """What is left of putting in order what a crash left: to be done, done, or impossible because of `problem`."""

    under_way: bool = False
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the server, and what is wrong with it."""

    name: str
    problem: str = ""
    milliseconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Tasks:
    """Runs that have no end yet: those at work, and those that were cut off."""

    running: int = 0
    interrupted: int = 0


class Checkup:
    """Looks after one server. `beside` is where a look goes on that takes longer than it may."""

    def __init__(
        self,
        ground: Ground,
        recovery: Recovery,
        beside: TaskGroup,
        *,
        clock: Clock | None = None,
        patience: float = PATIENCE,
        audit: Audit | None = None,
        sign_in: Mapping[str, Callable[[], Awaitable[None]]] | None = None,
    ) -> None:
        self._recovery = recovery
        look = partial(_Look, clock=clock or Clock(), patience=patience, beside=beside)
        self._tasks: _Look[Tasks] = look(partial(_tasks, ground))
        self._parts: dict[str, _Look[Any]] = {
            "store": look(ground.store.refresh),
            "ledger": look(ground.ledger.high_water),
            "journal": self._tasks,
        }
        if audit:
            self._parts |= {"audit": look(partial(audit.try_out, patience / 2))}
        self._registries: Mapping[str, _Look[Sequence[Probe]]] = {
            name: look(partial(status.probe, ground.fleet, [name], patience)) for name in ground.fleet.names
        }

        self._sign_in: Mapping[str, _Look[None]] = {
            name: look(ask, kept=SIGN_IN_KEPT) for name, ask in (sign_in or {}).items()
        }

    async def sign_in(self) -> list[Part]:
        """Whoever can tell who calls, one by one; with one of them away, callers that others know still come in."""
        return [Part(name, one.problem, one.milliseconds) for name, one in (await _all_of(self._sign_in)).items()]

    async def parts(self) -> list[Part]:
        """The server's own parts; putting in order what a crash left is one of them."""
        looked = await _all_of(self._parts)
        found = [Part(name, one.problem, one.milliseconds) for name, one in looked.items()]
        return [*found, Part("recovery", self._recovery.problem)]

    @property
    def in_the_way(self) -> list[Part]:
        """What will be over soon, and until then keeps calls away."""
        return [Part("recovery", "what a crash left is being put in order")] if self._recovery.under_way else []

    async def registries(self) -> list[Part]:
        """Every registry, with the time its answer took."""
        return [_registry(name, one) for name, one in (await _all_of(self._registries)).items()]

    async def tasks(self) -> Tasks:
        """Unfinished runs; none where the journal does not answer, which is one of the `parts`."""
        return (await self._tasks()).value or Tasks()


@dataclass(frozen=True, slots=True)
class _Seen(Generic[Found]):
    """What one look found, and how long it took."""

    value: Found | None
    problem: str
    milliseconds: float
    at: float


@dataclass(slots=True)
class _Look(Generic[Found]):
    """A question asked at most once at a time and every few seconds."""

    ask: Callable[[], Awaitable[Found]]
    clock: Clock
    patience: float
    beside: TaskGroup
    kept: float = KEPT
    seen: _Seen[Found] | None = None
    ended: anyio.Event | None = field(default=None)

    async def __call__(self) -> _Seen[Found]:
        if self.seen and self.clock.now() - self.seen.at < self.kept:
            return self.seen
        if self.ended is None:
            self.ended = anyio.Event()
            self.beside.start_soon(self._go, self.ended)
        with anyio.move_on_after(self.patience) as waiting:
            await self.ended.wait()
        if waiting.cancelled_caught or self.seen is None:
            return _Seen(None, f"no answer within {self.patience:g} s", self.patience * 1_000, self.clock.now())
        return self.seen

    async def _go(self, ended: anyio.Event) -> None:
        began = self.clock.now()
        value, problem = None, ""
        try:
            value = await self.ask()
        except SchemaMcpError as error:
            problem = str(error)
        except Exception as error:  # noqa: BLE001 - whatever is broken here, the look must say so and not end the server
            problem = f"it failed: {type(error).__name__}"
        finally:
            now = self.clock.now()
            self.seen, self.ended = _Seen(value, problem, (now - began) * 1_000, now), None
            ended.set()


async def _all_of(looks: Mapping[str, _Look[Found]]) -> dict[str, _Seen[Found]]:
    found: dict[str, _Seen[Found]] = {}

    async def one(name: str) -> None:
        found[name] = await looks[name]()

    async with anyio.create_task_group() as looking:
        for name in looks:
            looking.start_soon(one, name)
    return {name: found[name] for name in looks}


async def _tasks(ground: Ground) -> Tasks:
    running = await ground.journal.runs(limit=-1, status=Status.RUNNING)
    return Tasks(len(running), len(await ground.journal.recovered()))


def _registry(name: str, seen: _Seen[Sequence[Probe]]) -> Part:
    probed = seen.value[0] if seen.value else None
    if probed is None:
        return Part(name, seen.problem, seen.milliseconds)
    return Part(name, str(probed.error) if probed.error else "", probed.seconds * 1_000)
