"""The smallest useful server on the same SDK: the floor that ours is divided by.

usage: python benchmarks/bare_server.py [PORT [PARSER]]      without a port it serves stdio
The parser of HTTP is `h11`, which the SDK brings along, unless `httptools` is named, which we bring along.
"""

import sys
from typing import Any

import anyio
import mcp_types as types
from mcp.server.lowlevel import Server

ECHO = types.Tool(
    name="echo",
    description="Echo",
    input_schema={"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
)


async def listed(_: Any, __: Any) -> types.ListToolsResult:
    return types.ListToolsResult(tools=[ECHO])


async def called(_: Any, params: Any) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(type="text", text=params.arguments["text"])])


async def over_stdio(server: Server[Any]) -> None:
    from mcp.server.stdio import stdio_server  # noqa: PLC0415 - only what is served is loaded

    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


def main() -> None:
    server = Server(
        "bare",
        version="0",
        on_list_tools=listed,
        on_call_tool=called,
        get_tool_input_schema=lambda _: ECHO.input_schema,
    )
    if len(sys.argv) == 1:
        anyio.run(over_stdio, server)
        return
    import uvicorn  # noqa: PLC0415

    parser = next(iter(sys.argv[2:]), "h11")
    app = server.streamable_http_app(stateless_http=True, json_response=False)
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), http=parser, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
