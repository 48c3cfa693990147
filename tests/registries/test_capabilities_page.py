"""The page about real products says what the committed results say, and the results know the whole contract."""

import inspect

import pytest

from live import page
from live.record import Run, kept
from schema_mcp.registries.contract import Capability
from schema_mcp.testing.registry_contract import RegistryContract

REGISTRIES = [run for run in kept() if run.backend]


def test_the_page_is_current():
    assert page.PAGE.read_text(encoding="utf-8") == page.rendered(kept()), "run `python -m tests.live.page`"


def test_at_least_one_real_registry_was_run():
    assert REGISTRIES


@pytest.mark.parametrize("run", REGISTRIES, ids=lambda run: run.key)
def test_every_test_of_the_contract_was_run(run: Run):
    contract = {name for name, _ in inspect.getmembers(RegistryContract, inspect.isfunction) if name[:5] == "test_"}

    assert {name.partition("[")[0] for name in run.tests} == contract, "run `make live`"


@pytest.mark.parametrize("run", REGISTRIES, ids=lambda run: run.key)
def test_what_is_claimed_passed(run: Run):
    assert set(run.tests.values()) <= {"passed", "not claimed"}
    for capability in set(Capability) - page.dialect_of(run.backend).lacks.keys():
        ended = {run.tests.get(name, "missing") for name in page.needing(capability)}
        assert "passed" in ended, capability
