from collections.abc import Iterator

import pytest

from fakes.postgres import PostgresServer


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL of this test process."""
    server = PostgresServer()
    try:
        server.start()
        yield server
    finally:
        server.close()
