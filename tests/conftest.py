import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.postgres import PostgresServer
from stores.ledgers import KINDS, Ledgers

# Whoever runs the tests may sign commits, or keep passwords: none of that is asked for here.
os.environ.pop("DATABASE_URL", None)
os.environ |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL of this test process."""
    server = PostgresServer()
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture(params=KINDS)
def ledgers(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledgers]:
    """Ledgers in files, and in a PostgreSQL."""
    if request.param == "sqlite":
        found = Ledgers(lambda name: tmp_path / "state" / f"{name}.sqlite")
    else:
        server: PostgresServer = request.getfixturevalue("postgres")
        found = Ledgers(lambda _: server.new())
    yield found
    found.close()
