"""Each caller may make so many calls a minute, at once or spread out, and hears when to come again."""

from dataclasses import replace

import pytest

from schema_mcp.domain.caller import Caller, Scope
from schema_mcp.domain.errors import RateLimitedError
from schema_mcp.toolkit import rates
from schema_mcp.toolkit.rates import Rates

ANN = Caller("ann", "ann@example.com", Scope.READ.implied)
BOB = replace(ANN, name="bob")


class Time:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def taken(meter: Rates, caller: Caller, tries: int) -> int:
    """How many of so many calls are let through."""
    through = 0
    for _ in range(tries):
        try:
            meter.take(caller)
        except RateLimitedError:
            continue
        through += 1
    return through


@pytest.mark.parametrize("limit", [1, 3, 7, 600, 1_200])
def test_a_minutes_calls_can_be_made_at_once_and_no_more(limit: int):
    time = Time()
    meter = Rates(limit, now=time)

    assert taken(meter, ANN, limit + 5) == limit
    assert taken(meter, BOB, limit + 5) == limit
    time.now += 60
    assert taken(meter, ANN, limit + 5) == limit


def test_what_was_used_comes_back_little_by_little():
    time = Time()
    meter = Rates(60, now=time)
    taken(meter, ANN, 60)

    time.now += 3.5

    assert taken(meter, ANN, 60) == 3


def test_whoever_keeps_asking_does_not_wait_longer_for_it():
    time = Time()
    meter = Rates(2, now=time)
    taken(meter, ANN, 50)
    with pytest.raises(RateLimitedError) as refused:
        meter.take(ANN)
    assert refused.value.details["retry_after"] == 30

    time.now += refused.value.details["retry_after"]

    assert taken(meter, ANN, 5) == 1


def test_a_caller_is_the_same_by_every_interface_and_program():
    meter = Rates(1, now=Time())
    meter.take(replace(ANN, via="http", client="one"))

    with pytest.raises(RateLimitedError):
        meter.take(replace(ANN, via="registry", client="two"))


def test_the_table_of_callers_has_an_end(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rates, "_MOST", 10)
    meter = Rates(5, now=Time())
    for number in range(100):
        meter.take(replace(ANN, name=f"caller {number}"))

    assert len(meter._meter._paid_until) == 10
