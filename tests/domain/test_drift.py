"""Wanted against found, as values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema_mcp.domain.drift import Drift, Held, Kind, Snapshot, Wish, compare, own_number, renumbered, told_apart
from schema_mcp.domain.rewrites import Normaliser, Rewrite
from schema_mcp.domain.schema import Level, Mode, Reference, Schema, SchemaType, Subject

A = Subject("a")

held = st.builds(Held, st.integers(1, 3), st.sampled_from("xyz"))
versions = st.dictionaries(
    st.sampled_from([A, Subject("b"), Subject("a", ".eu")]), st.dictionaries(st.integers(1, 3), held, max_size=3)
)


@given(versions)
def test_nothing_differs_from_itself(one: dict[Subject, dict[int, Held]]):
    assert compare(Snapshot(one), Snapshot(one)) == []


@given(versions, versions)
def test_turned_around_missing_is_extra_and_the_rest_is_the_same(
    one: dict[Subject, dict[int, Held]], other: dict[Subject, dict[int, Held]]
):
    there, back = compare(Snapshot(one), Snapshot(other)), compare(Snapshot(other), Snapshot(one))
    turned = {Kind.MISSING: Kind.EXTRA, Kind.EXTRA: Kind.MISSING}

    assert {(d.subject, d.number, turned.get(d.kind, d.kind)) for d in there} == {
        (d.subject, d.number, d.kind) for d in back
    }


def test_id_and_content_are_told_apart():
    found = compare(Snapshot({A: {1: Held(1, "x")}}), Snapshot({A: {1: Held(2, "y")}}))

    assert [one.kind for one in found] == [Kind.CONTENT, Kind.IDENTITY]


def test_only_declared_settings_count():
    wanted = Snapshot({}, {A: Wish(Level.FULL, None)})

    assert compare(wanted, Snapshot({}, {A: Wish(Level.FULL, Mode.READONLY)})) == []
    assert [one.kind for one in compare(wanted, Snapshot({}, {A: Wish(None, None)}))] == [Kind.SETTINGS]


def test_a_difference_is_told_from_the_coarsest_to_the_finest():
    plain = Schema("{}")
    content = Drift(A, 1, Kind.CONTENT, "")
    used = Schema("{}", references=(Reference("r", "s", 1),))
    ruled = Schema("{}", metadata={"tags": {}})

    def told(theirs: Schema, *, text: Rewrite | None = Rewrite.SPELLING) -> tuple[Kind, str]:
        one = told_apart(content, plain, theirs, text=text)
        return one.kind, one.detail

    assert told(Schema("{}", SchemaType.JSON)) == (Kind.CONTENT, "AVRO in the store, JSON there")
    assert told(used) == (Kind.CONTENT, "the references differ")
    assert told(plain, text=None) == (Kind.CONTENT, "the text differs")
    assert told(ruled) == (Kind.METADATA, "metadata or rule set differ")
    assert told(plain) == (Kind.COSMETIC, "the same schema in another spelling")


@pytest.mark.parametrize("rewrite", [Rewrite.DOCS, Rewrite.ALIASES, Rewrite.WORDS])
def test_what_only_a_habit_explains_is_drift_without_it(rewrite: Rewrite):
    content, plain = Drift(A, 1, Kind.CONTENT, ""), Schema("{}")
    avro = Normaliser(rewrite, "it forgets them", "a probe", frozenset({SchemaType.AVRO}))
    json = Normaliser(rewrite, "it forgets them", "a probe", frozenset({SchemaType.JSON}))

    known = told_apart(content, plain, plain, text=rewrite, known=[avro])
    unknown = told_apart(content, plain, plain, text=rewrite, known=[json])

    assert (known.kind, known.detail, known.rule) == (Kind.COSMETIC, "it forgets them", rewrite)
    assert (unknown.kind, unknown.rule) == (Kind.CONTENT, "")
    assert "alone" in unknown.detail


def test_a_reference_to_the_latest_version_is_kept_by_its_number():
    content = Drift(A, 1, Kind.CONTENT, "")
    latest, pinned = (Schema("{}", references=(Reference("r", "s", number),)) for number in (-1, 3))
    pins = Normaliser(Rewrite.LATEST, "it pins", "a probe")

    assert told_apart(content, latest, pinned, text=Rewrite.SPELLING, known=[pins]).rule == Rewrite.LATEST
    assert told_apart(content, latest, pinned, text=Rewrite.SPELLING).kind is Kind.CONTENT


def test_metadata_in_another_order_is_no_difference():
    content = Drift(A, 1, Kind.CONTENT, "")
    ours, theirs = (Schema("{}", metadata={"tags": {"x": tags}}) for tags in (["b", "a"], ["a", "b"]))

    assert told_apart(content, ours, theirs, text=Rewrite.SPELLING).kind is Kind.COSMETIC


def test_another_id_is_expected_of_a_product_that_numbers_itself():
    identity, content = Drift(A, 1, Kind.IDENTITY, "id 7 there"), Drift(A, 1, Kind.CONTENT, "")
    numbers = [Normaliser(Rewrite.NUMBERS, "it numbers itself", "a probe")]

    assert own_number(identity, []) == identity
    assert own_number(content, numbers) == content
    assert (own_number(identity, numbers).kind, own_number(identity, numbers).rule) == (Kind.COSMETIC, "numbers")


@pytest.mark.parametrize(
    ("wanted", "found", "renamed"),
    [
        pytest.param({1: "x", 3: "y"}, {1: "x", 2: "y"}, {1: "x", 3: "y"}, id="a-gap"),
        pytest.param({1: "x", 2: "y"}, {1: "x", 2: "y"}, {1: "x", 2: "y"}, id="the-same"),
        pytest.param({1: "x", 2: "y"}, {1: "y"}, {2: "y"}, id="the-first-is-missing"),
        pytest.param({1: "x", 2: "y"}, {1: "z", 2: "y"}, {1: "z", 2: "y"}, id="other-content"),
        pytest.param({1: "x"}, {1: "z", 2: "x"}, {1: "z", 2: "x"}, id="somebody-came-first"),
    ],
)
def test_versions_are_known_by_the_numbers_that_the_store_has(
    wanted: dict[int, str], found: dict[int, str], renamed: dict[int, str]
):
    def sides(held: dict[int, str]) -> dict[int, Held]:
        return {number: Held(number, digest) for number, digest in held.items()}

    seen = renumbered({A: sides(wanted)}, {A: sides(found)})[A]

    assert {number: one.digest for number, one in seen.items()} == renamed


@given(versions, versions)
def test_renumbering_loses_nothing(one: dict[Subject, dict[int, Held]], other: dict[Subject, dict[int, Held]]):
    seen = renumbered(one, other)

    assert {subject: sorted(held.values(), key=repr) for subject, held in seen.items()} == {
        subject: sorted(held.values(), key=repr) for subject, held in other.items()
    }
