"""What a caller may do in a registry: refused or left out below every tool, whatever road leads there."""

import inspect
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema_mcp.domain.caller import Bound, Caller, Grant, Reach, Scope, fits, with_implied
from schema_mcp.domain.engine import Whole
from schema_mcp.domain.errors import NotPermittedError, ReadOnlyError
from schema_mcp.domain.identity import guid_of
from schema_mcp.domain.schema import Mode, Reference, Schema, SchemaType, Subject
from schema_mcp.registries.contract import Connection, Form, Registry, TagChange
from schema_mcp.registries.fleet import Fleet
from schema_mcp.registries.guard import GuardedRegistry
from schema_mcp.registries.permits import PermittedRegistry
from schema_mcp.registries.plugins import open_registry
from schema_mcp.services.resolution import in_registry, registered_whole

ORDERS, PAYMENTS, EU_ORDERS = Subject("orders-value"), Subject("payments-value"), Subject("orders-value", ".eu")
PLACES = (ORDERS, PAYMENTS, EU_ORDERS)
SCHEMA = Schema('{"type":"record","name":"Order","fields":[]}', SchemaType.AVRO)


def caller(*grants: Grant) -> Caller:
    return Caller("ann", "ann@example.com", with_implied(one.scope for one in grants), grants=grants)


@pytest.fixture
async def fleet(tmp_path: Path) -> AsyncIterator[Fleet]:
    bounds = {"prod": Bound(Scope.WRITE, deny=("payments-*",))}
    connections = [Connection(name, path=tmp_path / f"{name}.sqlite") for name in ("dev", "prod")]
    fleet = Fleet(connections, default="dev", opener=open_registry, bounds=bounds)
    for name in fleet.names:
        for place in PLACES:
            await fleet.get(name).register(place, SCHEMA)
    yield fleet
    await fleet.close()


READER = caller(Grant(Scope.READ, Reach(frozenset({"dev"}), subjects=("orders-*",))))


async def test_lists_leave_out_what_was_not_granted(fleet: Fleet):
    mine = fleet.permitted(READER, Scope.READ)

    assert mine.names == ["dev"]
    assert await mine.get("dev").subjects() == [EU_ORDERS, ORDERS]
    assert [one.subject async for one in mine.reading("dev").versions()] == [EU_ORDERS, ORDERS]
    assert [one for one, _ in await mine.get().holders(1)] == [ORDERS]


async def test_ids_of_a_content_are_told_where_a_version_of_it_may_be_read(fleet: Fleet):
    content = guid_of(SCHEMA)
    only_eu = fleet.permitted(caller(Grant(Scope.READ, Reach(contexts=frozenset({".eu"})))), Scope.READ).get("dev")
    nobody = fleet.permitted(caller(Grant(Scope.READ, Reach(subjects=("other-*",)))), Scope.READ).get("dev")

    assert await fleet.get("dev").ids(content) == {".": 1, ".eu": 1}
    assert await only_eu.ids(content) == {".eu": 1}
    assert await nobody.ids(content) == {}


async def test_another_form_does_not_tell_what_the_caller_may_not_read(fleet: Fleet):
    text = '{"type":"record","name":"Cart","fields":[{"name":"order","type":"Order"}]}'
    cart = Schema(text, references=(Reference("Order", PAYMENTS.name, 1),))
    await fleet.get("dev").register(Subject("orders-cart"), cart)
    mine = fleet.permitted(READER, Scope.READ).get("dev")

    assert '"fields":[]' in str(await fleet.get("dev").text(Subject("orders-cart"), Form.RESOLVED))
    with pytest.raises(NotPermittedError):
        await mine.text(Subject("orders-cart"), Form.RESOLVED)
    assert await mine.text(ORDERS, Form.RESOLVED) == SCHEMA.text


async def test_a_context_that_was_not_granted_is_not_there(fleet: Fleet):
    mine = fleet.permitted(caller(Grant(Scope.READ, Reach(contexts=frozenset({".eu"})))), Scope.READ).get("dev")

    assert await mine.contexts() == [".eu"]
    assert await mine.subjects() == [EU_ORDERS]
    assert await mine.schema(1, context=".eu") is not None
    with pytest.raises(NotPermittedError):
        await mine.schema(1)
    with pytest.raises(NotPermittedError):
        await mine.config(Subject(""))


async def test_an_id_tells_nothing_about_subjects_that_were_not_granted(fleet: Fleet):
    await fleet.get("dev").register(Subject("pay"), Schema('{"type":"record","name":"Pay","fields":[]}'))
    mine = fleet.permitted(READER, Scope.READ).get("dev")

    assert await mine.schema(1) is not None
    assert await mine.schema(2) is None


async def test_a_guid_tells_nothing_about_subjects_that_were_not_granted(fleet: Fleet):
    secret = Schema('{"type":"record","name":"Pay","fields":[]}')
    await fleet.get("dev").register(Subject("pay"), secret)
    mine = fleet.permitted(READER, Scope.READ).get("dev")
    owner = fleet.permitted(Caller("root", "root@example.com", Scope.ADMIN.implied), Scope.READ).get("dev")

    assert await mine.by_guid(guid_of(SCHEMA)) == SCHEMA
    assert await mine.by_guid(guid_of(secret)) is None
    assert await owner.by_guid(guid_of(secret)) == secret


