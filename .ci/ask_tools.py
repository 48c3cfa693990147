"""Start an installed server over stdio with a real client and count its tools: a file missing in a wheel shows here."""

import sys

import anyio
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

CORE_TOOLS = 15


async def main(command: str) -> None:
    async with Client(stdio_client(StdioServerParameters(command=command, args=["serve"]))) as client:
        tools = (await client.list_tools()).tools
    print(f"{len(tools)} tools from the installed wheel")
    if len(tools) != CORE_TOOLS:
        sys.exit(f"expected {CORE_TOOLS}")


anyio.run(main, sys.argv[1])
