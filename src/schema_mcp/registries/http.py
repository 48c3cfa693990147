"""Timeouts, retries, credentials: the one HTTP client, for every REST backend."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import anyio
import httpx2

from schema_mcp.domain.errors import InvalidRequestError, RegistryError
from schema_mcp.registries import paths, watching
from schema_mcp.registries.addresses import Address, Addresses
from schema_mcp.registries.called import telling
from schema_mcp.registries.calls import BUSY, Call, Failure, may_repeat
from schema_mcp.registries.clients import Clients
from schema_mcp.registries.contract import Connection, Health
from schema_mcp.registries.credentials import credentials_of, secrets_of, signed_in
from schema_mcp.registries.pacing import Clock, Pace, full_jitter
from schema_mcp.registries.reading import LONG, aside
from schema_mcp.registries.replies import Replies, Reply

LARGEST_BODY: Final = 64 * 1024 * 1024
"""No registry answers more in one page; whatever does is not read to its end."""

_NEVER_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)


class RestClient:
    """One registry behind one or several addresses.

    A call is bounded in time as a whole, retries included; its time begins when its turn comes, so that waiting for
    `limits` is not held against the registry. An address that keeps failing is left out for a while; when all are, a
    call fails at once.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        headers: Mapping[str, str],
        transport: httpx2.AsyncBaseTransport | None = None,
        clock: Clock | None = None,
    ) -> None:
        connection = signed_in(connection)
        self.name = connection.name
        self.plain = ""
        """Characters of a name that this registry wants unquoted in a path."""
        self.replies = Replies(connection.name, secrets_of(connection.auth))
        self._timeouts = connection.timeouts
        self._retries = connection.retries
        self._headers = headers
        self._caller_header = connection.caller_header
        self._clock = clock = clock or Clock()
        self._addresses = Addresses(connection.urls, clock, connection.retries + 1)
        self._clients = Clients(connection, transport)
        self._credentials = credentials_of(connection, lambda: self._clients.tokens, clock)
        self._most = connection.limits.connections
        self._places = anyio.Semaphore(self._most)
        self._reads = Pace(connection.limits.reads_per_second, clock)
        self._writes = Pace(connection.limits.writes_per_second, clock)

    async def send(self, call: Call) -> Any:
        """The registry's answer as JSON, None for a write answered without a body; raises what the registry refuses."""
        self._fail_fast()
        async with self._places:
            await self._pace(call).turn()
            self._fail_fast()
            outcome = await self._outcome(call)
        if isinstance(outcome, Failure):
            raise self._unanswered(call, outcome)
        return await self._read(outcome, call)

    async def _read(self, reply: Reply, call: Call) -> Any:
        if len(reply.body) > LONG:
            return await aside(lambda: self.replies.read(reply, may_be_empty=call.writes))
        return self.replies.read(reply, may_be_empty=call.writes)

    @property
    def health(self) -> tuple[Health, ...]:
        """How each address does, as far as we know without asking."""
        return self._addresses.health

    @property
    def under_way(self) -> int:
        """Requests that hold one of the connections just now."""
        return self._most - self._places.value

    async def close(self) -> None:
        """Close every connection."""
        await self._clients.close()

    async def _outcome(self, call: Call) -> Reply | Failure:
        deadline = self._clock.now() + self._timeouts.total
        last = self._retries + len(self._addresses) - 1
        address, outcome = None, Failure(self._addresses.problem, never_sent=True)
        for attempt in range(last + 1):
            if attempt:  # another attempt is another request
                deadline += await self._pace(call).turn()
            address = self._addresses.next_after(address)
            if address is None:
                break
            outcome = await self._attempt(address, call, deadline)
            pause = self._pause(outcome, attempt)
            if attempt == last or not may_repeat(call, outcome) or self._clock.now() + pause >= deadline:
                break
            await self._clock.sleep(pause)
        return outcome

    def _pace(self, call: Call) -> Pace:
        return self._writes if call.writes else self._reads

    async def _attempt(self, address: Address, call: Call, deadline: float) -> Reply | Failure:
        address.begin()
        outcome: Reply | Failure = Failure(f"no whole answer within {self._timeouts.total:g} s")
        with watching.looks_on(self.name, call.method) as answered:
            with anyio.move_on_after(deadline - self._clock.now()):
                try:
                    outcome = await self._exchange(address, call)
                except _NEVER_SENT as error:
                    outcome = Failure(self._words(error), never_sent=True)
                except httpx2.TransportError as error:
                    outcome = Failure(self._words(error))
            answered(outcome.status if isinstance(outcome, Reply) else None)
        match outcome:
            case Failure(problem=problem):
                address.failed(problem)
            case Reply(status=status) if status in BUSY:
                address.failed(f"it answered {status}")
            case Reply():
                address.answered()
        return outcome

    def _pause(self, outcome: Reply | Failure, attempt: int) -> float:
        """Seconds until the next attempt: what the registry asks for; none while there are untried addresses."""
        if isinstance(outcome, Reply) and outcome.retry_after is not None:
            return outcome.retry_after
        tried_all = attempt + 1 - len(self._addresses)
        if tried_all < 0 and not (isinstance(outcome, Reply) and outcome.status == HTTPStatus.TOO_MANY_REQUESTS):
            return 0.0
        return full_jitter(max(0, tried_all), self._clock)

    async def _exchange(self, address: Address, call: Call) -> Reply:
        headers = await self._credentials.headers()
        reply = await self._transfer(address, call, headers)
        if reply.status == HTTPStatus.UNAUTHORIZED and self._credentials.refused(headers):
            await self._pace(call).turn()
            reply = await self._transfer(address, call, await self._credentials.headers())
        return reply

    async def _transfer(self, address: Address, call: Call, credentials: Mapping[str, str]) -> Reply:
        content = None if call.body is None else json.dumps(call.body).encode()
        url = address.url + paths.target(call.path, call.query, self.plain)
        headers = {**telling(self._caller_header), **self._headers, **credentials}
        try:
            async with self._clients.registry.stream(call.method, url, content=content, headers=headers) as response:
                return Reply(response.status_code, response.headers, await self._body(response))
        except httpx2.InvalidURL as error:
            raise InvalidRequestError("A name is too long for an address", hint="Use a shorter name.") from error
        except httpx2.DecodingError as error:
            raise self.replies.nonsense("with a body that cannot be unpacked", status=HTTPStatus.OK) from error

    async def _body(self, response: httpx2.Response) -> bytearray:
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > LARGEST_BODY:
                raise self.replies.nonsense(f"with more than {LARGEST_BODY:,} bytes", status=response.status_code)
        return body

    def _fail_fast(self) -> None:
        rest = self._addresses.rest_for
        if rest:
            raise RegistryError(
                f"{self.name} has not answered lately and is left alone for a while: {self._addresses.problem}",
                hint=f"It will be asked again in {rest:.0f} s; check that it is up.",
                details={"registry": self.name, "retry_in": round(rest, 3)},
            )

    def _unanswered(self, call: Call, failure: Failure) -> RegistryError:
        doubtful = call.writes and not failure.never_sent
        return RegistryError(
            f"{self.name} did not answer: {failure.problem}",
            hint="The write may have been carried out: read before you write again."
            if doubtful
            else "Check that the registry is up and that `url` is its address.",
            details={"registry": self.name, "outcome": "unknown" if doubtful else "not done"},
        )

    def _words(self, error: httpx2.TransportError) -> str:
        """What went wrong underneath, in words for people."""
        match error:
            case httpx2.ConnectTimeout():
                return f"no connection within {self._timeouts.connect:g} s"
            case httpx2.TimeoutException():
                return f"nothing came for {self._timeouts.read:g} s"
            case httpx2.ConnectError():
                return f"no connection ({self.replies.excerpt(str(error))})"
            case httpx2.LocalProtocolError():
                return "the request cannot be sent as it is"
            case _:
                return f"the connection broke ({self.replies.excerpt(str(error)) or type(error).__name__})"