async def test_a_registry_that_was_not_granted_is_refused_by_name(fleet: Fleet):
    with pytest.raises(NotPermittedError) as refused:
        fleet.permitted(READER, Scope.READ).get("prod")

    assert refused.value.details["layer"] == "grant"
    assert "access.yaml" in refused.value.hint


CALLS: dict[str, tuple[Any, ...]] = {
    "numbers": (PAYMENTS,),
    "version": (PAYMENTS,),
    "lookup": (PAYMENTS, SCHEMA),
    "check": (PAYMENTS, SCHEMA),
    "referrers": (PAYMENTS,),
    "text": (PAYMENTS, Form.RESOLVED),
    "by_metadata": (PAYMENTS, {}),
    "config": (PAYMENTS,),
    "mode": (PAYMENTS,),
    "register": (PAYMENTS, SCHEMA),
    "amend": (PAYMENTS, 1, TagChange()),
    "delete_version": (PAYMENTS, 1),
    "delete_subject": (PAYMENTS,),
    "delete_context": (".eu",),
    "set_config": (PAYMENTS, {"compatibility": "NONE"}),
    "delete_config": (PAYMENTS,),
    "set_mode": (PAYMENTS, Mode.READONLY),
    "delete_mode": (PAYMENTS,),
}
"""Every call about a place, with arguments that a caller who was granted `orders-*` must not get through."""


@pytest.mark.parametrize("name", CALLS)
async def test_what_was_not_granted_is_refused_by_name(fleet: Fleet, name: str):
    mine = fleet.permitted(caller(Grant(Scope.ADMIN, Reach(subjects=("orders-*",)))), Scope.ADMIN).get("dev")

    with pytest.raises(NotPermittedError):
        await getattr(mine, name)(*CALLS[name])
    assert fleet.get("dev").writes == len(PLACES)


def test_no_method_of_a_registry_was_forgotten():
    methods = {name for name, one in vars(Registry).items() if inspect.isfunction(one) and not name.startswith("_")}
    nothing_of_a_place = {"info", "deployment", "types", "highest_id"}

    assert methods - nothing_of_a_place <= set(vars(PermittedRegistry))
    assert methods <= set(vars(GuardedRegistry))


@pytest.mark.parametrize(
    ("held", "asks", "deed", "allowed"),
    [
        pytest.param(Scope.READ, Scope.WRITE, "register", False, id="reader-registers"),
        pytest.param(Scope.WRITE, Scope.WRITE, "register", True, id="writer-registers"),
        pytest.param(Scope.WRITE, Scope.READ, "register", True, id="a-writer-through-any-tool"),
        pytest.param(Scope.READ, Scope.READ, "register", False, id="a-reader-through-no-tool"),
        pytest.param(Scope.WRITE, Scope.WRITE, "set_mode", True, id="a-registration-switches-the-mode"),
        pytest.param(Scope.WRITE, Scope.ADMIN, "set_mode", False, id="writer-through-a-tool-for-admins"),
        pytest.param(Scope.WRITE, Scope.WRITE, "delete_subject", False, id="writer-deletes"),
        pytest.param(Scope.ADMIN, Scope.ADMIN, "delete_subject", True, id="admin-deletes"),
    ],
)
async def test_a_deed_needs_the_scope_of_its_tool_at_its_place(
    fleet: Fleet, held: Scope, asks: Scope, deed: str, allowed: bool
):
    elsewhere = Grant(Scope.ADMIN, Reach(frozenset({"prod"})))
    mine = fleet.permitted(caller(elsewhere, Grant(held, Reach(frozenset({"dev"})))), asks).get("dev")

    if allowed:
        await getattr(mine, deed)(*(PAYMENTS, *CALLS[deed][1:]))
    else:
        with pytest.raises(NotPermittedError):
            await getattr(mine, deed)(*(PAYMENTS, *CALLS[deed][1:]))


async def test_what_bounds_a_registry_holds_for_its_owner_too(fleet: Fleet):
    owner = Caller("root", "root@example.com", Scope.ADMIN.implied)
    prod = fleet.permitted(owner, Scope.ADMIN).get("prod")

    with pytest.raises(NotPermittedError) as denied:
        await prod.register(PAYMENTS, SCHEMA)
    with pytest.raises(NotPermittedError):
        await prod.delete_subject(ORDERS)
    assert denied.value.details["layer"] == "limit"
    assert await prod.subjects() == [EU_ORDERS, ORDERS]


async def test_a_whole_context_is_not_cleared_around_a_subject_that_is_denied(fleet: Fleet):
    fleet.bounds = {"dev": Bound(deny=("payments-*",))}
    owner = Caller("root", "root@example.com", Scope.ADMIN.implied)

    with pytest.raises(NotPermittedError):
        await fleet.permitted(owner, Scope.ADMIN).get("dev").delete_context(".")


