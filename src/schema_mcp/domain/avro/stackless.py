"""Recursion without the call stack: schemas nest deeper than Python's stack is high."""

from collections.abc import Generator, Iterable
from typing import Any, TypeAlias, TypeVar

T = TypeVar("T")

Steps: TypeAlias = Generator[Generator[Any, Any, Any], Any, T]
"""A recursive function written as a generator: it yields the calls it would make and gets their results."""


def run(steps: Steps[T]) -> T:
    """Carry out `steps` and every call it yields, on a list instead of the stack."""
    calls: list[Generator[Any, Any, Any]] = [steps]
    result: Any = None
    while calls:
        try:
            call = calls[-1].send(result)
        except StopIteration as end:
            calls.pop()
            result = end.value
        else:
            calls.append(call)
            result = None
    return result


def each(calls: Iterable[Steps[T]]) -> Steps[list[T]]:
    """Make calls one after the other and collect their results."""
    results: list[T] = []
    for call in calls:
        results.append((yield call))  # noqa: PERF401 a comprehension cannot yield
    return results
