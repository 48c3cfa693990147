"""What the conformance suite calls by name: tools, prompts and resources that stand beside ours while it runs.

The names, texts and shapes are the suite's; a server without them is judged on a third of the scenarios only.
"""

import asyncio
import base64
import json
import struct
import warnings
import zlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal, TypeAlias

from mcp import MCPError, types
from mcp.server import MCPServer
from mcp.server.lowlevel import Server
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from pydantic import BaseModel

warnings.filterwarnings("ignore", message=".*deprecated as of 2026-07-28.*")

Answer: TypeAlias = types.CallToolResult | types.InputRequiredResult
PAUSE = 0.05


def pixel() -> str:
    """The smallest PNG: one red pixel."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(b"\0\xff\0\0")), chunk(b"IEND", b""))
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"".join(parts)).decode()


def silence() -> str:
    """The shortest WAV: a header and no samples."""
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 8000, 16000, 2, 16)
    body = b"WAVE" + form + struct.pack("<4sI", b"data", 0)
    return base64.b64encode(struct.pack("<4sI", b"RIFF", len(body)) + body).decode()


def said(*content: Any) -> types.CallToolResult:
    blocks = [types.TextContent(type="text", text=one) if isinstance(one, str) else one for one in content]
    return types.CallToolResult(content=blocks)


def resource(uri: str, mime: str, text: str) -> types.EmbeddedResource:
    inside = types.TextResourceContents(uri=uri, mime_type=mime, text=text)
    return types.EmbeddedResource(type="resource", resource=inside)


IMAGE = types.ImageContent(type="image", data=pixel(), mime_type="image/png")
SOUND = types.AudioContent(type="audio", data=silence(), mime_type="audio/wav")

FIXED: Mapping[str, types.CallToolResult] = {
    "test_simple_text": said("This is a simple text response for testing."),
    "test_image_content": said(IMAGE),
    "test_audio_content": said(SOUND),
    "test_embedded_resource": said(
        resource("test://embedded-resource", "text/plain", "This is an embedded resource content.")
    ),
    "test_multiple_content_types": said(
        "Multiple content types test:",
        IMAGE,
        resource("test://mixed-content-resource", "application/json", '{"test":"data","value":123}'),
    ),
}
"""Tools that always answer the same."""


def question(text: str, field: str = "name") -> types.ElicitRequest:
    asked = {"type": "object", "properties": {field: {"type": "string"}}, "required": [field]}
    return types.ElicitRequest(params=types.ElicitRequestFormParams(message=text, requested_schema=asked))


def sampling(text: str) -> types.CreateMessageRequest:
    message = types.SamplingMessage(role="user", content=types.TextContent(type="text", text=text))
    return types.CreateMessageRequest(params=types.CreateMessageRequestParams(max_tokens=100, messages=[message]))


ROUNDS: Mapping[str, tuple[str, Callable[[], Any], str | None, str]] = {
    "test_input_required_result_elicitation": ("user_name", lambda: question("What is your name?"), None, "Hello"),
    "test_input_required_result_sampling": ("capital_question", lambda: sampling("Capital of France?"), None, "ok"),
    "test_input_required_result_list_roots": ("client_roots", types.ListRootsRequest, None, "ok"),
    "test_input_required_result_request_state": ("confirm", lambda: question("Go on?", "ok"), "state", "state-ok"),
    "test_input_required_result_tampered_state": ("confirm", lambda: question("Go on?", "ok"), "state", "ok"),
    "test_streaming_elicitation": ("user_name", lambda: question("Name?"), None, "ok"),
}
"""Tools that ask once and then answer: the key, what is asked, the state that travels, the answer's beginning."""


class Person(BaseModel):
    """What a user is asked for."""

    username: str
    email: str


class Defaults(BaseModel):
    """One default of each primitive kind."""

    name: str = "John Doe"
    age: int = 30
    score: float = 95.5
    status: Literal["active", "inactive", "pending"] = "active"
    verified: bool = True


def _titled(key: str, title: str) -> list[dict[str, str]]:
    return [{"const": f"value{number}", "title": f"{title} {number}"} for number in (1, 2, 3)]


CHOICES: dict[str, Any] = {
    "type": "object",
    "properties": {
        "untitledSingle": {"type": "string", "enum": ["option1", "option2", "option3"]},
        "titledSingle": {"type": "string", "oneOf": _titled("oneOf", "Option")},
        "legacyEnum": {"type": "string", "enum": ["opt1", "opt2", "opt3"], "enumNames": ["One", "Two", "Three"]},
        "untitledMulti": {"type": "array", "items": {"type": "string", "enum": ["option1", "option2", "option3"]}},
        "titledMulti": {"type": "array", "items": {"anyOf": _titled("anyOf", "Choice")}},
    },
}