async def test_read_only_beats_every_grant(tmp_path: Path):
    closed = Connection("dev", path=tmp_path / "dev.sqlite", readonly=True)
    fleet = Fleet([closed], default="dev", opener=open_registry)

    with pytest.raises(ReadOnlyError):
        await fleet.permitted(caller(Grant(Scope.ADMIN)), Scope.ADMIN).get("dev").register(ORDERS, SCHEMA)
    assert fleet.permitted(caller(Grant(Scope.ADMIN)), Scope.ADMIN).writable == []
    await fleet.close()


async def test_the_server_itself_goes_by_no_grant(fleet: Fleet):
    assert fleet.permitted(READER, Scope.READ).whole is fleet
    assert await fleet.permitted(READER, Scope.READ).whole.get("prod").subjects() == sorted(PLACES, key=str)


@pytest.mark.parametrize(
    ("pattern", "name", "same"),
    [
        pytest.param("orders", "orders", True, id="itself"),
        pytest.param("orders", "orders-value", False, id="no-star-no-more"),
        pytest.param("orders-*", "orders-", True, id="a-star-is-also-nothing"),
        pytest.param("*-value", "orders-value", True, id="ending"),
        pytest.param("a*a", "a", False, id="both-ends-need-room"),
        pytest.param("a*b*c", "a-b-b-c", True, id="middle"),
        pytest.param("a*b*c", "a-c-b", False, id="wrong-order"),
        pytest.param("[ab]?", "a1", False, id="nothing-else-is-special"),
        pytest.param("Orders", "orders", False, id="case"),
        pytest.param("*", "", True, id="everything"),
    ],
)
def test_a_pattern_knows_one_star(pattern: str, name: str, same: bool):
    assert fits(pattern, name) is same


@given(st.lists(st.text("ab", max_size=3), min_size=1, max_size=5), st.text("ab*", max_size=3))
def test_what_fills_the_stars_fits(parts: list[str], filling: str):
    assert fits("*".join(parts), filling.join(parts))


def test_a_pattern_of_many_stars_costs_nothing():
    assert not fits("*a" * 200 + "b", "a" * 100_000)


async def test_what_all_contexts_inherit_is_for_those_who_may_change_all(fleet: Fleet):
    default_only = caller(Grant(Scope.ADMIN, Reach(contexts=frozenset({"."}))))
    mine = fleet.permitted(default_only, Scope.WRITE).get("dev")

    with pytest.raises(NotPermittedError):
        await mine.set_config(Subject(""), {"compatibility": "NONE"})
    await (
        fleet.permitted(caller(Grant(Scope.WRITE)), Scope.WRITE)
        .get("dev")
        .set_config(Subject(""), {"compatibility": "NONE"})
    )


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        pytest.param("register", (SCHEMA,), id="register"),
        pytest.param("lookup", (SCHEMA,), id="lookup"),
        pytest.param("check", (SCHEMA,), id="check"),
        pytest.param("delete_subject", (), id="delete"),
        pytest.param("version", (), id="version"),
    ],
)
async def test_an_alias_leads_past_no_grant(fleet: Fleet, name: str, arguments: tuple[Any, ...]):
    alias = Subject("orders-alias")
    await fleet.get("dev").set_config(alias, {"alias": "payments-value"})
    narrow = caller(Grant(Scope.ADMIN, Reach(subjects=("orders-*",))))

    with pytest.raises(NotPermittedError):
        await getattr(fleet.permitted(narrow, Scope.WRITE).get("dev"), name)(alias, *arguments)
    assert await fleet.get("dev").numbers(PAYMENTS) == [1]


async def test_an_alias_leads_past_no_limit(fleet: Fleet):
    alias = Subject("orders-alias")
    await fleet.get("prod").set_config(alias, {"alias": "payments-value"})
    owner = Caller("root", "root@example.com", Scope.ADMIN.implied)

    with pytest.raises(NotPermittedError) as refused:
        await fleet.permitted(owner, Scope.WRITE).get("prod").register(alias, SCHEMA)
    assert refused.value.details["layer"] == "limit"


async def test_what_a_tree_references_is_looked_up_in_its_referrers_context(fleet: Fleet):
    async def whole(of: Subject, reference: str) -> Whole:
        use = Schema(
            f'{{"type":"record","name":"{of.name.title()}","fields":[{{"name":"o","type":"Order"}}]}}',
            SchemaType.AVRO,
            references=(Reference("Order", reference, 1),),
        )
        made = await fleet.get("dev").register(of, use)
        mine = fleet.permitted(caller(Grant(Scope.READ, Reach(contexts=frozenset({".eu"})))), Scope.READ).get("dev")
        return await registered_whole(made, mine, [in_registry(fleet.get("dev"))])

    found = await whole(Subject("near", ".eu"), "orders-value")

    assert [one.subject for one in found.dependencies] == [str(EU_ORDERS)]
    with pytest.raises(NotPermittedError):
        await whole(Subject("far", ".eu"), ":.:payments-value")
