"""The door, with everything it needs: opened once, closed at the end."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
from anyio import to_thread

from schema_mcp.domain.caller import Caller, Scope
from schema_mcp.domain.errors import NotPermittedError
from schema_mcp.identity.clients import Clients
from schema_mcp.identity.doorman import Doorman
from schema_mcp.identity.facade import AuthorizationServer
from schema_mcp.identity.github import PATIENCE, GitHubIdentity
from schema_mcp.identity.issuing import SignIns
from schema_mcp.identity.keys import Keys
from schema_mcp.identity.outside import Outside, Resolve, resolved
from schema_mcp.identity.pipelines import Pipelines
from schema_mcp.identity.policy import Access, Refusals
from schema_mcp.identity.strangers import Strangers
from schema_mcp.stores.audit import Audit, Entry, Outcome
from schema_mcp.stores.signins import SignInStore
from schema_mcp.stores.tokens import Tokens
from schema_mcp.toolkit.request import request_id

TOKENS = "tokens.sqlite"
SIGN_INS = "sign-ins.sqlite"
_CONNECTIONS = httpx2.Limits(max_connections=20, max_keepalive_connections=5)


@dataclass(frozen=True, slots=True)
class House:
    """Who stands at the door, and what is written on it."""

    access: Access
    doorman: Doorman
    audit: Audit
    strangers: Strangers
    server: AuthorizationServer | None = None
    """Where we sign people in ourselves."""

    looks: Mapping[str, Callable[[], Awaitable[None]]] = field(default_factory=dict[str, Callable[[], Awaitable[None]]])
    """Whether those can be asked who know callers, one by one."""

    @property
    def issuer(self) -> str:
        """Who signs people in for us; empty where only tokens of ours count."""
        if self.access.facade:
            return self.access.url
        return self.access.github.url if self.access.github else ""

    @property
    def steps_up(self) -> bool:
        """Whether a missing scope is told as the protocol has it."""
        return self.access.refusals is Refusals.HTTP

    async def turned_away(self, caller: Caller, tool: str, scope: Scope) -> None:
        """Put on the trail that a tool, resource or prompt was refused before it was asked for."""
        held = tuple(sorted(caller.scopes))
        reason = f"{tool} needs the scope {scope.value}"
        entry = Entry(
            tool, Outcome.REFUSED, request_id(), caller.name, held, code=NotPermittedError.code, reason=reason
        )
        await self.audit.record(entry)


@asynccontextmanager
async def opened(
    access: Access,
    state: Path,
    audit: Audit,
    *,
    transport: httpx2.AsyncBaseTransport | None = None,
    resolve: Resolve = resolved,
) -> AsyncGenerator[House]:
    """The door of a server with this state folder."""
    async with AsyncExitStack() as stack:
        # GitHub may be behind the operator's proxy; what strangers name is connected to directly, where it was checked.
        client, direct = [
            await stack.enter_async_context(
                httpx2.AsyncClient(timeout=PATIENCE, limits=_CONNECTIONS, transport=transport, trust_env=trusting)
            )
            for trusting in (True, False)
        ]
        tokens = stack.enter_context(closing(Tokens(state / TOKENS)))
        outside, strangers = Outside(direct, resolve), Strangers()
        github = GitHubIdentity(access.github, access.asks_for, client) if access.github else None
        pipelines = Pipelines(access, outside) if access.issuers else None
        if not access.facade or github is None:
            doorman = Doorman(access, tokens, audit, github=github, pipelines=pipelines, strangers=strangers)
            yield House(access, doorman, audit, strangers, looks=_looks(tokens, github, pipelines))
            return
        store = stack.enter_context(closing(SignInStore(state / SIGN_INS)))
        sign_ins = SignIns(access.url, Keys(state), store)
        doorman = Doorman(
            access, tokens, audit, github=github, pipelines=pipelines, sign_ins=sign_ins, strangers=strangers
        )
        clients = Clients(access.facade, outside, store)
        server = AuthorizationServer(access, github, doorman, clients, store, sign_ins, audit)
        yield House(access, doorman, audit, strangers, server, _looks(tokens, github, pipelines))


def _looks(
    tokens: Tokens, github: GitHubIdentity | None, pipelines: Pipelines | None
) -> Mapping[str, Callable[[], Awaitable[None]]]:
    async def tokens_are_read() -> None:
        await to_thread.run_sync(tokens.all)

    looks: dict[str, Callable[[], Awaitable[None]]] = {"tokens": tokens_are_read}
    if github:
        looks["github"] = github.answers
    if pipelines:
        looks |= {f"keys of {urlsplit(one).netloc}": partial(pipelines.has_keys, one) for one in pipelines.issuers}
    return looks
