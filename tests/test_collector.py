"""What survived a long look for garbage is not looked at again at every turn, and not never."""

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from schema_mcp import serving
from schema_mcp.collector import LONG, WHOLE, Collector
from schema_mcp.settings import load


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = list(gc.callbacks)
    gc.unfreeze()
    yield
    gc.callbacks[:] = before
    gc.unfreeze()


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def run(collector: Collector, clock: Clock, seconds: float, generation: int = 2) -> bool:
    """One run of the garbage collector; is anything set aside after it?"""
    collector("start", {"generation": generation})
    clock.now += seconds
    collector("stop", {"generation": generation})
    return gc.get_freeze_count() > 0


@pytest.mark.parametrize(
    ("seconds", "generation", "aside"),
    [
        pytest.param(2 * LONG, 2, True, id="long"),
        pytest.param(LONG / 2, 2, False, id="short"),
        pytest.param(2 * LONG, 1, False, id="not-a-full-one"),
    ],
)
def test_what_survives_a_long_full_collection_is_set_aside(seconds: float, generation: int, aside: bool):
    clock = Clock()

    assert run(Collector(clock), clock, seconds, generation) is aside


def test_everything_is_looked_at_again_once_in_a_while():
    clock = Clock()
    collector = Collector(clock)
    assert run(collector, clock, 2 * LONG)

    clock.now += WHOLE

    assert not run(collector, clock, 2 * LONG)
    assert run(collector, clock, 2 * LONG)


def test_a_server_keeps_its_pauses_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("anyio.run", lambda *_: None)

    serving.serve(load({}, environ={"HOME": str(tmp_path)}, folder=tmp_path))

    assert any(isinstance(one, Collector) for one in gc.callbacks)