def build() -> MCPServer:
    """A server that has nothing but the fixtures."""
    server = MCPServer("fixtures", log_level="ERROR")
    for name, answer in FIXED.items():
        _add(server, name, _always(answer))
    for name, row in ROUNDS.items():
        _add(server, name, _asks_once(*row))
    for tool in (
        test_error_handling,
        test_tool_with_logging,
        test_tool_with_progress,
        test_sampling,
        test_elicitation,
        test_elicitation_sep1034_defaults,
        test_elicitation_sep1330_enums,
        test_input_required_result_multiple_inputs,
        test_input_required_result_multi_round,
        test_input_required_result_capabilities,
        test_missing_capability,
        test_trigger_tool_change,
        test_trigger_prompt_change,
    ):
        _add(server, tool.__name__, tool)
    _add(server, "test_logging_tool", test_tool_with_logging)
    _prompts(server)
    _resources(server)
    return server


def _add(server: MCPServer, name: str, run: Callable[..., Awaitable[Any]]) -> None:
    server.tool(name=name, description="A fixture of the conformance suite.")(run)


def _always(answer: types.CallToolResult) -> Callable[[], Awaitable[types.CallToolResult]]:
    async def run() -> types.CallToolResult:
        return answer

    return run


def _asks_once(key: str, ask: Callable[[], Any], state: str | None, begins: str) -> Callable[..., Awaitable[Answer]]:
    async def run(ctx: Context) -> Answer:
        given = (ctx.input_responses or {}).get(key)
        if given is None:
            return types.InputRequiredResult(input_requests={key: ask()}, request_state=state)
        return said(f"{begins}: {given.model_dump_json(by_alias=True, exclude_none=True)}")

    return run


async def test_error_handling() -> types.CallToolResult:
    raise ToolError("This tool intentionally returns an error for testing")


async def test_tool_with_logging(ctx: Context) -> types.CallToolResult:
    for line in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        await ctx.info(line)
        await asyncio.sleep(PAUSE)
    return said("done")


async def test_tool_with_progress(ctx: Context) -> types.CallToolResult:
    for percent in (0, 50, 100):
        await ctx.report_progress(percent, 100, f"{percent}%")
        await asyncio.sleep(PAUSE)
    return said("done")


async def test_sampling(prompt: str, ctx: Context) -> types.CallToolResult:
    got = await ctx.session.create_message(sampling(prompt).params.messages, max_tokens=100)
    return said(f"LLM response: {getattr(got.content, 'text', got.content)}")


async def test_elicitation(message: str, ctx: Context) -> types.CallToolResult:
    got = await ctx.elicit(message, Person)
    return said(f"User response: action={got.action}, content={getattr(got, 'data', None)}")


async def test_elicitation_sep1034_defaults(ctx: Context) -> types.CallToolResult:
    got = await ctx.elicit("Please review", Defaults)
    return said(f"Elicitation completed: action={got.action}, content={getattr(got, 'data', None)}")


async def test_elicitation_sep1330_enums(ctx: Context) -> types.CallToolResult:
    got = await ctx.session.elicit_form("Please choose", CHOICES, related_request_id=ctx.request_id)
    return said(f"Elicitation completed: action={got.action}, content={json.dumps(got.content)}")


async def test_input_required_result_multiple_inputs(ctx: Context) -> Answer:
    wanted = {"who": question("Name?"), "greeting": sampling("Greet"), "roots": types.ListRootsRequest()}
    if wanted.keys() <= (ctx.input_responses or {}).keys():
        return said("all three")
    return types.InputRequiredResult(input_requests=wanted, request_state="several")


async def test_input_required_result_multi_round(ctx: Context) -> Answer:
    given = (ctx.input_responses or {}).keys()
    match ctx.request_state:
        case "first" if "step1" in given:
            colour = {"step2": question("Colour?", "color")}
            return types.InputRequiredResult(input_requests=colour, request_state="second")
        case "second" if "step2" in given:
            return said("finished")
        case _:
            return types.InputRequiredResult(input_requests={"step1": question("Name?")}, request_state="first")


async def test_input_required_result_capabilities(ctx: Context) -> Answer:
    can = ctx.client_capabilities
    wanted: dict[str, Any] = {}
    if can and can.elicitation:
        wanted["asked"] = question("Name?")
    if can and can.sampling:
        wanted["sampled"] = sampling("Hi")
    if ctx.input_responses or not wanted:
        return said("ok")
    return types.InputRequiredResult(input_requests=wanted)


async def test_missing_capability(ctx: Context) -> types.CallToolResult:
    if ctx.client_capabilities and ctx.client_capabilities.sampling:
        return said("ok")
    needed = {"requiredCapabilities": {"sampling": {}}}
    raise MCPError(types.MISSING_REQUIRED_CLIENT_CAPABILITY, "sampling required", needed)


async def test_trigger_tool_change(ctx: Context) -> types.CallToolResult:
    await ctx.notify_tools_changed()
    return said("ok")


async def test_trigger_prompt_change(ctx: Context) -> types.CallToolResult:
    await ctx.notify_prompts_changed()
    return said("ok")


