"""Write `docs/reference/capabilities.md` from what the products really did; `python -m tests.live.page`."""

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

from schema_mcp.registries.contract import Capability
from schema_mcp.registries.dialects import DIALECTS, Dialect
from schema_mcp.testing.registry_contract import RegistryContract

sys.path.insert(0, str(Path(__file__).parents[1]))
from live.record import Run, kept

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "capabilities.md"
HEAD = """\
<!-- Written by `make live` from the results in tests/live/results; run it again to change it. -->
# What each registry product can do

A capability is what a registry does and keeps; plans, tools and the guard in front of every write look at it, so that
what a product would refuse or lose is refused before anything is sent. Each is defined by tests of the contract that
every backend inherits, and a fake registry that lacks it fails at least one of them.

**yes (n)**: all n tests of it passed on the running product. **no**: the dialect denies it, and a test of it failed
on the running product when it was claimed nevertheless. *yes*, *no*: not run, taken from documentation or recorded
answers; a capability that neither of them shows is denied.

"""


def needing(capability: Capability) -> list[str]:
    """The tests of the contract that a registry is put to only when it claims this."""
    tests = inspect.getmembers(RegistryContract, inspect.isfunction)
    return [name for name, test in tests if capability in getattr(test, "needs", ())]


def rendered(runs: list[Run]) -> str:
    registries = [run for run in runs if run.backend]
    others = [run for run in runs if not run.backend]
    parts = [*_who_ran(registries), *_beside(others), "", *_table(registries), "", *_reasons()]
    return HEAD + "\n".join([*parts, ""])


def _who_ran(runs: list[Run]) -> Iterator[str]:
    yield "## What was run\n"
    for run in runs:
        counts = [f"{list(run.tests.values()).count(how)} {how}" for how in ("passed", "not claimed", "failed")]
        yield f"- **{run.title}**, `backend: {run.backend}`, {run.date}: {', '.join(counts)}"
    ran = {run.backend for run in runs}
    for dialect in DIALECTS:
        if dialect.backend not in ran:
            yield f"- {dialect.product}, `backend: {dialect.backend}`: not run here; {_BASIS[dialect.backend]}"


def _beside(runs: list[Run]) -> Iterator[str]:
    yield "\nBeside the contract:\n"
    for run in runs:
        yield f"- **{run.title}**, {run.date}"
        yield from (f"  - {_in_words(name)}: {how}" for name, how in run.tests.items())


def _in_words(test: str) -> str:
    name, _, case = test.removeprefix("test_").replace("_", " ").partition("[")
    return f"{name} ({case.removesuffix(']')})" if case else name


_BASIS = {
    "confluent": "the client is held against recorded answers of 8.1.5, served by the embedded registry",
    "karapace": "its dialect rests on recorded answers of 6.2.0",
    "redpanda": "its dialect rests on its documentation",
    "apicurio": "it could not be had",
    "axonops": "it could not be had",
}


def _table(runs: list[Run]) -> Iterator[str]:
    ran = {run.backend for run in runs}
    said = [dialect for dialect in DIALECTS if dialect.backend not in ran]
    heads = [run.title for run in runs] + [f"{dialect.product} (not run)" for dialect in said]
    yield "## The table\n"
    yield "| capability | " + " | ".join(heads) + " |"
    yield "|---|" + "---|" * len(heads)
    for capability in Capability:
        cells = [_measured(run, capability) for run in runs] + [_said(dialect, capability) for dialect in said]
        yield f"| `{capability}` | " + " | ".join(cells) + " |"


def _measured(run: Run, capability: Capability) -> str:
    outcomes = [run.tests.get(name, "missing") for name in needing(capability)]
    if capability in dialect_of(run.backend).lacks:
        return "no"
    # A test may need more than one capability: it is skipped where another is lacking.
    ran = [outcome for outcome in outcomes if outcome != "not claimed"]
    return f"yes ({len(ran)})" if ran and set(ran) == {"passed"} else "**failed**"


def _said(dialect: Dialect, capability: Capability) -> str:
    return "*no*" if capability in dialect.lacks else "*yes*"


def dialect_of(backend: str) -> Dialect:
    return next(dialect for dialect in DIALECTS if dialect.backend == backend)


def _reasons() -> Iterator[str]:
    yield "## What they do instead\n"
    for dialect in DIALECTS:
        for capability, reason in dialect.lacks.items():
            yield f"- {dialect.product}, `{capability}`: {reason}."


if __name__ == "__main__":
    PAGE.write_text(rendered(kept()), encoding="utf-8")
