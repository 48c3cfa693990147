import os
from collections.abc import Iterator

import pytest

from fakes.postgres import PostgresServer

# Whoever runs the tests may sign commits, or keep passwords: none of that is asked for here.
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
