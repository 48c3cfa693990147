"""When the HTTP client asks again, when it does not, and for how long."""

from collections.abc import Callable

import httpx2
import pytest

from fakes.clock import FakeClock
from schema_mcp.domain.errors import RegistryError
from schema_mcp.registries.calls import Call
from schema_mcp.registries.contract import Connection, Limits, Timeouts
from schema_mcp.registries.http import RestClient

READ = Call("GET", ("subjects",))
LOOKUP = Call("POST", ("subjects", "orders"), body={"schema": "{}"})
WRITE = Call("POST", ("subjects", "orders", "versions"), body={"schema": "{}"}, writes=True)
A, B = "http://a.example.com", "http://b.example.com"

Handler = Callable[[httpx2.Request], httpx2.Response]


class Stub:
    """A transport that gives one answer after the other, the last one for ever, and counts."""

    def __init__(self, *answers: httpx2.Response | Exception | int):
        self.answers = list(answers)
        self.hosts: list[str] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.hosts.append(request.url.host)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return httpx2.Response(answer, json=[]) if isinstance(answer, int) else answer


def client(handler: Handler, clock: FakeClock | None = None, **settings) -> RestClient:
    connection = Connection("prod", **{"urls": (A,), **settings})
    return RestClient(
        connection, headers={}, transport=httpx2.MockTransport(handler), clock=(clock or FakeClock()).clock
    )


REFUSED = httpx2.ConnectError("refused")
BROKEN = httpx2.ReadError("reset")


@pytest.mark.parametrize(
    ("call", "first", "requests"),
    [
        pytest.param(READ, 503, 2, id="read-busy"),
        pytest.param(READ, 502, 2, id="read-bad-gateway"),
        pytest.param(READ, 504, 2, id="read-gateway-timeout"),
        pytest.param(READ, 429, 2, id="read-too-many"),
        pytest.param(READ, REFUSED, 2, id="read-refused"),
        pytest.param(READ, BROKEN, 2, id="read-broken"),
        pytest.param(READ, httpx2.ReadTimeout("slow"), 2, id="read-slow"),
        pytest.param(READ, 500, 1, id="read-fault"),
        pytest.param(READ, 404, 1, id="read-missing"),
        pytest.param(LOOKUP, 503, 2, id="lookup-busy"),
        pytest.param(LOOKUP, BROKEN, 2, id="lookup-broken"),
        pytest.param(WRITE, REFUSED, 2, id="write-never-sent"),
        pytest.param(WRITE, httpx2.ConnectTimeout("slow"), 2, id="write-never-connected"),
        pytest.param(WRITE, 429, 2, id="write-refused-before-it-was-done"),
        pytest.param(WRITE, 503, 1, id="write-busy"),
        pytest.param(WRITE, BROKEN, 1, id="write-broken"),
        pytest.param(WRITE, httpx2.ReadTimeout("slow"), 1, id="write-slow"),
    ],
)
async def test_only_what_can_do_no_harm_is_asked_again(call: Call, first: int | Exception, requests: int):
    stub = Stub(first, 200)

    outcome = client(stub).send(call)

    if requests == 1:
        with pytest.raises(RegistryError):
            await outcome
    else:
        assert await outcome == []
    assert len(stub.hosts) == requests


@pytest.mark.parametrize("retries", [0, 1, 3, 7])
async def test_it_gives_up_after_the_retries(retries: int):
    stub = Stub(503)

    with pytest.raises(RegistryError, match="503"):
        await client(stub, retries=retries).send(READ)

    assert len(stub.hosts) == 1 + retries


async def test_pauses_double_and_are_jittered():
    clock = FakeClock(chances=[1.0, 0.5, 1.0])

    with pytest.raises(RegistryError):
        await client(Stub(503), clock, retries=3).send(READ)

    assert clock.slept == [0.2, 0.2, 0.8]


async def test_it_waits_as_long_as_the_registry_asks():
    clock = FakeClock()
    stub = Stub(httpx2.Response(429, headers={"Retry-After": "7"}), 200)

    await client(stub, clock).send(READ)

    assert clock.slept == [7]


async def test_it_does_not_wait_beyond_the_time_of_the_call():
    clock = FakeClock()
    stub = Stub(httpx2.Response(429, headers={"Retry-After": "3600"}, json={"message": "slow down"}), 200)

    with pytest.raises(RegistryError, match="slow down") as refused:
        await client(stub, clock).send(READ)

    assert clock.slept == []
    assert "limits" in refused.value.hint


