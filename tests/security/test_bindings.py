"""What an approval, or a second call, names by its digest: change anything of it, and it has another name."""

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from enum import Enum
from typing import Any

import pytest

from schema_mcp.domain.plan import Action, Blocked, OnFailure, Plan, Rollout, Step, Strategy
from schema_mcp.domain.schema import Mode, Subject
from schema_mcp.services import clearing, contexts, deletion
from schema_mcp.services.approvals import of_import_mode, of_purge
from services.conftest import world  # noqa: F401 - the fixture
from services.world import ORDERS, World

STEP = Step(
    "prod", Action.REGISTER, ORDERS, "missing", number=2, id=10_002, digest="d", origin="store", value="v", before="b"
)
PLAN = Plan(
    kind="deployment",
    request={"registries": ["prod"]},
    commit="c",
    observed={"prod": "o"},
    steps=(STEP,),
    blocked=(Blocked("prod", ORDERS, "reason", "hint", 3),),
    warnings=("w",),
    rollout=Rollout(Strategy.ROLLING, OnFailure.STOP, ("prod",)),
)
VERSION = deletion.Doomed(1, 10_001, deleted=True, referrers=(7,), shared_with=("other",))
DELETION = deletion.Preview("prod", ORDERS, True, (VERSION,), ("alias",), (1,))
CHOSEN = clearing.Chosen(".eu", "ord", permanent=True, most=10)
SUBJECT = clearing.Doomed(ORDERS, ((1, 10_001),))
CLEARING = clearing.Preview("prod", CHOSEN, (SUBJECT,), 1, {}, ())
CONTEXT = contexts.Preview("prod", ".eu", True, 1, 2, 3, "wish", {"compatibility": "FULL"}, Mode.IMPORT)

FOLLOWS = {"CLEARING.subjects", "CLEARING.users", "CLEARING.waves"}
"""What is counted beside a batch, stands in its way, or orders it: looked at again when it is carried out."""

PARTS: dict[str, tuple[Any, Callable[[Any], str]]] = {
    "PLAN": (PLAN, lambda plan: plan.digest),
    "STEP": (STEP, lambda step: replace(PLAN, steps=(step,)).digest),
    "ROLLOUT": (PLAN.rollout, lambda rollout: replace(PLAN, rollout=rollout).digest),
    "DELETION": (DELETION, lambda seen: seen.digest),
    "VERSION": (VERSION, lambda version: replace(DELETION, versions=(version,)).digest),
    "CLEARING": (CLEARING, lambda seen: seen.digest),
    "CHOSEN": (CHOSEN, lambda chosen: replace(CLEARING, chosen=chosen).digest),
    "SUBJECT": (SUBJECT, lambda doomed: replace(CLEARING, batch=(doomed,)).digest),
    "CONTEXT": (CONTEXT, lambda seen: seen.digest),
}


OTHER: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (bool, lambda value: not value),
    (Enum, lambda value: next(one for one in type(value) if one is not value)),
    (int, lambda value: value + 1),
    (str, lambda value: f"{value}x"),
    (tuple, lambda _: ()),
    (dict, lambda _: {"other": 1}),
    (Subject, lambda value: Subject(f"{value.name}-2", value.context)),
    (Rollout, lambda _: Rollout()),
    (clearing.Chosen, lambda value: replace(value, permanent=not value.permanent)),
)
"""By the first kind that fits: some other value of the same."""


def another(value: Any) -> Any:
    return next(other for kind, other in OTHER if isinstance(value, kind))(value)


def changes() -> Iterator[Any]:
    for name, (whole, digest) in PARTS.items():
        for field in fields(whole):
            if f"{name}.{field.name}" not in FOLLOWS:
                yield pytest.param(whole, digest, field.name, id=f"{name}.{field.name}")


@pytest.mark.parametrize(("whole", "digest", "field"), list(changes()))
def test_what_is_bound_has_another_name_when_anything_of_it_changes(
    whole: Any, digest: Callable[[Any], str], field: str
):
    changed = replace(whole, **{field: another(getattr(whole, field))})

    assert digest(changed) != digest(whole)


def test_a_subject_of_another_context_is_another():
    moved = Subject(ORDERS.name, ".eu")

    assert replace(DELETION, subject=moved).digest != DELETION.digest
    assert replace(PLAN, steps=(replace(STEP, subject=moved),)).digest != PLAN.digest


async def test_import_by_hand_and_a_purge_are_bound_to_where_and_how(world: World):  # noqa: F811
    store = world.store
    imports = [
        of_import_mode(store, registry, scope, before, force=force)
        for registry in ("dev", "prod")
        for scope in (ORDERS, Subject(""), Subject("", ".eu"))
        for before in (None, Mode.READONLY)
        for force in (False, True)
    ]
    purges = [of_purge(store, registry, "d", context, "s") for registry in ("dev", "prod") for context in (".", ".eu")]

    assert len({act.digest for act in imports}) == len(imports)
    assert len({(act.deeds, act.contexts) for act in purges}) == len(purges)
