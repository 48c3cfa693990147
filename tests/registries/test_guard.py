"""The choke point: a closed registry takes no write, whatever is called and however."""

import inspect
from collections.abc import AsyncIterator
from typing import Any

import pytest

from schema_mcp.domain.errors import InvalidRequestError, NotPermittedError, ReadOnlyError
from schema_mcp.domain.schema import Mode, Reference, Schema, Subject
from schema_mcp.registries.contract import Capability, Form, Registry, TagChange
from schema_mcp.registries.guard import GuardedRegistry

ORDERS = Subject("orders-value")
WRITES: dict[str, tuple[Any, ...]] = {
    "register": (ORDERS, Schema('"string"')),
    "amend": (ORDERS, 1, TagChange()),
    "delete_version": (ORDERS, 1),
    "delete_subject": (ORDERS,),
    "delete_context": (".eu",),
    "set_config": (ORDERS, {"compatibility": "NONE"}),
    "delete_config": (ORDERS,),
    "set_mode": (ORDERS, Mode.IMPORT),
    "delete_mode": (ORDERS,),
}
READS: dict[str, tuple[Any, ...]] = {
    "info": (),
    "deployment": (),
    "types": (),
    "contexts": (),
    "subjects": (),
    "numbers": (ORDERS,),
    "version": (ORDERS, 1),
    "versions": (),
    "schema": (1,),
    "by_guid": ("00000000-0000-0000-0000-000000000000",),
    "ids": ("00000000-0000-0000-0000-000000000000",),
    "text": (ORDERS, Form.RESOLVED),
    "by_metadata": (ORDERS, {"owner": "a"}),
    "holders": (1,),
    "lookup": (ORDERS, Schema('"string"')),
    "check": (ORDERS, Schema('"string"')),
    "referrers": (ORDERS, 1),
    "config": (ORDERS,),
    "mode": (ORDERS,),
    "highest_id": (),
    "close": (),
}


class Recorder:
    """A registry that notes what it is asked."""

    name = "prod"
    capabilities = frozenset(Capability)

    def __init__(self):
        self.calls: list[str] = []
        self.options: list[dict[str, Any]] = []
        self.lacks: dict[Capability, str] = {}

    def __getattr__(self, method: str):
        def note(*args: Any, **kwargs: Any) -> None:
            self.calls.append(method)
            self.options.append(kwargs)

        async def call(*args: Any, **kwargs: Any) -> None:
            note(*args, **kwargs)

        return note if method == "versions" else call


def protocol_methods() -> set[str]:
    return {name for name, _ in inspect.getmembers(Registry, inspect.isfunction) if not name.startswith("_")}


def test_every_method_of_a_registry_is_a_read_or_a_write():
    assert protocol_methods() == READS.keys() | WRITES.keys()
    assert not READS.keys() & WRITES.keys()


@pytest.mark.parametrize("name", sorted(READS.keys() | WRITES.keys()))
def test_the_guard_has_every_method_itself_with_the_same_arguments(name: str):
    wanted = inspect.signature(getattr(Registry, name)).parameters
    given = inspect.signature(vars(GuardedRegistry)[name]).parameters

    assert [(p.name, p.kind, p.default) for p in given.values()] == [
        (p.name, p.kind, p.default) for p in wanted.values()
    ]


@pytest.mark.parametrize(("name", "arguments"), WRITES.items(), ids=WRITES)
async def test_a_closed_registry_refuses_a_write_before_the_backend_hears_of_it(name: str, arguments: tuple[Any, ...]):
    inner = Recorder()
    guarded = GuardedRegistry(inner, closed_by="the server runs with --read-only")

    with pytest.raises(ReadOnlyError) as refused:
        await getattr(guarded, name)(*arguments)

    assert inner.calls == []
    assert guarded.writes == 0
    assert "'prod'" in str(refused.value)
    assert "--read-only" in str(refused.value)
    assert refused.value.hint
    assert isinstance(refused.value, NotPermittedError)


@pytest.mark.parametrize("closed_by", ["", "registries.yaml says readonly: true"], ids=["open", "closed"])
@pytest.mark.parametrize(("name", "arguments"), READS.items(), ids=READS)
async def test_reads_pass_unchanged(name: str, arguments: tuple[Any, ...], closed_by: str):
    inner = Recorder()
    guarded = GuardedRegistry(inner, closed_by=closed_by)

    answer = getattr(guarded, name)(*arguments)
    if inspect.isawaitable(answer):
        await answer

    assert inner.calls == [name]
    assert guarded.writes == 0


