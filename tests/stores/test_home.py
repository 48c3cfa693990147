"""A store that nobody has written to yet: it reads as empty, and its repository is made by the first write."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from schema_mcp import app
from schema_mcp.domain.errors import ConflictError, SchemaMcpError
from schema_mcp.domain.identity import schema_hash
from schema_mcp.settings import load
from schema_mcp.stores.home import Home
from schema_mcp.stores.schemastore import AddVersion, SchemaStore
from schema_mcp.toolkit.call import call
from schema_mcp.tools import CATALOGUE
from stores.judge import ANN, ORDERS, agrees, git, stored

V1 = '{"type": "record", "name": "Order", "fields": []}'


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "store"


def store_at(place: Path) -> SchemaStore:
    return SchemaStore(Home(place), schema_hash)


READS: dict[str, Callable[[SchemaStore], Any]] = {
    "refresh": lambda store: store.refresh(),
    "fetch": lambda store: store.fetch(),
    "log": lambda store: store.log("default/orders-value"),
    "proposal": lambda store: store.proposal("review"),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
async def test_a_read_makes_no_repository(place: Path, read: Callable[[SchemaStore], Any]):
    store = store_at(place)

    await read(store)

    assert (store.head, store.subjects(), store.findings(), store.root) == (None, [], [], "SCHEMASTORE")
    assert not place.parent.exists()


async def test_the_first_write_makes_it_and_everybody_sees_it(place: Path):
    store, other = store_at(place), store_at(place)
    await other.refresh()

    await store.commit([AddVersion(stored())], "Add", ANN)
    await other.refresh()

    assert store.history(ORDERS) == other.history(ORDERS) == [stored()]
    assert [one.message for one in await other.log()] == ["Add\n"]
    assert agrees(store.repository)


async def test_first_writes_at_once_make_one_repository(place: Path):
    stores = [store_at(place) for _ in range(4)]

    async with anyio.create_task_group() as crowd:
        for number, store in enumerate(stores, start=1):
            crowd.start_soon(store.commit, [AddVersion(stored(number=number))], "Add", ANN)

    await stores[0].refresh()
    assert [one.number for one in stores[0].records(ORDERS)] == [1, 2, 3, 4]
    assert agrees(stores[0].repository)


async def test_a_proposal_for_a_store_that_does_not_exist_is_refused(place: Path):
    with pytest.raises(ConflictError, match="no commit yet"):
        await store_at(place).commit([AddVersion(stored())], "Add", ANN, branch="review")


async def test_a_repository_around_the_place_is_not_taken_for_it(tmp_path: Path, place: Path):
    git(tmp_path, "init", "-q", "folder")
    store = store_at(place)
    await store.refresh()
    assert git(place.parent, "status", "--porcelain") == ""

    await store.commit([AddVersion(stored())], "Add", ANN)

    assert store.repository.root == place
    assert git(place.parent, "log", fails=True) == ""


PLAIN_READS = [
    tool for tool in CATALOGUE.values()
    if not tool.writes and not any(field.is_required() for field in tool.request.model_fields.values())
]  # fmt: skip


async def test_with_nothing_configured_no_tool_that_reads_makes_a_store(tmp_path: Path):
    settings = load({"toolsets": "all"}, environ={"XDG_DATA_HOME": str(tmp_path)}, folder=Path("/"))
    answered = 0
    async with app.workspace(settings, patience=None) as workspace:

        async def ask(tool: str, **arguments: Any) -> None:
            await call(CATALOGUE[tool], arguments, caller=workspace.caller, workspace=workspace)

        for tool in PLAIN_READS:
            try:
                await ask(tool.name)
                answered += 1
            except SchemaMcpError:
                continue
        assert answered > 10
        assert not settings.store.exists()

        await ask("register_schema", subject="orders-value", schema_text=V1)
        assert git(settings.store, "rev-list", "--count", "main") == "1"


async def test_the_registries_file_says_how_commits_are_signed(tmp_path: Path):
    (tmp_path / "registries.yaml").write_text(
        "registries: { dev: {} }\nstore: { sign: ssh, key: keys/none }\n", encoding="utf-8"
    )
    async with app.workspace(load({}, folder=tmp_path), patience=None) as workspace:
        with pytest.raises(SchemaMcpError, match=f"could not be signed.*{tmp_path}/keys/none"):
            await call(
                CATALOGUE["register_schema"],
                {"subject": "orders-value", "schema_text": V1},
                caller=workspace.caller,
                workspace=workspace,
            )


async def test_a_copy_of_an_upstream_for_ourselves_takes_whatever_is_beside_the_store(tmp_path: Path):
    git(tmp_path, "init", "-q", "-b", "main", "theirs")
    (tmp_path / "theirs" / "link").symlink_to("/etc")
    git(tmp_path / "theirs", "add", "link")
    git(tmp_path / "theirs", "commit", "-q", "-m", "Link")
    git(tmp_path, "clone", "-q", "--bare", "theirs", "upstream.git")
    (tmp_path / "registries.yaml").write_text(
        f"registries: {{ dev: {{}} }}\nremote: {tmp_path}/upstream.git\n", encoding="utf-8"
    )
    async with app.workspace(load({}, folder=tmp_path), patience=None) as workspace:
        arguments = {"subject": "orders-value", "schema_text": V1}
        await call(CATALOGUE["register_schema"], arguments, caller=workspace.caller, workspace=workspace)

    assert "SCHEMASTORE/default/orders-value/v1/schema.avsc" in git(
        tmp_path / "upstream.git", "ls-tree", "-r", "--name-only", "main"
    )
