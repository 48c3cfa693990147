"""The audit lines around one action: for a write its intent before, for everything its end."""

import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace

from anyio import CancelScope, get_cancelled_exc_class

from schema_mcp.domain.errors import IncompatibleError, InvalidRequestError, NotPermittedError, SchemaMcpError
from schema_mcp.registries.embedded.refusals import Refusal
from schema_mcp.stores.audit import Audit, Entry, Outcome

_REFUSALS = (NotPermittedError, InvalidRequestError, IncompatibleError)


@asynccontextmanager
async def refusals_recorded(entry: Entry, audit: Audit) -> AsyncGenerator[None]:
    """Around what decides whether the action may begin: a refusal is one line, a yes is none."""
    try:
        yield
    except SchemaMcpError as error:
        await audit.record(replace(entry, outcome=Outcome.REFUSED, code=error.code))
        raise


@asynccontextmanager
async def recorded(entry: Entry, audit: Audit, *, writes: bool) -> AsyncGenerator[None]:
    """Around the action: a write does not begin where its intent cannot be kept; every action has an end."""
    if writes:
        await audit.intent(entry)
    began, ended = time.perf_counter(), entry
    try:
        yield
    except BaseException as error:
        ended = _failed(entry, error)
        raise
    finally:
        ended = replace(ended, duration_ms=round((time.perf_counter() - began) * 1_000, 2))
        with CancelScope(shield=True):  # a cancelled call has an end, too
            await (audit.outcome(ended) if writes else audit.record(ended))


def _failed(entry: Entry, error: BaseException) -> Entry:
    match error:
        case SchemaMcpError():
            refused = isinstance(error, _REFUSALS)
            return replace(entry, outcome=Outcome.REFUSED if refused else Outcome.FAILED, code=error.code)
        case Refusal():
            return replace(entry, outcome=Outcome.REFUSED, code=f"registry_error {error.error_code}")
        case _:
            code = "cancelled" if isinstance(error, get_cancelled_exc_class()) else "bug"
            return replace(entry, outcome=Outcome.FAILED, code=code)
