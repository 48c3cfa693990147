"""Taking back from products that can do less: those that spell texts in their own way, and those that hang up."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from anyio import to_thread

from fakes.confluent import FakeConfluent
from schema_mcp.domain.errors import NotFoundError, StalePlanError
from schema_mcp.domain.schema import Reference, Schema, SchemaType, Subject, Version
from schema_mcp.registries.contract import Capability
from schema_mcp.services import packing, rollback
from schema_mcp.stores.journal import Journal, Run, Status
from services.confluent import reached_over_rest
from services.moves import taken_back, using
from services.world import V1, V2, World, record

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ODD = V2.replace(",", " ,\n ")
PROTO = 'syntax = "proto3";\n// Money.\nmessage Money { string unit = 1; }\n'
USED = (Reference("shop.Customer", "customers", 1),)


class Spelling(FakeConfluent):
    """A product that makes texts its own when it takes them."""

    def __init__(self, respelled: Callable[[str], str], *lacks: Capability) -> None:
        super().__init__(lacks=frozenset(lacks))
        self.respelled = respelled

    def cut(self, body: dict[str, Any]) -> dict[str, Any]:
        cut = super().cut(body)
        return cut | {"schema": self.respelled(cut["schema"])} if cut["schemaType"] == "AVRO" else cut


def printed_anew(text: str) -> str:
    return json.dumps(json.loads(text), indent=1)


def as_sent(text: str) -> str:
    return text


def first_met() -> Callable[[str], str]:
    """The spelling in which a content was met first, as AxonOps has it."""
    met: dict[str, str] = {json.dumps(json.loads(V1)): V1.replace(":", " : ")}
    return lambda text: met.setdefault(json.dumps(json.loads(text)), text)


PRODUCTS = [
    pytest.param(Spelling(as_sent), id="it keeps what is sent"),
    pytest.param(Spelling(printed_anew), id="it prints anew"),
    pytest.param(Spelling(first_met()), id="it keeps the first spelling"),
    pytest.param(
        Spelling(printed_anew, Capability.KEEPS_IDS, Capability.MODES), id="it prints anew and numbers itself"
    ),
]


@pytest.fixture
def bundle(world: World) -> Path:
    """A backup in which texts are spelled as somebody wrote them."""
    orders, customers = Subject("orders"), Subject("customers")
    versions = [
        Version(customers, 1, 7, Schema(record("id:long", name="Customer"))),
        Version(orders, 1, 8, Schema(V1)),
        Version(orders, 2, 9, Schema(ODD)),
        Version(Subject("bills"), 1, 10, Schema(using("Bill").text.replace(":", ": "), SchemaType.AVRO, USED)),
        Version(Subject("money"), 1, 11, Schema(PROTO, SchemaType.PROTOBUF)),
    ]
    world.workspace.exports.mkdir(parents=True)
    path = world.workspace.exports / "backup.zip"
    path.write_bytes(packing.bundle("dev", versions, [], NOW, "zip"))
    return path


async def brought_in(world: World, fake: FakeConfluent) -> tuple[World, Run]:
    over = reached_over_rest(world, {"far": fake})
    terms = {"path": "backup.zip", "registry": "far", "keep_ids": Capability.KEEPS_IDS not in fake.lacks}
    seen: Any = await over.read("import_schemas", terms)
    done: Any = await over.read("import_schemas", terms | {"plan": seen.preview.plan})
    assert done.task.status is Status.SUCCEEDED, done.task
    assert sorted(fake.subjects) == ["bills", "customers", "money", "orders"]
    return over, (await over.ground.journal.runs(limit=1))[0]


@pytest.mark.parametrize("fake", PRODUCTS)
async def test_it_is_taken_back_though_the_file_is_gone(world: World, bundle: Path, fake: Spelling):
    over, run = await brought_in(world, fake)
    await to_thread.run_sync(bundle.unlink)

    await taken_back(over, run)

    assert [name for name, versions in fake.subjects.items() if versions] == []


async def test_what_somebody_else_put_there_since_is_never_taken_away(world: World, bundle: Path):
    fake = Spelling(printed_anew)
    over, run = await brought_in(world, fake)
    fake.subjects["orders"][2].body["schema"] = printed_anew(record("id:long", "other:string="))

    plan = await rollback.plan(over.ground, run.task)

    assert [(one.subject.name, one.number, one.reason) for one in plan.blocked] == [
        ("orders", 2, "it holds other content by now")
    ]
    assert plan.steps == ()


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        pytest.param(lambda path: None, None, id="the file is there"),
        pytest.param(Path.unlink, NotFoundError, id="the file is gone"),
        pytest.param(
            lambda path: path.write_bytes(packing.bundle("x", [], [], NOW, "zip")), StalePlanError, id="another"
        ),
    ],
)
async def test_what_was_never_read_back_is_known_by_the_file(
    world: World,
    bundle: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Path], object],
    refused: type[Exception] | None,
):
    async def forgotten(*_: Any) -> None:
        pass

    monkeypatch.setattr(Journal, "note", forgotten)
    over, run = await brought_in(world, Spelling(printed_anew))
    change(bundle)

    if refused is None:
        await taken_back(over, run)
    else:
        with pytest.raises(refused):
            await rollback.plan(over.ground, run.task)


class HangingUp(httpx2.ASGITransport):
    """A product that closes the connection at a certain deletion, before or after it did what was asked."""

    def __init__(self, fake: FakeConfluent, at: int, *, done: bool) -> None:
        super().__init__(fake)
        self.lacks = fake.lacks
        self.left, self.done = at, done

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.left -= request.method == "DELETE"
        if self.left or request.method != "DELETE":
            return await super().handle_async_request(request)
        if self.done:
            await super().handle_async_request(request)
        raise httpx2.RemoteProtocolError("Server disconnected without sending a response.", request=request)


@pytest.mark.parametrize("done", [False, True], ids=["before it did it", "after it did it"])
@pytest.mark.parametrize("at", [1, 2, 3, 4])
async def test_a_product_that_hangs_up_in_the_middle_is_told_and_the_rest_is_taken_back_later(
    world: World, at: int, done: bool
):
    fake = FakeConfluent(lacks=frozenset({Capability.KEEPS_IDS, Capability.MODES}))
    over = reached_over_rest(world, {"dev": FakeConfluent(), "far": HangingUp(fake, at, done=done)})
    for text in (V1, V2):
        await over.registry("dev").register(Subject("orders"), Schema(text))
    ends = {"source": "dev", "target": "far", "keep_ids": False}
    shown: Any = await over.read("migrate_schemas", ends)
    moved: Any = await over.read("migrate_schemas", ends | {"plan": shown.plan})

    undo: Any = await over.read("rollback_change", {"task": moved.task})
    stopped: Any = await over.read("rollback_change", {"task": moved.task, "plan": undo.preview.plan})
    [registry] = stopped.task.registries
    again: Any = await over.read("rollback_change", {"task": moved.task})
    if again.preview.plan:  # else it had done the last of it
        ended: Any = await over.read("rollback_change", {"task": moved.task, "plan": again.preview.plan})
        assert ended.task.status is Status.SUCCEEDED

    assert (stopped.task.status, registry.code) == (Status.FAILED, "registry_error")
    assert registry.hint
    assert stopped.task.next
    assert [name for name, versions in fake.subjects.items() if versions] == []
