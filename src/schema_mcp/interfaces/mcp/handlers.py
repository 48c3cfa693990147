"""What the server answers beside tools: resources, prompts, completion, and subscriptions in the way of both eras.

Nothing heavy is imported here: the desk, which has the answers, opens with the first question.
"""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import anyio
import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.subscriptions import SUBSCRIPTION_ID_META_KEY, ListenHandler, ResourceUpdated, ServerEvent
from mcp.shared.exceptions import MCPError

from schema_mcp.domain.errors import SchemaMcpError
from schema_mcp.interfaces.mcp import prompts
from schema_mcp.interfaces.mcp.front import FrontDoor

if TYPE_CHECKING:
    from schema_mcp.domain.caller import Caller, Scope
    from schema_mcp.interfaces.mcp.desk import Desk
    from schema_mcp.interfaces.mcp.subscriptions import Watch

Context: TypeAlias = ServerRequestContext[FrontDoor]
Who: TypeAlias = 'Callable[[Context, "Desk"], "Caller"]'
"""Who makes a request; raises `UnknownCallerError`."""

STREAM_SECONDS = 600.0
"""Over HTTP a stream ends after so long: whoever listens on has to show again who he is."""

MOST_AT_ONCE = 50
"""Resources that one request may ask to be told about."""

_log = logging.getLogger(__name__)


async def at_desk(context: Context, who: Who) -> "tuple[Desk, Caller]":
    """The desk, and who asks there; raises `MCPError` where there is none, or nobody."""
    try:
        desk = await context.lifespan_context.desk()
        return desk, who(context, desk)
    except SchemaMcpError as error:
        raise MCPError(types.INTERNAL_ERROR, f"{error}. {error.hint}") from error


async def admitted(context: Context, who: Who, scope: "Scope | None" = None) -> "tuple[Desk, Caller]":
    """The same for what no tool answers: it counts as a call, and may need a scope."""
    desk, caller = await at_desk(context, who)
    await desk.admit(context.method, caller, scope)
    return desk, caller


def answer_resources(server: Server[FrontDoor], who: Who) -> None:
    """What can be read by its address."""

    async def listed(context: Context, params: types.PaginatedRequestParams) -> types.ListResourcesResult:
        desk, caller = await admitted(context, who)
        return desk.shelves.listed(caller, params.cursor)

    async def templates(context: Context, _: types.PaginatedRequestParams) -> types.ListResourceTemplatesResult:
        desk, caller = await admitted(context, who)
        return desk.shelves.templates(caller)

    async def read(context: Context, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
        desk, caller = await at_desk(context, who)
        return await desk.shelves.read(params.uri, caller)

    server.add_request_handler("resources/list", types.PaginatedRequestParams, listed)
    server.add_request_handler("resources/templates/list", types.PaginatedRequestParams, templates)
    server.add_request_handler("resources/read", types.ReadResourceRequestParams, read)


def answer_prompts(server: Server[FrontDoor], who: Who) -> None:
    """Ready questions, and names completed for them and for addresses."""

    async def listed(context: Context, _: types.PaginatedRequestParams) -> types.ListPromptsResult:
        __, caller = await admitted(context, who)
        return prompts.listed(caller.scopes)

    async def asked(context: Context, params: types.GetPromptRequestParams) -> types.GetPromptResult:
        await admitted(context, who, prompts.scope_of(params.name))
        return prompts.asked(params.name, params.arguments or {})

    async def completed(context: Context, params: types.CompleteRequestParams) -> types.CompleteResult:
        desk, caller = await at_desk(context, who)
        return await desk.completer.completed(params, caller)

    server.add_request_handler("prompts/list", types.PaginatedRequestParams, listed)
    server.add_request_handler("prompts/get", types.GetPromptRequestParams, asked)
    server.add_request_handler("completion/complete", types.CompleteRequestParams, completed)


def answer_subscriptions(server: Server[FrontDoor], who: Who, *, has_connections: bool) -> None:
    """Who wants to hear of changes: on a stream of its own, or, where a client stays connected, in the older way."""

    async def listen(
        context: Context, params: types.SubscriptionsListenRequestParams
    ) -> types.SubscriptionsListenResult:
        desk, caller = await admitted(context, who)
        watch = context.lifespan_context.watch(desk)
        begun = await _begun(watch, params.notifications.resource_subscriptions or (), caller)
        honoured = params.notifications.model_copy(update={"resource_subscriptions": begun})
        try:
            with anyio.move_on_after(None if has_connections else STREAM_SECONDS):
                return await ListenHandler(watch.bus)(context, params.model_copy(update={"notifications": honoured}))
        finally:
            for address in begun:
                watch.end(address, caller)
        return types.SubscriptionsListenResult(_meta={SUBSCRIPTION_ID_META_KEY: context.request_id})

    async def subscribe(context: Context, params: types.SubscribeRequestParams) -> types.EmptyResult:
        desk, caller = await at_desk(context, who)
        front = context.lifespan_context
        if params.uri not in front.subscribed:
            await _begin(front.watch(desk), params.uri, caller)
            front.subscribed[params.uri] = _told(front, desk, caller, context, params.uri)
        return types.EmptyResult()

    async def unsubscribe(context: Context, params: types.UnsubscribeRequestParams) -> types.EmptyResult:
        if (end := context.lifespan_context.subscribed.pop(params.uri, None)) is not None:
            end()
        return types.EmptyResult()

    server.add_request_handler("subscriptions/listen", types.SubscriptionsListenRequestParams, listen)
    if has_connections:
        server.add_request_handler("resources/subscribe", types.SubscribeRequestParams, subscribe)
        server.add_request_handler("resources/unsubscribe", types.UnsubscribeRequestParams, unsubscribe)


async def _begin(watch: "Watch", address: str, caller: "Caller") -> None:
    from schema_mcp.interfaces.mcp.resources import spoken  # noqa: PLC0415 - it comes with the tools

    try:
        await watch.begin(address, caller)
    except SchemaMcpError as error:
        raise spoken(error, address) from error


async def _begun(watch: "Watch", addresses: "list[str] | tuple[str, ...]", caller: "Caller") -> list[str]:
    """Those that the caller may read: only they are acknowledged."""
    begun: list[str] = []
    for address in list(dict.fromkeys(addresses))[:MOST_AT_ONCE]:
        try:
            await watch.begin(address, caller)
        except SchemaMcpError as error:
            _log.info("%s is not watched for %s: %s", address[:200], caller.name, error)
        else:
            begun.append(address)
    return begun


def _told(front: FrontDoor, desk: "Desk", caller: "Caller", context: Context, address: str) -> Callable[[], None]:
    """Tell a connected client of changes at an address, until what is given back is called."""
    watch, session = front.watch(desk), context.session

    async def send() -> None:
        try:
            await session.send_resource_updated(address)
        except Exception:  # noqa: BLE001 - the client is gone; the server is not
            _log.info("nobody heard that %s changed", address[:200])

    def heard(event: ServerEvent) -> None:
        if isinstance(event, ResourceUpdated) and event.uri == address:
            front.start(send)

    unsubscribe: Callable[[], Any] = watch.bus.subscribe(heard)

    def end() -> None:
        unsubscribe()
        watch.end(address, caller)

    return end
