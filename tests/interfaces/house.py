"""A served site whose callers have to say who they are, with a stand-in for GitHub beside it."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
from starlette.applications import Starlette

from fakes.github import API, ID, SECRET, URL, GitHub
from schema_mcp import app
from schema_mcp.identity.doorman import Doorman
from schema_mcp.identity.memory import Remembered
from schema_mcp.identity.opening import opened
from schema_mcp.identity.outside import Resolve, resolved
from schema_mcp.identity.policy import Person
from schema_mcp.serving import http_site
from schema_mcp.settings import Settings
from schema_mcp.toolkit.workspace import Workspace

PUBLIC = "https://schemas.example.com"
ACCESS = f"""\
url: {PUBLIC}
github: {{ client_id: {ID}, client_secret: {SECRET}, url: "{URL}", api: "{API}" }}
allow: {{ organizations: [shop] }}
grants:
  - {{ scope: read, organization: shop }}
  - {{ scope: write, team: shop/orders, registries: [dev, locked], subjects: ["orders-*"] }}
  - {{ scope: admin, login: root }}
"""
ACCEPT = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-11-25"}
Make = Callable[..., Settings]


class House:
    """A served site, GitHub beside it, and its callers."""

    url = "http://localhost"

    def __init__(self, site: Starlette, github: GitHub, workspace: Workspace, doorman: Doorman) -> None:
        self.transport = httpx2.ASGITransport(site)
        self._doorman = doorman
        self.github = github
        self.workspace = workspace
        github.user("ann", organizations=["shop"])
        github.user("bob", organizations=["shop"], teams=["shop/orders"])
        github.user("root", organizations=["shop"])
        github.user("eve")

    def forget(self) -> None:
        """What happens within a minute: nothing that GitHub said counts any longer."""
        self._doorman._people = Remembered[Person]()

    def token(self, login: str, *scopes: str) -> str:
        return self.github.token(login, *(scopes or ("admin:org",)))

    def http(self, token: str | None = None, **headers: str) -> httpx2.AsyncClient:
        login = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx2.AsyncClient(base_url=self.url, transport=self.transport, headers={**ACCEPT, **login, **headers})

    async def ask(self, token: str | None, method: str, **params: Any) -> httpx2.Response:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        async with self.http(token) as http:
            return await http.post("/mcp", json=body)

    async def call(self, token: str | None, name: str, **arguments: Any) -> httpx2.Response:
        return await self.ask(token, "tools/call", name=name, arguments=arguments)

    async def face(self, token: str | None, method: str, path: str, body: Any = None) -> httpx2.Response:
        async with self.http(token) as http:
            return await http.request(method, f"/registries{path}", json=body)

    async def lines(self) -> list[tuple[str, str, str, str]]:
        found = (await self.workspace.audit.recent(100))[::-1]
        return [(one.tool, str(one.outcome), one.caller, one.code) for one in found]


def result(response: httpx2.Response) -> dict[str, Any]:
    lines = [line.removeprefix("data: ") for line in response.text.splitlines() if line.startswith(("data: ", "{"))]
    return json.loads(lines[-1])["result"]


@asynccontextmanager
async def open_house(
    world: Path,
    settings: Make,
    more: str = "",
    *,
    resolve: Resolve = resolved,
    text: str = ACCESS,
    rate_limit: int = 0,
) -> AsyncGenerator[House]:
    (world / "access.yaml").write_text(text + more, encoding="utf-8")
    told, github = settings(toolsets="all"), GitHub()
    assert told.access
    async with (
        app.workspace(told) as workspace,
        app.cores(workspace) as cores,
        opened(told.access, told.state, workspace.audit, transport=github.transport, resolve=resolve) as house,
    ):
        site = http_site(workspace, cores, "127.0.0.1", house=house, rate_limit=rate_limit)
        async with site.router.lifespan_context(site):
            yield House(site, github, workspace, house.doorman)


@asynccontextmanager
async def kept_open(world: Path, settings: Make, more: str = "", **options: Any) -> AsyncGenerator[House]:
    """A house that is opened and closed by one task, as its task groups want; a fixture takes two."""
    ready: asyncio.Future[House] = asyncio.get_running_loop().create_future()
    over = asyncio.Event()

    async def keep() -> None:
        async with open_house(world, settings, more, **options) as house:
            ready.set_result(house)
            await over.wait()

    keeper = asyncio.create_task(keep())
    await asyncio.wait([ready, keeper], return_when=asyncio.FIRST_COMPLETED)
    if keeper.done():
        await keeper
    try:
        yield ready.result()
    finally:
        over.set()
        await keeper
