"""What a registered version references: remembered for ever, unless it may change, and only for whoever may read it."""

from pathlib import Path

import pytest

from schema_mcp.domain.caller import UNBOUND, Caller, Grant, Reach, Scope
from schema_mcp.domain.errors import NotPermittedError
from schema_mcp.domain.schema import Dependency, Reference, Schema, Subject, Version
from schema_mcp.registries.backends.embedded import EmbeddedRegistry
from schema_mcp.registries.cache import CachedRegistry
from schema_mcp.registries.contract import Connection, Tree
from schema_mcp.registries.disk import Disk
from schema_mcp.registries.guard import GuardedRegistry
from schema_mcp.registries.memory import Memory
from schema_mcp.registries.permits import Permit, PermittedRegistry

USES = (Reference("shop.Order", "orders", 1),)
LINE = Version(Subject("lines"), 1, 7, Schema('"shop.Order"', references=USES))
TREE = Tree(USES, (Dependency("shop.Order", '"string"', "orders", 1),))


class Resolving:
    """Finds out what a version references, and counts."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.times = 0

    async def __call__(self) -> Tree:
        self.times += 1
        return self.tree


def reading(memory: Memory, *, fresh: bool = False) -> GuardedRegistry:
    return GuardedRegistry(CachedRegistry(EmbeddedRegistry(Connection("dev")), memory, fresh=fresh))


@pytest.mark.parametrize(
    ("tree", "fresh", "times"),
    [
        pytest.param(TREE, False, 1, id="fixed"),
        pytest.param(Tree(USES, TREE.dependencies, is_fixed=False), False, 2, id="with-the-latest-in-it"),
        pytest.param(TREE, True, 2, id="for-who-decides"),
    ],
)
async def test_it_is_found_out_once_where_it_cannot_change(tree: Tree, fresh: bool, times: int):
    registry, resolve = reading(Memory(60), fresh=fresh), Resolving(tree)

    assert [await registry.tree(LINE, resolve), await registry.tree(LINE, resolve)] == [tree, tree]
    assert resolve.times == times


async def test_another_context_has_another_schema_under_the_same_id():
    registry, resolve = reading(Memory(60)), Resolving(TREE)
    other = Version(Subject("lines", ".ctx"), 1, 7, LINE.schema)

    await registry.tree(LINE, resolve)
    await registry.tree(other, resolve)

    assert resolve.times == 2


async def test_a_restarted_server_still_has_it(tmp_path: Path):
    resolve = Resolving(TREE)
    for _ in range(2):
        memory = Memory(60, disk=Disk(tmp_path / "copy.sqlite"))
        assert await reading(memory).tree(LINE, resolve) == TREE
        await memory.close()

    assert resolve.times == 1


async def test_who_may_not_read_what_is_in_it_does_not_get_it():
    memory = Memory(60)
    await reading(memory).tree(LINE, Resolving(TREE))
    ann = Caller(
        "ann",
        "ann@example.com",
        Scope.READ.implied,
        grants=(Grant(Scope.READ, Reach(frozenset({"dev"}), subjects=("lines",))),),
    )
    hers = PermittedRegistry(reading(memory), Permit("dev", ann, UNBOUND))

    with pytest.raises(NotPermittedError, match="orders"):
        await hers.tree(LINE, Resolving(TREE))