def _prompts(server: MCPServer) -> None:
    def user(content: Any) -> dict[str, Any]:
        return {"role": "user", "content": content}

    @server.prompt(description="A fixture of the conformance suite.")
    def test_simple_prompt() -> str:
        return "This is a simple prompt for testing."

    @server.prompt(description="A fixture of the conformance suite.")
    def test_prompt_with_arguments(arg1: str, arg2: str) -> str:
        return f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'"

    @server.prompt(description="A fixture of the conformance suite.")
    def test_prompt_with_embedded_resource(resourceUri: str) -> list[Any]:  # noqa: N803 - the suite's name
        inside = resource(resourceUri, "text/plain", "Embedded resource content for testing.")
        return [user(inside), user(types.TextContent(type="text", text="Please process it."))]

    @server.prompt(description="A fixture of the conformance suite.")
    def test_prompt_with_image() -> list[Any]:
        return [user(IMAGE), user(types.TextContent(type="text", text="Please analyze it."))]

    @server.prompt(description="A fixture of the conformance suite.")
    async def test_input_required_result_prompt(ctx: Context) -> Any:
        if "user_context" in (ctx.input_responses or {}):
            return "Here it is."
        return types.InputRequiredResult(input_requests={"user_context": question("Context?", "context")})


def _resources(server: MCPServer) -> None:
    @server.resource("test://static-text", mime_type="text/plain", description="A text")
    def static_text() -> str:
        return "This is the content of the static text resource."

    @server.resource("test://static-binary", mime_type="image/png", description="Some bytes")
    def static_binary() -> bytes:
        return base64.b64decode(pixel())

    @server.resource("test://watched-resource", mime_type="text/plain", description="Watched")
    def watched() -> str:
        return "watched"

    @server.resource("test://template/{id}/data", mime_type="application/json", description="A template")
    def template(id: str) -> str:
        return json.dumps({"id": id, "templateTest": True, "data": f"Data for ID: {id}"})

    @server.completion()
    async def complete(ref: Any, argument: Any, context: Any) -> types.Completion:
        return types.Completion(values=[], total=0, has_more=False)


LISTS = {
    "tools/list": "tools",
    "prompts/list": "prompts",
    "resources/list": "resources",
    "resources/templates/list": "resource_templates",
}
NAMED: Mapping[str, Callable[[Any], bool]] = {
    "tools/call": lambda params: params.name.startswith("test_"),
    "prompts/get": lambda params: params.name.startswith("test_"),
    "resources/read": lambda params: str(params.uri).startswith("test:"),
}
ONLY_THEIRS = ("completion/complete", "subscriptions/listen")
OLD_METHODS: Mapping[str, Any] = {
    "resources/subscribe": types.SubscribeRequestParams,
    "resources/unsubscribe": types.UnsubscribeRequestParams,
    "logging/setLevel": types.SetLevelRequestParams,
}


def put_beside(server: Server[Any]) -> Server[Any]:
    """Let a low-level server answer for its own things and for the fixtures."""
    # The decorator API keeps the server that it drives in a private attribute.
    fixtures = build()._lowlevel_server
    for method, field in LISTS.items():
        _join(server, fixtures, method, field)
    for method, is_fixture in NAMED.items():
        _divide(server, fixtures, method, is_fixture)
    for method in ONLY_THEIRS:
        theirs = fixtures.get_request_handler(method)
        server.add_request_handler(method, theirs.params_type, theirs.handler)
    for method, params_type in OLD_METHODS.items():
        server.add_request_handler(method, params_type, _nothing)
    own = server.get_tool_input_schema
    server.get_tool_input_schema = lambda name: (
        fixtures.get_tool_input_schema(name) if name.startswith("test_") else own and own(name)
    )
    # The state that travels through a client between two rounds of a call is sealed.
    server.middleware.append(RequestStateBoundary(RequestStateSecurity.ephemeral(), default_audience=server.name))
    return server


def _join(server: Server[Any], fixtures: Server[Any], method: str, field: str) -> None:
    own, theirs = server.get_request_handler(method), fixtures.get_request_handler(method)

    async def both(ctx: Any, params: Any) -> Any:
        more = await theirs.handler(ctx, params)
        if own is None:
            return more
        mine = await own.handler(ctx, params)
        return mine.model_copy(update={field: [*getattr(mine, field), *getattr(more, field)]})

    server.add_request_handler(method, theirs.params_type, both)


def _divide(server: Server[Any], fixtures: Server[Any], method: str, is_fixture: Callable[[Any], bool]) -> None:
    own, theirs = server.get_request_handler(method), fixtures.get_request_handler(method)

    async def either(ctx: Any, params: Any) -> Any:
        return await (theirs if own is None or is_fixture(params) else own).handler(ctx, params)

    server.add_request_handler(method, theirs.params_type, either)


async def _nothing(ctx: Any, params: Any) -> types.EmptyResult:
    return types.EmptyResult()
