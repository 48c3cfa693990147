"""Web pages of other origins: turned away unless the operator names the origin; then browsers are told so (CORS)."""

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from interfaces.test_site import served
from schema_mcp import app
from schema_mcp.domain.errors import ConfigurationError
from schema_mcp.serving import http_site
from schema_mcp.settings import Settings, load

Make = Callable[..., Settings]

TOOLS = "https://tools.example.com"
ASKS = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,mcp-method"}
LISTING: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
ACCEPT = {"Accept": "application/json, text/event-stream"}


@pytest.mark.parametrize("path", ["/mcp", "/registries/dev/subjects", "/health"])
async def test_a_page_of_a_named_origin_may_ask_and_read(settings: Make, path: str):
    async with app.workspace(settings()) as workspace, app.cores(workspace) as cores:
        site = http_site(workspace, cores, "127.0.0.1", pages=(TOOLS,))
        async with served(site) as url, httpx2.AsyncClient(base_url=url) as client:
            asked = await client.options(path, headers={"Origin": TOOLS, **ASKS})
            answered = await (
                client.post(path, json=LISTING, headers={"Origin": TOOLS, **ACCEPT})
                if path == "/mcp"
                else client.get(path, headers={"Origin": TOOLS})
            )

    assert asked.headers["access-control-allow-origin"] == TOOLS
    assert "access-control-allow-credentials" not in asked.headers
    assert (answered.status_code, answered.headers["access-control-allow-origin"]) == (200, TOOLS)
    assert "X-Request-Id" in answered.headers["access-control-expose-headers"]


@pytest.mark.parametrize("pages", [(), (TOOLS,)], ids=["nothing-configured", "another-one-configured"])
@pytest.mark.parametrize("origin", ["https://evil.example.com", "https://tools.example.com.evil.example.com", "null"])
async def test_other_pages_stay_outside(settings: Make, pages: tuple[str, ...], origin: str):
    async with app.workspace(settings()) as workspace:
        site = http_site(workspace, {}, "127.0.0.1", pages=pages)
        async with served(site) as url, httpx2.AsyncClient(base_url=url) as client:
            asked = await client.options("/mcp", headers={"Origin": origin, **ASKS})
            answered = await client.post("/mcp", json=LISTING, headers={"Origin": origin, **ACCEPT})

    assert (asked.status_code, answered.status_code) == (403, 403)
    assert not [name for one in (asked, answered) for name in one.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    "said", ["*", "tools.example.com", "https://tools.example.com/", "https://*.example.com", "null"]
)
def test_what_no_browser_sends_is_refused_at_the_start(said: str):
    with pytest.raises(ConfigurationError, match="is not an origin"):
        load({"origins": said}, environ={})


def test_several_origins_are_named_with_commas():
    told = load({"origins": f"{TOOLS},http://localhost:6274"}, environ={})

    assert told.origins == (TOOLS, "http://localhost:6274")
