"""A grant holds for what is kept in Git, too: nothing is committed where its caller may not write."""

from dataclasses import replace
from pathlib import Path

import pytest

from schema_mcp.domain.caller import Caller, Grant, Reach, Scope
from schema_mcp.domain.errors import NotPermittedError
from schema_mcp.domain.schema import Subject
from schema_mcp.stores.schemastore import Author, ContextWish, SetContextWish, SetMark, SetWish, SubjectWish
from toolkit.world import opened

ANN = Author("Ann", "ann@example.com")
ORDERS, PAYMENTS = Subject("orders-value"), Subject("payments-value")


def caller(scope: Scope, reach: Reach) -> Caller:
    return Caller("ann", "ann@example.com", scope.implied, grants=(Grant(scope, reach),))


@pytest.mark.parametrize(
    ("scope", "reach", "change", "allowed"),
    [
        pytest.param(Scope.WRITE, Reach(subjects=("orders-*",)), SetWish(ORDERS, SubjectWish()), True, id="granted"),
        pytest.param(Scope.WRITE, Reach(subjects=("orders-*",)), SetWish(PAYMENTS, SubjectWish()), False, id="other"),
        pytest.param(Scope.READ, Reach(subjects=("orders-*",)), SetWish(ORDERS, SubjectWish()), False, id="reader"),
        pytest.param(
            Scope.WRITE, Reach(contexts=frozenset({".eu"})), SetWish(ORDERS, SubjectWish()), False, id="another-context"
        ),
        pytest.param(
            Scope.WRITE, Reach(subjects=("*-value",)), SetContextWish(".", ContextWish()), False, id="whole-context"
        ),
        pytest.param(
            Scope.WRITE, Reach(contexts=frozenset({"."})), SetContextWish(".", ContextWish()), True, id="its-context"
        ),
        pytest.param(Scope.WRITE, Reach(subjects=("orders-*",)), SetMark(20_000), True, id="the-ids-mark"),
    ],
)
async def test_a_change_is_committed_where_it_was_granted(
    tmp_path: Path, scope: Scope, reach: Reach, change: SetWish | SetContextWish | SetMark, allowed: bool
):
    async with opened(tmp_path) as workspace:
        store = workspace.for_call(caller(scope, reach), "r1").store
        if allowed:
            await store.commit([change], "Change", ANN)
        else:
            with pytest.raises(NotPermittedError) as refused:
                await store.commit([SetMark(30_000), change], "Change", ANN)
            assert refused.value.details["layer"] == "grant"
        await workspace.store.refresh()
        head = workspace.store.head

    assert bool(head) is allowed


async def test_the_owner_changes_everything(tmp_path: Path):
    async with opened(tmp_path) as workspace:
        owner = replace(workspace.caller, scopes=Scope.ADMIN.implied)
        assert workspace.for_call(owner, "r1").store is workspace.store
