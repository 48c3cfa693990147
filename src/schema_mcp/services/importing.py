"""A subject in mode IMPORT, for as long as versions are carried in with their ids."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

import anyio

from schema_mcp.domain.errors import ConflictError, LockHeldError, ReadOnlyError, RegistryError
from schema_mcp.domain.schema import Mode, Subject
from schema_mcp.registries.contract import Capability
from schema_mcp.registries.guard import GuardedRegistry
from schema_mcp.services.ground import Ground
from schema_mcp.services.recovery import IMPORTING, NO_MODE, mode_key, read_mode, restore_mode
from schema_mcp.stores.journal import Run
from schema_mcp.stores.turns import Turn

_CLOSED = frozenset({Mode.READONLY, Mode.READONLY_OVERRIDE})

_NOT_PERMITTED = 42205


class NotNewError(ConflictError):
    """Somebody else has registered under the subject since we looked."""


@asynccontextmanager
async def importing(
    ground: Ground, run: Run, registry: GuardedRegistry, subject: Subject, *, is_new: bool
) -> AsyncGenerator[None]:
    """The subject in mode IMPORT, and afterwards in the mode it had, whatever happens.

    A subject that `is_new` there is left alone when somebody else has registered under it meanwhile: `NotNewError`.
    Raises `ReadOnlyError` where the mode in force closes the subject: IMPORT must not be a way around it.
    """
    registry.require_writable()
    key = mode_key(registry.name, subject)
    async with ground.journal.turns.of(IMPORTING, key) as turn:
        await refuse_closed(registry, subject)
        # Another server may have left the subject in IMPORT: then the mode that counts is the one it had found.
        own = read_mode(turn.left) if turn.left else await registry.mode(subject)
        await ground.journal.step(run.task, key, "started", before={"mode": own or NO_MODE})
        await turn.note(own or NO_MODE)
        try:
            await _enter(registry, subject, is_new=is_new)
            yield
        finally:
            with anyio.CancelScope(shield=True):
                await _leave(ground, registry, subject, own, turn)
                await ground.journal.step(run.task, key, "done")


async def _leave(ground: Ground, registry: GuardedRegistry, subject: Subject, own: Mode | None, turn: Turn) -> None:
    """Put the mode back, unless that is the matter of somebody who took over while this process was paused."""
    with suppress(LockHeldError):
        await ground.journal.turns.still_mine()
        await restore_mode(registry, subject, own)
        await turn.note("")


async def _enter(registry: GuardedRegistry, subject: Subject, *, is_new: bool) -> None:
    # Without `force` a registry refuses live subjects, and purges soft-deleted ones: a new one has neither.
    try:
        await registry.set_mode(subject, Mode.IMPORT, force=not is_new)
    except RegistryError as error:
        if is_new and error.details.get("error_code") == _NOT_PERMITTED:
            raise NotNewError(str(error), hint="Plan again.", details=error.details) from error
        raise


async def refuse_closed(registry: GuardedRegistry, subject: Subject) -> None:
    """Raise `ReadOnlyError` where the mode in force closes a subject."""
    if Capability.MODES in registry.capabilities and await registry.mode(subject, inherited=True) in _CLOSED:
        raise ReadOnlyError(
            f"{registry.name} is in a read-only mode for {subject}",
            hint="Nothing was written. A caller with the scope admin can change the mode first (update_mode).",
            details={"layer": "mode", "registry": registry.name},
        )
