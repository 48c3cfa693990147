"""The audit lines around one action: for a write its intent before, for everything its end."""

import time
from dataclasses import replace
from typing import Any

from anyio import CancelScope, get_cancelled_exc_class

from schema_mcp.domain.errors import IncompatibleError, InvalidRequestError, NotPermittedError, SchemaMcpError
from schema_mcp.registries.embedded.refusals import Refusal
from schema_mcp.stores.audit import Audit, Entry, Outcome

_REFUSALS = (NotPermittedError, InvalidRequestError, IncompatibleError)


async def refused(entry: Entry, audit: Audit, error: SchemaMcpError) -> None:
    """What was not let begin is one line; a yes is none."""
    await audit.record(replace(entry, outcome=Outcome.REFUSED, code=error.code))


class recorded:  # noqa: N801 - reads as `async with recorded(…)`, and costs a third of a generator
    """Around the action: a write does not begin where its intent cannot be kept; every action has an end."""

    def __init__(self, entry: Entry, audit: Audit, *, writes: bool) -> None:
        self._entry = entry
        self._audit = audit
        self._writes = writes
        self._began = 0.0

    async def __aenter__(self) -> None:
        if self._writes:
            await self._audit.intent(self._entry)
        self._began = time.perf_counter()

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        ended = _ended(self._entry, self._began, error)
        if not self._writes and self._audit.noted(ended):
            return
        with CancelScope(shield=True):  # a cancelled call has an end, too
            await (self._audit.outcome(ended) if self._writes else self._audit.record(ended))


class Witness:
    """The lines of a change that an embedded registry makes: its intent before, its end after, on one trip there."""

    def __init__(self, entry: Entry, audit: Audit) -> None:
        self._entry = entry
        self._audit = audit
        self._began = 0.0

    def begins(self) -> None:
        self._began = time.perf_counter()
        self._audit.add(replace(self._entry, outcome=Outcome.STARTED))

    def ended(self, error: BaseException | None) -> None:
        self._audit.add(_ended(self._entry, self._began, error))

    def flush(self) -> None:
        self._audit.flush()

    async def never_began(self, error: BaseException) -> None:
        """What was refused, or given up, before it came to the change is one line."""
        if not self._began:
            with CancelScope(shield=True):
                await self._audit.record(_ended(self._entry, time.perf_counter(), error))


def _ended(entry: Entry, began: float, error: BaseException | None) -> Entry:
    took = round((time.perf_counter() - began) * 1_000, 3)
    return replace(entry, duration_ms=took, **(_failure(error) if error else {}))


def _failure(error: BaseException) -> dict[str, Any]:
    match error:
        case SchemaMcpError():
            refused = isinstance(error, _REFUSALS)
            return {"outcome": Outcome.REFUSED if refused else Outcome.FAILED, "code": error.code}
        case Refusal():
            return {"outcome": Outcome.REFUSED, "code": f"registry_error {error.error_code}"}
        case _:
            code = "cancelled" if isinstance(error, get_cancelled_exc_class()) else "bug"
            return {"outcome": Outcome.FAILED, "code": code}
