"""What whoever runs this server looks at: is it well, may it be sent calls, and its figures.

Names of registries and what is wrong with them are for people on this machine; others, and whoever comes through a
proxy, are told so much only where a setting allows it.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from importlib import import_module
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from schema_mcp.services.checkup import Checkup, Part

if TYPE_CHECKING:
    from schema_mcp.interfaces.web.metrics import Metrics
    from schema_mcp.toolkit.workspace import Workspace

_NEAR = frozenset({"127.0.0.1", "::1"})
_PASSED_ON = ("forwarded", "x-forwarded-for", "x-real-ip", "via")
_TEXT = "text/plain; version=0.0.4; charset=utf-8"


def operating_routes(
    workspace: "Workspace",
    *,
    to_all: bool = False,
    sign_in: Mapping[str, Callable[[], Awaitable[None]]] | None = None,
) -> list[BaseRoute]:
    """`/health`, `/ready` and `/metrics`; from here on every call is counted."""
    assert workspace.background  # noqa: S101 - who serves has one
    metrics: Metrics = import_module("schema_mcp.interfaces.web.metrics").Metrics(workspace.fleet)
    workspace.audit.listeners.append(metrics)
    checkup = Checkup(
        workspace.ground, workspace.recovery, workspace.background, audit=workspace.audit, sign_in=sign_in
    )
    desk = _Desk(checkup, metrics, to_all)
    return [Route("/health", desk.health), Route("/ready", desk.ready), Route("/metrics", desk.metrics)]


@dataclass(frozen=True, slots=True)
class _Desk:
    checkup: Checkup
    figures: "Metrics"
    to_all: bool

    async def health(self, request: Request) -> Response:
        """How everything is.

        A registry that is down, or somebody away who knows callers, makes the server `degraded`, and no less fit for
        the others.
        """
        parts, registries = await self.checkup.parts(), await self.checkup.registries()
        sign_in = await self.checkup.sign_in()
        fit = not any(part.problem for part in parts)
        status = "ok" if not any(one.problem for one in (*registries, *sign_in)) else "degraded"
        told: dict[str, Any] = {"status": status if fit else "unfit"}
        if self._may_know(request):
            tasks = await self.checkup.tasks()
            told |= {"parts": _told(parts), "registries": _told(registries)}
            told |= {"sign_in": _told(sign_in)} if sign_in else {}
            told["tasks"] = {"running": tasks.running, "interrupted": tasks.interrupted}
        return _answer(told, fit=fit)

    async def ready(self, request: Request) -> Response:
        """May calls be sent here? Only our own parts count."""
        parts = [part for part in await self.checkup.parts() if part.problem] or self.checkup.in_the_way
        told: dict[str, Any] = {"status": "unfit" if parts else "ok"}
        if parts and self._may_know(request):
            told["parts"] = _told(parts)
        return _answer(told, fit=not parts)

    async def metrics(self, request: Request) -> Response:
        """The figures, for whoever may know the names in them."""
        if not self._may_know(request):
            return PlainTextResponse("Only from this machine, unless --open-metrics is set", HTTPStatus.FORBIDDEN)
        self.figures.tasks = await self.checkup.tasks()
        return Response(self.figures.text(), headers={"Content-Type": _TEXT})

    def _may_know(self, request: Request) -> bool:
        is_near = request.client is not None and request.client.host in _NEAR
        return self.to_all or (is_near and not any(header in request.headers for header in _PASSED_ON))


def _told(parts: list[Part]) -> dict[str, Any]:
    return {
        part.name: {"ok": not part.problem, "milliseconds": round(part.milliseconds, 1)}
        | ({"problem": part.problem[:300]} if part.problem else {})
        for part in parts
    }


def _answer(told: dict[str, Any], *, fit: bool) -> Response:
    return JSONResponse(told, HTTPStatus.OK if fit else HTTPStatus.SERVICE_UNAVAILABLE, {"Cache-Control": "no-store"})
