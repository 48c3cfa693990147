"""The pages and endpoints at which people sign in: what a browser sees, and what a client sends."""

import html
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, cast
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from schema_mcp.domain import once
from schema_mcp.domain.caller import Scope
from schema_mcp.domain.errors import RateLimitedError, SchemaMcpError
from schema_mcp.identity.clients import BadClientError
from schema_mcp.identity.facade import CALLBACK, AuthorizationServer, Question, Refused
from schema_mcp.identity.strangers import Strangers

_LARGEST_FORM = 64 * 1024
_LONGEST_QUERY = 8 * 1024
_MINUTES = 10
_NO_STORE: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_MEANS: Mapping[Scope, str] = {
    Scope.READ: "read schemas and settings",
    Scope.WRITE: "register schemas and change settings",
    Scope.ADMIN: "delete schemas, switch modes and loosen rules",
}
_STATUS = {"invalid_client": HTTPStatus.UNAUTHORIZED, "temporarily_unavailable": HTTPStatus.SERVICE_UNAVAILABLE}

_PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Sign in to schema-mcp</title>
{body}
</html>
"""
_ASK = """\
<h1>Let {client} use schema-mcp in your name?</h1>
<p>It says of itself: <b>{client}</b>, from <code>{home}</code>. The answer goes to <code>{target}</code>.</p>
<p>It would be able to:</p>
<ul>{means}</ul>
<p>If you did not just ask for this yourself, say no.</p>
<form method="post" action="/consent">
<input type="hidden" name="question" value="{name}">
<button name="answer" value="yes">Yes, sign in with GitHub</button>
<button name="answer" value="no">No</button>
</form>
"""
_NO = "<h1>This did not work</h1>\n<p>{why}</p>\n<p>Begin again in the program that sent you here.</p>\n"


def sign_in_routes(server: AuthorizationServer, strangers: Strangers) -> list[BaseRoute]:
    """Everything that one needs to be signed in here, and clients to find it; what is refused counts as a guess."""
    desk = _Desk(server)
    metadata = ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"]
    shown: dict[str, Callable[[Request], Awaitable[Response]]] = {
        "/authorize": _counted(desk.authorize, strangers),
        CALLBACK: _counted(desk.callback, strangers),
        "/jwks.json": desk.keys,
        **dict.fromkeys(metadata, desk.metadata),
    }
    sent: dict[str, Callable[[Request], Awaitable[Response]]] = {
        "/consent": desk.consent,
        "/token": desk.token,
        "/revoke": desk.revoke,
        **({"/register": desk.register} if server.registers else {}),
    }
    return [
        *(Route(path, answer, methods=["GET"]) for path, answer in shown.items()),
        *(Route(path, _counted(answer, strangers), methods=["POST"]) for path, answer in sent.items()),
    ]


def _counted(answer: Callable[[Request], Awaitable[Response]], strangers: Strangers) -> Callable[..., Any]:
    async def counted(request: Request) -> Response:
        address = request.client.host if request.client else ""
        try:
            strangers.take(address)
        except RateLimitedError as error:
            wait = {"Retry-After": str(error.details["retry_after"])}
            return PlainTextResponse(f"{error}. {error.hint}", HTTPStatus.TOO_MANY_REQUESTS, wait | _NO_STORE)
        response = await answer(request)
        if not HTTPStatus.BAD_REQUEST <= response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
            strangers.forgive(address)
        return response

    return counted


@dataclass(frozen=True, slots=True)
class _Desk:
    server: AuthorizationServer

    @property
    def cookie(self) -> str:
        """A browser takes this name only over https, from this host, for this host."""
        return "__Host-schema-mcp" if self.secure else "schema-mcp"

    @property
    def secure(self) -> bool:
        return self.server.issuer.startswith("https://")

    # --- for a browser -----------------------------------------------------------------------------------------------

    async def authorize(self, request: Request) -> Response:
        """The page that asks; always, whatever somebody agreed to before."""
        browser = request.cookies.get(self.cookie) or secrets.token_urlsafe(32)
        try:
            question = await self.server.begin(_query(request), browser)
        except Refused as no:
            return self._refused(no)
        except SchemaMcpError as error:
            return _page(_NO.format(why=html.escape(str(error))), status=HTTPStatus.SERVICE_UNAVAILABLE)
        # Browsers hold the redirects that follow a form to the policy of the page that the form is on.
        targets = "'self'", _origin(question.proof), _origin(question.redirect)
        response = _page(_asking(question), *targets)
        response.set_cookie(
            self.cookie, browser, max_age=_MINUTES * 60, secure=self.secure, httponly=True, samesite="lax", path="/"
        )
        return response

    async def consent(self, request: Request) -> Response:
        """The answer of a person, from the page and the browser that asked."""
        try:
            form = _only_once(await _form(request))
            browser = request.cookies.get(self.cookie, "")
            if form.get("answer") != "yes":
                return _sent_on(self.server.declined(form.get("question", ""), browser))
            return _sent_on(self.server.agreed(form.get("question", ""), browser))
        except Refused as no:
            return self._refused(no, HTTPStatus.FORBIDDEN)

    async def callback(self, request: Request) -> Response:
        """Back from GitHub, in the browser that went there."""
        try:
            return _sent_on(await self.server.proven(_query(request), request.cookies.get(self.cookie, "")))
        except Refused as no:
            return self._refused(no, HTTPStatus.FORBIDDEN)

    def _refused(self, no: Refused, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> Response:
        if no.redirect:
            return _sent_on(self.server.refusal(no))
        return _page(_NO.format(why=html.escape(no.why)), status=status)

    # --- for a client ------------------------------------------------------------------------------------------------

    async def token(self, request: Request) -> Response:
        try:
            if "authorization" in request.headers:
                raise Refused("invalid_client", "Programs keep no secrets here: name `client_id` in the form")  # noqa: TRY301
            return JSONResponse(await self.server.token(_only_once(await _form(request))), headers=_NO_STORE)
        except Refused as no:
            return _error(no)

    async def revoke(self, request: Request) -> Response:
        try:
            self.server.revoke(_only_once(await _form(request)))
        except Refused as no:
            return _error(no)
        return Response(headers=_NO_STORE)

    async def register(self, request: Request) -> Response:
        try:
            document: Any = once.parsed(await _body(request))
            if not isinstance(document, dict):
                raise Refused("invalid_client_metadata", "A JSON object is needed")  # noqa: TRY301
            made = self.server.clients.register(cast("Mapping[str, Any]", document))
        except (ValueError, RecursionError):
            return _error(Refused("invalid_client_metadata", "A JSON object is needed"))
        except BadClientError as error:
            return _error(Refused("invalid_redirect_uri", str(error)))
        except Refused as no:
            return _error(no)
        return JSONResponse(made, HTTPStatus.CREATED, headers=_NO_STORE)

    async def metadata(self, _: Request) -> Response:
        return JSONResponse(self.server.metadata, headers={"Cache-Control": "max-age=3600"})

    async def keys(self, _: Request) -> Response:
        return JSONResponse(self.server.keys, headers={"Cache-Control": "max-age=3600"})


def _asking(question: Question) -> str:
    means = "".join(f"<li>{_MEANS[scope]}</li>" for scope in question.scopes)
    said = {
        "client": question.client,
        "home": question.home or "an unknown place",
        "target": _origin(question.redirect),
        "name": question.name,
    }
    return _ASK.format(means=means, **{name: html.escape(text) for name, text in said.items()})


def _page(body: str, *targets: str, status: int = HTTPStatus.OK) -> HTMLResponse:
    return HTMLResponse(_PAGE.format(body=body), status, headers=_guarded(*targets))


def _sent_on(address: str) -> RedirectResponse:
    # 303, so that nothing that was posted here is posted there.
    return RedirectResponse(address, HTTPStatus.SEE_OTHER, headers=_guarded())


def _guarded(*targets: str) -> dict[str, str]:
    """No script, no frame, no other place than these for a form."""
    places = " ".join(targets) or "'none'"
    policy = f"default-src 'none'; form-action {places}; frame-ancestors 'none'; base-uri 'none'"
    return {
        **_NO_STORE,
        "Content-Security-Policy": policy,
        "X-Frame-Options": "DENY",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
    }


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else f"{parts.scheme}:"


def _query(request: Request) -> dict[str, str]:
    raw = str(request.url.query)
    if len(raw) > _LONGEST_QUERY:
        raise Refused("invalid_request", "The question is too long")
    return _only_once(parse_qsl(raw, keep_blank_values=True))


def _only_once(said: list[tuple[str, str]]) -> dict[str, str]:
    """What was said, each thing once (RFC 6749, 3.1)."""
    found = dict(said)
    if len(found) < len(said):
        raise Refused("invalid_request", "Something was said twice")
    return found


async def _form(request: Request) -> list[tuple[str, str]]:
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        raise Refused("invalid_request", "A form is needed")
    try:
        return parse_qsl((await _body(request)).decode(), keep_blank_values=True, max_num_fields=50)
    except ValueError as error:
        raise Refused("invalid_request", "This form cannot be read") from error


async def _body(request: Request) -> bytes:
    found = bytearray()
    async for chunk in request.stream():
        found += chunk
        if len(found) > _LARGEST_FORM:
            raise Refused("invalid_request", "This is too long")
    return bytes(found)


def _error(no: Refused) -> Response:
    status = _STATUS.get(no.error, HTTPStatus.BAD_REQUEST)
    return JSONResponse({"error": no.error, "error_description": no.why}, status, headers=_NO_STORE)
