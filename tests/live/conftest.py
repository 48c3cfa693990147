"""Real products for the tests marked `live`: started here, on loopback, unless one is given by URL.

`SCHEMA_MCP_LIVE_URL` names a registry to use instead, `SCHEMA_MCP_LIVE_BACKEND` its backend (`confluent` otherwise).
"""

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pytest

from live.products import apicurio as apicurio_product
from live.products import axonops as axonops_product
from live.products import kafka as kafka_product
from live.products.process import NotRunError
from live.record import Run, Session

SESSION = pytest.StashKey[Session]()
GIVEN_URL = os.environ.get("SCHEMA_MCP_LIVE_URL", "")
GIVEN_BACKEND = os.environ.get("SCHEMA_MCP_LIVE_BACKEND", "confluent")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """The offline suite does not even import what is here."""
    return None if "live" in config.getoption("markexpr") else True


def pytest_configure(config: pytest.Config) -> None:
    config.stash[SESSION] = Session()


@pytest.fixture(scope="session")
def session(request: pytest.FixtureRequest) -> Session:
    return request.config.stash[SESSION]


@contextmanager
def _started(session: Session, product: ModuleType, folder: Path) -> Generator[str]:
    name = f"{product.NAME} {product.VERSION}"
    if GIVEN_URL:
        session.not_run[name] = "another registry was given by URL"
        pytest.skip(session.not_run[name])
    try:
        with product.started(folder) as address:
            yield address
    except NotRunError as error:
        session.not_run[name] = str(error)
        pytest.skip(f"{name}: {error}")


@pytest.fixture(scope="session")
def apicurio(session: Session, tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    with _started(session, apicurio_product, tmp_path_factory.mktemp("apicurio")) as address:
        yield address


@pytest.fixture(scope="session")
def axonops(session: Session, tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    with _started(session, axonops_product, tmp_path_factory.mktemp("axonops")) as address:
        yield address


@pytest.fixture(scope="session")
def kafka(session: Session, tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    with _started(session, kafka_product, tmp_path_factory.mktemp("kafka")) as address:
        session.runs["kafka"] = Run("kafka", kafka_product.NAME, kafka_product.VERSION)
        yield address


@pytest.fixture(scope="session")
def given(session: Session) -> str:
    if not GIVEN_URL:
        pytest.skip("SCHEMA_MCP_LIVE_URL names no registry")
    return GIVEN_URL


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, pytest.TestReport]:
    report = yield
    key = getattr(getattr(item, "cls", None) or getattr(item, "module", None), "key", None)
    run = item.config.stash[SESSION].runs.get(key) if key else None
    if run and (report.when == "call" or report.outcome != "passed"):
        run.tests[item.name] = "not claimed" if report.skipped else report.outcome
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    live = session.config.stash[SESSION]
    if session.testscollected and not live.registries and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    if session.exitstatus == pytest.ExitCode.OK and not session.config.getoption("keyword"):
        for run in live.runs.values():
            if run.key != "given":
                run.keep()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    live = config.stash[SESSION]
    if live.runs or live.not_run:
        terminalreporter.section("real products")
        for line in live.summary():
            terminalreporter.write_line(line)
        if not live.registries:
            terminalreporter.write_line("No real registry ran: that counts as a failure.")
