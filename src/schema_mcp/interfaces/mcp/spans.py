"""A span around each message of MCP, where the process is traced: part of the client's trace if it sends one.

The SDK's own middleware does this too, but writes down what exceptions say and by which names callers call.
"""

from collections.abc import AsyncGenerator, Collection, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError
from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, StatusCode

from schema_mcp.stores.audit import Entry, Outcome
from schema_mcp.toolkit.request import request_id

if TYPE_CHECKING:
    from mcp.server.lowlevel import Server

    from schema_mcp.interfaces.mcp.front import FrontDoor, Opening
    from schema_mcp.toolkit.workspace import Workspace

_OTHER = "other"


class Spans:
    """The middleware: what was asked, under which request id, and whether the protocol's answer is an error."""

    def __init__(self, server: "Server[FrontDoor]") -> None:
        self._server = server
        self._tracer = trace.get_tracer(server.name)

    async def __call__(self, ctx: "ServerRequestContext[FrontDoor]", call_next: CallNext) -> HandlerResult:
        if ctx.request_id is None:  # nothing is answered to a notification
            return await call_next(ctx)
        method = ctx.method if self._is_known(ctx.method) else _OTHER
        with self._tracer.start_as_current_span(
            method,
            kind=SpanKind.SERVER,
            context=_trace_of(ctx.meta),
            attributes={
                "mcp.method.name": method,
                "mcp.protocol.version": ctx.protocol_version,
                "schema_mcp.request_id": request_id(),
            },
            record_exception=False,  # an exception may say what nobody but the log may know
            set_status_on_exception=False,
        ) as span:
            try:
                result = await call_next(ctx)
            except BaseException as error:
                _failed(span, str(error.error.code) if isinstance(error, MCPError) else type(error).__qualname__)
                raise
            match result:
                case {"isError": True, "structuredContent": {"code": str() as code}}:
                    _failed(span, code)
                case _:
                    pass
            return result

    def _is_known(self, method: str) -> bool:
        return method == "initialize" or self._server.get_request_handler(method) is not None


def told(opening: "Opening") -> "Opening":
    """The same workspace, which tells the spans how the calls in them end."""

    @asynccontextmanager
    async def opened() -> "AsyncGenerator[Workspace]":
        async with opening() as workspace:
            ends = _Ends(workspace.fleet.connections)
            workspace.audit.listeners.append(ends)
            try:
                yield workspace
            finally:
                workspace.audit.listeners.remove(ends)

    return opened


class _Ends:
    """Hears how calls end, and writes it on the span that is open then."""

    def __init__(self, registries: Collection[str]) -> None:
        from schema_mcp.interfaces.mcp.resources import OFFERS  # noqa: PLC0415 - they come in with the first call
        from schema_mcp.tools import CATALOGUE  # noqa: PLC0415

        self._registries = registries
        resources = dict.fromkeys((offer.template for offer in OFFERS), "resources/read")
        self._methods = dict.fromkeys(CATALOGUE, "tools/call") | resources

    def ended(self, entry: Entry) -> None:
        span = trace.get_current_span()
        if not span.is_recording():
            return
        if method := self._methods.get(entry.tool):  # what callers make up is no name of ours
            span.update_name(f"{method} {entry.tool}")
            span.set_attribute("gen_ai.tool.name", entry.tool)
        span.set_attribute("schema_mcp.outcome", entry.outcome.value)
        if entry.registry:
            span.set_attribute("schema_mcp.registry", entry.registry if entry.registry in self._registries else _OTHER)
        if entry.outcome is not Outcome.OK:
            _failed(span, entry.code)

    def lost(self) -> None:
        """Nothing that a span would say."""


def _failed(span: Span, code: str) -> None:
    span.set_attribute("error.type", code)
    span.set_status(StatusCode.ERROR)


def _trace_of(meta: Mapping[str, Any] | None) -> Context | None:
    """The client's trace (`traceparent`, W3C Trace Context), if it says one."""
    said = {name: value for name, value in (meta or {}).items() if isinstance(value, str)}
    found = propagate.extract(said)
    return found if trace.get_current_span(found).get_span_context().is_valid else None
