"""Wanted against found, as values."""

from hypothesis import given
from hypothesis import strategies as st

from schema_mcp.domain.drift import Drift, Held, Kind, Snapshot, Wish, compare, told_apart
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

    def told(theirs: Schema, *, same: bool = True) -> tuple[Kind, str]:
        one = told_apart(content, plain, theirs, same_text=same)
        return one.kind, one.detail

    assert told(Schema("{}", SchemaType.JSON)) == (Kind.CONTENT, "AVRO in the store, JSON there")
    assert told(used) == (Kind.CONTENT, "the references differ")
    assert told(plain, same=False) == (Kind.CONTENT, "the text differs")
    assert told(ruled) == (Kind.METADATA, "metadata or rule set differ")
    assert told(plain) == (Kind.COSMETIC, "the same schema in another spelling")