async def test_the_time_of_a_call_includes_its_retries():
    clock = FakeClock(chances=[1.0])
    stub = Stub(503)

    with pytest.raises(RegistryError):
        await client(stub, clock, retries=100, timeouts=Timeouts(total=10)).send(READ)

    assert sum(clock.slept) < 10
    assert len(stub.hosts) < 10


async def test_a_write_without_an_answer_is_said_to_be_doubtful():
    with pytest.raises(RegistryError) as broken:
        await client(Stub(BROKEN)).send(WRITE)
    with pytest.raises(RegistryError) as refused:
        await client(Stub(REFUSED)).send(WRITE)

    assert "read before you write again" in broken.value.hint
    assert broken.value.details["outcome"] == "unknown"
    assert refused.value.details["outcome"] == "not done"


class TestSeveralAddresses:
    async def test_the_next_one_is_asked_at_once(self):
        clock = FakeClock()
        stub = Stub(REFUSED, 200)

        await client(stub, clock, urls=(A, B), retries=0).send(READ)

        assert stub.hosts == ["a.example.com", "b.example.com"]
        assert sum(clock.slept) == 0

    async def test_a_write_goes_to_another_only_when_it_was_never_sent(self):
        never_sent, broken = Stub(REFUSED, 200), Stub(BROKEN, 200)

        await client(never_sent, urls=(A, B)).send(WRITE)
        with pytest.raises(RegistryError):
            await client(broken, urls=(A, B)).send(WRITE)

        assert never_sent.hosts == ["a.example.com", "b.example.com"]
        assert broken.hosts == ["a.example.com"]

    async def test_one_that_keeps_failing_is_left_out_and_comes_back(self):
        clock = FakeClock()
        dead = {"a.example.com"}
        asked: list[str] = []

        def answer(request: httpx2.Request) -> httpx2.Response:
            asked.append(request.url.host)
            if request.url.host in dead:
                raise REFUSED
            return httpx2.Response(200, json=[])

        rest = client(answer, clock, urls=(A, B))
        for _ in range(5):
            await rest.send(READ)
        asked.clear()
        await rest.send(READ)
        assert asked == ["b.example.com"]

        dead.clear()
        clock.time += 60
        asked.clear()
        await rest.send(READ)
        await rest.send(READ)
        assert asked == ["a.example.com", "a.example.com"]


class TestARegistryThatIsDown:
    async def down(self, clock: FakeClock, stub: Stub) -> RestClient:
        rest = client(stub, clock, retries=4)
        with pytest.raises(RegistryError):
            await rest.send(READ)
        stub.hosts.clear()
        return rest

    async def test_is_not_asked_for_a_while(self):
        clock, stub = FakeClock(), Stub(REFUSED)
        rest = await self.down(clock, stub)

        with pytest.raises(RegistryError, match="left alone for a while") as resting:
            await rest.send(READ)

        assert stub.hosts == []
        assert resting.value.code == "registry_error"
        assert resting.value.details["retry_in"] > 0

    async def test_is_probed_by_one_call_and_taken_back(self):
        clock, stub = FakeClock(), Stub(REFUSED)
        rest = await self.down(clock, stub)
        clock.time += 6
        stub.answers = [200]

        assert await rest.send(READ) == []
        assert await rest.send(READ) == []

        assert len(stub.hosts) == 2

    async def test_rests_longer_when_the_probe_fails(self):
        clock, stub = FakeClock(), Stub(REFUSED)
        rest = await self.down(clock, stub)
        clock.time += 6

        with pytest.raises(RegistryError):
            await rest.send(READ)
        clock.time += 6
        with pytest.raises(RegistryError, match="left alone"):
            await rest.send(READ)

        assert len(stub.hosts) == 1

    async def test_a_refusal_is_an_answer_and_no_failure(self):
        stub = Stub(httpx2.Response(500, json={"error_code": 50001, "message": "store"}))
        rest = client(stub)

        for _ in range(20):
            with pytest.raises(RegistryError, match="store"):
                await rest.send(READ)

        assert len(stub.hosts) == 20


class TestLimits:
    async def test_reads_and_writes_are_paced_apart(self):
        clock = FakeClock()
        rest = client(Stub(200), clock, limits=Limits(reads_per_second=10, writes_per_second=1))

        for _ in range(30):
            await rest.send(READ)
        for _ in range(3):
            await rest.send(WRITE)

        # A second's worth may come at once, the next when that second is over.
        assert sum(clock.slept) == pytest.approx(2.0 + 2.0, abs=0.2)

    async def test_without_limits_nobody_waits(self):
        clock = FakeClock()
        rest = client(Stub(200), clock)

        for _ in range(100):
            await rest.send(READ)

        assert clock.slept == []
