"""In which order registries take their part of a plan: all at once, one after the other, or one first as the canary."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol, TypeVar

from schema_mcp.domain.plan import OnFailure, Rollout, Strategy
from schema_mcp.services.together import each

AT_ONCE: Final = 8
"""Registries that are worked on at the same time."""


class Told(Protocol):
    """What a registry's part came to."""

    @property
    def failed_there(self) -> bool: ...


Part = TypeVar("Part", bound=Told)


async def roll_out(rollout: Rollout, registries: Sequence[str], work: Callable[[str], Awaitable[Part]]) -> list[Part]:
    """Let registries do their part; those that are missing from the answer were not begun.

    A part ends when what it wrote was read back. A canary that fails stops the rest, whatever `on_failure` says.
    """
    done: dict[str, Part] = {}

    async def in_turn(name: str) -> None:
        failed = any(one.failed_there for one in done.values())
        if not (failed and rollout.on_failure is OnFailure.STOP):
            done[name] = await work(name)

    for turn, wave in enumerate(rollout.waves(registries)):
        canary_failed = rollout.strategy is Strategy.CANARY and turn and any(one.failed_there for one in done.values())
        if not canary_failed:
            await each(wave, in_turn, at_once=AT_ONCE)
    return list(done.values())