async def test_an_open_registry_takes_writes_and_counts_them():
    inner = Recorder()
    guarded = GuardedRegistry(inner)

    for name, arguments in WRITES.items():
        await getattr(guarded, name)(*arguments)

    assert inner.calls == list(WRITES)
    assert guarded.writes == len(WRITES)
    assert guarded.closed_by == ""


async def test_options_reach_the_backend():
    inner = Recorder()
    guarded = GuardedRegistry(inner)

    await guarded.register(ORDERS, Schema("{}"), schema_id=7, number=3, normalize=True)
    await guarded.set_mode(ORDERS, Mode.IMPORT, force=True)
    await guarded.delete_subject(ORDERS, permanent=True)
    await guarded.delete_mode(ORDERS, recursive=True)
    await guarded.check(ORDERS, Schema("{}"), number=1, normalize=True)
    await guarded.referrers(ORDERS, 1, deleted=True)
    await guarded.text(ORDERS, Form.RESOLVED, 1, deleted=True)
    await guarded.by_metadata(ORDERS, {"a": "b"}, deleted=True)
    guarded.versions(context=".eu", prefix="a", deleted=True, latest_only=True)

    assert inner.options == [
        {"schema_id": 7, "number": 3, "normalize": True},
        {"force": True},
        {"permanent": True},
        {"recursive": True},
        {"number": 1, "normalize": True},
        *[{"deleted": True}] * 3,
        {"context": ".eu", "prefix": "a", "deleted": True, "latest_only": True},
    ]


async def test_a_backends_own_listing_is_handed_on():
    class Listing(Recorder):
        async def versions(self, **wanted: Any) -> AsyncIterator[int]:
            yield 1

    assert [one async for one in GuardedRegistry(Listing()).versions()] == [1]


EU = Subject("orders-value", ".eu")
BEYOND: dict[Capability, tuple[str, tuple[Any, ...], dict[str, Any]]] = {
    Capability.KEEPS_IDS: ("register", (ORDERS, Schema('"int"')), {"schema_id": 7}),
    Capability.MODES: ("set_mode", (ORDERS, Mode.IMPORT), {}),
    Capability.CONTEXTS: ("register", (EU, Schema('"int"')), {}),
    Capability.CONTEXT_REMOVAL: ("delete_context", (".eu",), {}),
    Capability.METADATA: ("register", (ORDERS, Schema('"int"', metadata={})), {}),
    Capability.RULES: ("register", (ORDERS, Schema('"int"', rule_set={})), {}),
    Capability.REFERENCES: ("register", (ORDERS, Schema('"int"', references=(Reference("A", "a", 1),))), {}),
    Capability.CONFIG: ("set_config", (ORDERS, {"compatibility": "FULL"}), {}),
    Capability.CONFIG_FIELDS: ("set_config", (ORDERS, {"alias": "other"}), {}),
    Capability.ODD_NAMES: ("register", (Subject("shop/order.proto"), Schema('"int"')), {}),
    Capability.STARS: ("delete_subject", (Subject("orders-*"),), {}),
    Capability.TAGS: ("amend", (ORDERS, 1, TagChange()), {}),
    Capability.FORMS: ("text", (ORDERS, Form.RESOLVED), {}),
    Capability.PAST_REFERRERS: ("referrers", (ORDERS,), {"deleted": True}),
    Capability.RECURSION: ("delete_mode", (ORDERS,), {"recursive": True}),
}


@pytest.mark.parametrize(("capability", "write"), BEYOND.items(), ids=BEYOND)
async def test_what_a_product_would_lose_is_refused_before_the_backend_hears_of_it(
    capability: Capability, write: tuple[str, tuple[Any, ...], dict[str, Any]]
):
    method, arguments, options = write
    able, unable = Recorder(), Recorder()
    unable.capabilities = frozenset(Capability) - {capability}
    unable.lacks = {capability: "its own words"}

    await getattr(GuardedRegistry(able), method)(*arguments, **options)
    with pytest.raises(InvalidRequestError, match=r"prod cannot give .*its own words") as refused:
        await getattr(GuardedRegistry(unable), method)(*arguments, **options)

    assert able.calls == [method]
    assert unable.calls == []
    assert refused.value.hint
