from collections.abc import Iterator
from pathlib import Path

import pytest

from stores.ledgers import KINDS, Ledgers


@pytest.fixture(params=KINDS)
def ledgers(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledgers]:
    """Ledgers in files, and in a PostgreSQL."""
    if request.param == "sqlite":
        found = Ledgers(lambda name: tmp_path / "state" / f"{name}.sqlite")
    else:
        server = request.getfixturevalue("postgres")
        found = Ledgers(lambda _: server.new())
    yield found
    found.close()
