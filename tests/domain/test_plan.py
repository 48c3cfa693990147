"""Plans as data: their order, their digest, the scope they need, and their text."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema_mcp.domain.caller import Scope
from schema_mcp.domain.plan import (
    Action,
    Blocked,
    OnFailure,
    Plan,
    Rollout,
    Step,
    Strategy,
    from_text,
    in_order,
    level_action,
    to_text,
)
from schema_mcp.domain.schema import Level, Subject

A, B = Subject("a"), Subject("b", ".eu")
PLAN = Plan(
    kind="deployment",
    request={"registries": ["dev"], "subjects": [], "prefix": "", "context": None},
    commit="abc",
    observed={"dev": "123"},
    steps=(Step("dev", Action.REGISTER, B, "missing", number=1, id=10_001, digest="d"),),
    blocked=(Blocked("dev", A, "in the way", "mend it", 2),),
    warnings=("careful",),
    rollout=Rollout(Strategy.CANARY, OnFailure.STOP, ("dev",)),
)


def step(action: Action, subject: Subject = A, number: int = 0, registry: str = "dev") -> Step:
    return Step(registry, action, subject, "why", number=number)


def test_a_plan_survives_being_written():
    assert from_text(to_text(PLAN)) == PLAN
    assert from_text(to_text(PLAN)).digest == PLAN.digest


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"commit": "abd"}, id="commit"),
        pytest.param({"observed": {"dev": "124"}}, id="registry"),
        pytest.param({"steps": ()}, id="steps"),
        pytest.param({"request": {"registries": ["prod"]}}, id="request"),
        pytest.param({"blocked": ()}, id="blocked"),
        pytest.param({"rollout": Rollout()}, id="strategy"),
    ],
)
def test_whatever_moves_changes_the_digest(change: dict[str, object]):
    assert replace(PLAN, **change).digest != PLAN.digest  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("actions", "scope"),
    [
        ([], Scope.READ),
        ([Action.REGISTER, Action.TIGHTEN], Scope.WRITE),
        ([Action.REGISTER, Action.LOOSEN], Scope.ADMIN),
        ([Action.DELETE], Scope.ADMIN),
        ([Action.MODE, Action.REGISTER], Scope.ADMIN),
    ],
)
def test_a_plan_needs_the_highest_scope_of_its_steps(actions: list[Action], scope: Scope):
    assert replace(PLAN, steps=tuple(step(action) for action in actions)).scope is scope


def test_within_a_subject_the_level_is_loosened_before_and_everything_else_comes_after():
    steps = [step(action, number=action is Action.REGISTER) for action in reversed(Action)]

    ordered = in_order(steps, {("dev", A, 1): 0})

    assert [one.action for one in ordered] == [
        Action.LOOSEN,
        Action.LOOSEN_CONFIG,
        Action.REGISTER,
        Action.DELETE,
        Action.PURGE,
        Action.TIGHTEN,
        Action.CONFIG,
        Action.MODE,
    ]


def test_a_closed_scope_is_opened_before_anything_else_and_closed_after_everything():
    opened = replace(step(Action.MODE, B), value="READWRITE")
    shut = replace(step(Action.MODE, A), value="READONLY")
    others = [step(Action.LOOSEN, A), step(Action.REGISTER, A, 1), step(Action.TIGHTEN, B)]

    ordered = in_order([shut, *others, opened], {("dev", A, 1): 0})

    assert ordered == (opened, *others, shut)


def test_what_is_wanted_of_a_context_stands_around_all_its_subjects():
    whole = Subject("", ".eu")
    steps = [step(Action.REGISTER, A, 1), step(Action.LOOSEN, A), step(Action.LOOSEN, whole)]

    ordered = in_order([*steps, step(Action.TIGHTEN, whole)], {("dev", A, 1): 0})

    assert [(one.action, one.subject) for one in ordered] == [
        (Action.LOOSEN, whole),
        (Action.LOOSEN, A),
        (Action.REGISTER, A),
        (Action.TIGHTEN, whole),
    ]


def test_what_references_goes_before_what_it_references():
    rank = {("dev", B, 1): 0, ("dev", A, 1): 1}

    ordered = in_order([step(Action.DELETE, B, 1), step(Action.DELETE, A, 1)], rank)

    assert [one.subject for one in ordered] == [A, B]


@pytest.mark.parametrize(
    ("strategy", "order", "waves"),
    [
        pytest.param(Strategy.ALL_AT_ONCE, ("b", "a"), [["b", "a", "c"]], id="side by side"),
        pytest.param(Strategy.ROLLING, ("c", "a", "b"), [["c"], ["a"], ["b"]], id="one after the other"),
        pytest.param(Strategy.CANARY, ("b", "c", "a"), [["b"], ["c", "a"]], id="one first"),
        pytest.param(Strategy.CANARY, ("z", "b"), [["b"], ["a", "c"]], id="one with nothing to do is no canary"),
    ],
)
def test_registries_go_in_waves(strategy: Strategy, order: tuple[str, ...], waves: list[list[str]]):
    assert Rollout(strategy, order=order).waves(["a", "b", "c"]) == waves


def test_a_plan_kept_by_an_earlier_version_goes_all_at_once():
    data = json.loads(to_text(PLAN))
    del data["rollout"]

    assert from_text(json.dumps(data)).rollout == Rollout()


def test_a_loosening_stands_before_the_first_version_of_its_subject_whatever_is_between():
    rank = {("dev", A, 1): 0, ("dev", B, 1): 1, ("dev", A, 2): 2}
    steps = [step(Action.REGISTER, *place[1:]) for place in rank]

    ordered = in_order([*steps, step(Action.LOOSEN, B), step(Action.LOOSEN, A)], rank)

    assert [(one.action, one.subject) for one in ordered] == [
        (Action.LOOSEN, A),
        (Action.REGISTER, A),
        (Action.LOOSEN, B),
        (Action.REGISTER, B),
        (Action.REGISTER, A),
    ]


@given(st.permutations([step(Action.REGISTER, subject, n, r) for r in "xy" for subject in (A, B) for n in (1, 2)]))
def test_the_order_does_not_depend_on_how_steps_were_found(steps: list[Step]):
    rank = {(one.registry, one.subject, one.number): one.number for one in steps}

    assert in_order(steps, rank) == in_order(sorted(steps, key=str), rank)


@given(st.sampled_from(Level), st.sampled_from(Level))
def test_a_level_that_gives_up_any_promise_is_a_loosening(before: Level, after: Level):
    loosens = level_action(before, after) is Action.LOOSEN

    assert loosens == bool(before.promises - after.promises)


def test_step_keys_are_unique_over_registries_actions_subjects_and_numbers():
    steps = [step(a, s, n, r) for a in Action for s in (A, B) for n in (0, 1) for r in ("x", "y")]

    assert len({one.key for one in steps}) == len(steps)
