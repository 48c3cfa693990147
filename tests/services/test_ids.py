"""Ids are looked up, set aside and audited over ledger, store and registries."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from schema_mcp.domain.caller import Scope
from schema_mcp.domain.errors import InvalidRequestError, NotPermittedError, RegistryError
from schema_mcp.domain.schema import Mode, Schema, Subject
from schema_mcp.services.digests import stored_digest
from schema_mcp.services.registration import Stop
from schema_mcp.stores.schemastore import AddVersion
from services.conftest import kept_open
from services.world import ANN, V1, V2, V3, World, embedded, record

PAYMENTS = Subject("payments-value")


async def audit(world: World, **arguments: Any):
    return await world.read("audit_ids", arguments)


async def carry_in(world: World, registry: str, text: str, subject: Subject, id: int) -> None:
    """What somebody else, or an accident, may have put into a registry."""
    there = world.registry(registry)
    await there.set_mode(subject, Mode.IMPORT, force=True)
    await there.register(subject, Schema(text), schema_id=id, number=1)
    await there.delete_mode(subject)


# --- reserve ---


async def test_a_block_is_set_aside_in_ledger_and_git_and_never_handed_out(world: World):
    await world.register(V1)

    made = await world.read("reserve_id_block", {"count": 150, "owner": "team-a", "reason": "their own tool"})

    assert (made.reserved.first, made.reserved.last, made.reserved.in_git) == (10_002, 10_151, True)
    [block] = world.store.blocks()
    assert (block.first, block.last, block.owner) == (10_002, 10_151, "team-a")
    assert world.store.high_water() == 10_200
    [commit] = await world.store.log(limit=1)
    assert commit.id[:10] == made.commit
    assert commit.message.startswith("Reserve ids 10002 to 10151 for team-a\n\nTool: reserve_id_block\n")
    assert "Reason: their own tool" in commit.message
    assert (await world.register(V2)).id == 10_152


async def test_the_blocks_are_listed_in_pages_with_the_highest_first(world: World):
    for count, owner in ((5, "a"), (3, "b"), (2, "c")):
        await world.read("reserve_id_block", {"count": count, "owner": owner})

    first = await world.read("reserve_id_block", {"limit": 2})
    rest = await world.read("reserve_id_block", {"limit": 2, "cursor": first.cursor})

    assert [one.owner for one in (*first.blocks, *rest.blocks)] == ["c", "b", "a"]
    assert (first.total, first.reserved, rest.cursor) == (3, None, None)


@pytest.mark.parametrize("arguments", [{"count": 5}, {"owner": "a"}])
async def test_a_block_needs_both_a_count_and_an_owner(world: World, arguments: dict[str, Any]):
    with pytest.raises(InvalidRequestError):
        await world.read("reserve_id_block", arguments)


async def test_where_the_registry_numbers_nothing_can_be_set_aside(lone: World):
    with pytest.raises(InvalidRequestError, match="registry hands out ids"):
        await lone.read("reserve_id_block", {"count": 5, "owner": "a"})

    assert await lone.ground.ledger.blocks() == []


async def test_setting_ids_aside_takes_an_admin(world: World):
    world.workspace = replace(world.workspace, caller=world.signature(Scope.WRITE).caller)

    with pytest.raises(NotPermittedError):
        await world.read("reserve_id_block", {"count": 5, "owner": "a"})


# --- audit ---


async def test_an_orderly_world_is_sound(either: World):
    await either.register(V1)
    await either.register(V2)

    found = await audit(either)

    assert (found.sound, found.total, found.ids, found.exit_code) == (True, 0, 2, 0)
    assert set(found.looked_at) == {"ledger", "store", *either.workspace.fleet.names}


async def test_every_gap_of_normal_life_is_explained(world: World):
    await world.register(V1)
    await world.register(V2, stop=Stop.ID)
    await world.read("reserve_id_block", {"count": 10, "owner": "team-a"})
    await carry_in(world, "prod", record("total:double"), Subject("foreign"), 10_500)
    await world.register(V1, PAYMENTS, metadata={"properties": {"a": "b"}})

    found = await audit(world)

    gaps = {one.first: (one.last, one.reason) for one in found.findings if one.kind == "gap"}
    assert all(one.explained for one in found.findings if one.kind == "gap")
    assert "for orders-value v2, and not committed" in gaps[10_002][1]
    assert gaps[10_003] == (10_012, "set aside for team-a")
    assert gaps[10_013][0] == 10_499
    assert "a registry had handed out ids up to there" in gaps[10_013][1]
    assert [one.first for one in found.findings if one.kind == "orphan"] == [10_500]


async def test_one_id_with_two_contents_is_named_with_both(world: World):
    await world.register(V1)
    await carry_in(world, "prod", record("total:double"), PAYMENTS, 10_001)

    found = await audit(world)

    [clash] = [one for one in found.findings if one.kind == "clash"]
    assert clash.first == 10_001
    assert "orders-value v1" in clash.reason
    assert "in prod (payments-value v1)" in clash.reason
    assert (found.sound, found.exit_code, found.counts) == (False, 3, {"clash": 1})


async def test_one_content_with_two_ids_is_named_with_both(world: World):
    await world.register(V1)
    await carry_in(world, "prod", V1, Subject("orders-value"), 77)

    found = await audit(world)

    [double] = [one for one in found.findings if one.kind == "double"]
    assert "77 in prod" in double.reason
    assert "10001" in double.reason
    assert found.exit_code == 3


async def test_what_only_one_side_has_is_an_orphan(world: World):
    await world.register(V1)
    stored = world.store.version(Subject("orders-value"), 1)
    assert stored is not None
    version = replace(stored.version, subject=PAYMENTS, id=10_050, schema=Schema(V3))
    by_hand = replace(stored, version=version, schema_hash=stored_digest(version.schema))
    await world.store.commit([AddVersion(by_hand)], "By hand", ANN)
    await carry_in(world, "prod", V2, Subject("foreign"), 500)

    found = await audit(world)

    assert {(one.first, one.reason) for one in found.findings if one.kind == "orphan"} == {
        (500, "in prod as foreign v1, and not in the store"),
        (10_050, "in the store as payments-value v1, and not in the ledger"),
    }


async def test_a_registry_that_does_not_answer_is_named_and_never_called_sound(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    await world.register(V1)
    await carry_in(world, "dev", V2, Subject("foreign"), 500)
    guarded = type(world.registry("prod"))
    monkeypatch.setattr(guarded, "versions", _but("prod", away, guarded.versions))

    found = await audit(world)

    assert found.unreachable == {"prod": "prod did not answer"}
    assert "prod" not in found.looked_at
    assert found.exit_code == 1
    assert found.counts == {"orphan": 1}, "the others were looked at all the same"


async def away(**_: Any):
    raise RegistryError("prod did not answer")
    yield


def _but(name: str, instead: Any, real: Any):
    def versions(self: Any, **options: Any):
        return instead(**options) if self.name == name else real(self, **options)

    return versions


async def test_an_audit_can_be_kept_to_some_registries(world: World):
    await world.register(V1)
    await carry_in(world, "prod", V2, Subject("foreign"), 500)

    assert (await audit(world, registries=["dev"])).sound
    assert not (await audit(world, registries=["dev", "prod"])).sound


async def test_an_audit_writes_nothing(either: World):
    await either.register(V1)
    before = await either.traces()

    await audit(either)

    assert await either.traces() == before


async def test_a_rebuilt_ledger_explains_what_it_passed_over(tmp_path: Path):
    async with kept_open(tmp_path, embedded("dev", "prod")) as world:
        await world.register(V1)
        await world.register(V2, stop=Stop.ID)
    for path in (tmp_path / "world" / ".schema-mcp").glob("ids.sqlite*"):
        path.unlink()

    async with kept_open(tmp_path, embedded("dev", "prod")) as world:
        done = await world.register(V3, PAYMENTS)
        found = await audit(world)

    assert done.id == 10_101
    [gap] = found.findings
    assert (gap.first, gap.last, gap.explained) == (10_002, 10_100, True)
    assert "the ledger was rebuilt" in gap.reason


# --- look up ---


async def test_an_id_is_found_in_the_store_and_wherever_it_is_deployed(world: World):
    await world.register(V1)
    await world.register(V1, registry="prod")

    found = await world.read("lookup_id", {"id": 10_001})

    assert [(one.where, one.subject, one.version) for one in found.holders] == [
        ("dev", "orders-value", 1),
        ("prod", "orders-value", 1),
        ("store", "orders-value", 1),
    ]
    assert (found.told, found.exit_code) == ("", 0)


async def test_an_id_that_nobody_carries_is_explained_where_the_ledger_remembers(world: World):
    await world.register(V1, stop=Stop.ID)
    await world.read("reserve_id_block", {"count": 3, "owner": "team-a"})

    told = [(await world.read("lookup_id", {"id": id_})).told for id_ in (10_001, 10_003, 99_999)]

    assert "handed out at" in told[0]
    assert "for orders-value v1, and not committed" in told[0]
    assert told[1:] == ["set aside for team-a", ""]
