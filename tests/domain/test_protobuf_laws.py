"""What holds for every schema, and for the largest ones."""

import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schema_mcp.domain.errors import InvalidSchemaError
from schema_mcp.domain.formats import Rules
from schema_mcp.domain.protobuf.format import PROTOBUF
from schema_mcp.domain.schema import Dependency, Semantics

HEAD = 'syntax = "proto3"; '
unhurried = settings(deadline=None)  # other work on the machine is no failure

BOTH = [Rules(semantics=semantics) for semantics in Semantics]

names = st.from_regex(r"[a-z][a-z0-9_]{0,6}", fullmatch=True)
scalars = st.sampled_from(
    ["int32", "int64", "uint32", "sint32", "bool", "string", "bytes", "double", "float", "fixed32", "sfixed64"]
)
types = st.one_of(
    scalars,
    st.just("Other"),
    st.just("Kind"),
    st.builds("map<{}, {}>".format, st.sampled_from(["string", "int32"]), scalars),
)
labels = st.sampled_from(["", "optional ", "repeated "])


@st.composite
def members(draw: st.DrawFn) -> list[str]:
    """The declarations of one message, each of which may stand anywhere in it."""
    tags = iter(draw(st.lists(st.integers(1, 500), min_size=8, max_size=8, unique=True)))
    found = []
    for index, (label, type_) in enumerate(draw(st.lists(st.tuples(labels, types), max_size=4))):
        label_here = "" if type_.startswith("map") else label
        found.append(f"{label_here}{type_} f{index}_{draw(names)} = {next(tags)};")
    inside = [f"{draw(scalars)} o{index} = {next(tags)};" for index in range(draw(st.integers(0, 3)))]
    return [*found, f"oneof pick {{ {' '.join(inside)} }}"] if inside else found


@st.composite
def schemas(draw: st.DrawFn) -> str:
    inner = "message Inner { Kind kind = 1; enum Kind { ZERO = 0; } }" if draw(st.booleans()) else ""
    package = draw(st.sampled_from(["", "package a;", "package a.b;"]))
    declarations = " ".join([inner, *draw(members())])
    return f"{HEAD}{package} message Main {{ {declarations} }} message Other {{}} enum Kind {{ NONE = 0; }}"


@unhurried
@given(schemas())
def test_the_stored_text_stores_itself(text: str):
    parsed = PROTOBUF.parse(text, new=True)

    again = PROTOBUF.parse(parsed.canonical, new=True)

    assert again.canonical == parsed.canonical
    assert again.file == parsed.file


@unhurried
@given(schemas())
def test_the_normalised_text_normalises_to_itself_and_means_the_same(text: str):
    parsed = PROTOBUF.parse(text)
    normalized = PROTOBUF.parse(PROTOBUF.normalized(parsed), new=True)

    assert PROTOBUF.normalized(normalized) == PROTOBUF.normalized(parsed)
    assert PROTOBUF.differences(normalized, parsed, BOTH[0]) == []


@unhurried
@given(schemas())
def test_a_schema_reads_itself_and_its_descriptor(text: str):
    parsed = PROTOBUF.parse(text)
    descriptor = PROTOBUF.parse(PROTOBUF.serialized(parsed), new=True)

    for rules in BOTH:
        assert PROTOBUF.differences(parsed, parsed, rules) == []
        assert PROTOBUF.differences(descriptor, parsed, rules) == []


@unhurried
@given(members(), st.randoms(use_true_random=False))
def test_the_order_of_members_does_not_matter(declarations: list[str], chance):
    shuffled = list(declarations)
    chance.shuffle(shuffled)
    one, other = (
        PROTOBUF.parse(f"{HEAD} message Main {{ {' '.join(them)} }} message Other {{}} enum Kind {{ NONE = 0; }}")
        for them in (declarations, shuffled)
    )

    assert PROTOBUF.normalized(one) == PROTOBUF.normalized(other)
    assert all(PROTOBUF.differences(one, other, rules) == [] for rules in BOTH)


@unhurried
@given(schemas(), schemas())
def test_any_two_schemas_can_be_held_against_each_other(one: str, other: str):
    new, old = PROTOBUF.parse(one), PROTOBUF.parse(other)

    found = [it for rules in BOTH for it in PROTOBUF.differences(new, old, rules)]
    mended = [PROTOBUF.mended(new, old, it, reads=reads) for it in found for reads in (True, False)]

    assert all(it.path.startswith("#/") and it.plain for it in found)
    assert all(PROTOBUF.parse(text, new=True) for text in mended if text)
    assert (PROTOBUF.changes(old, new) == []) is (new.file == old.file)


PIECES = ["message", "A", "{", "}", "=", ";", "1", '"', "'", "/", "/*", "*/", "//", "\\", "[", "]", "(", ")", "<", ">"]
PIECES += [
    "map",
    "oneof",
    "option",
    "reserved",
    "to",
    "extensions",
    "enum",
    "syntax",
    '"proto3"',
    "rpc",
    ",",
    ":",
    "\n",
]


@unhurried
@given(st.one_of(st.text(), st.lists(st.sampled_from(PIECES)).map(" ".join), st.binary().map(lambda it: it.hex())))
def test_no_text_does_more_harm_than_being_refused(text: str):
    try:
        parsed = PROTOBUF.parse(text)
    except InvalidSchemaError:
        return

    assert PROTOBUF.parse(parsed.canonical).canonical == parsed.canonical


def nested(depth: int) -> str:
    return HEAD + "message A { " * depth + "int32 a = 1;" + "}" * depth


def everything(text: str) -> None:
    """All that is ever asked of a schema."""
    parsed = PROTOBUF.parse(text, new=True)
    for rules in BOTH:
        assert PROTOBUF.differences(parsed, PROTOBUF.parse(text), rules) == []
    PROTOBUF.normalized(parsed)
    PROTOBUF.lint(parsed, text)
    PROTOBUF.names(parsed)
    PROTOBUF.changes(parsed, parsed)
    PROTOBUF.lint_change(parsed, parsed)
    assert PROTOBUF.parse(PROTOBUF.serialized(parsed))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(nested(200), id="nested-200-deep"),
        pytest.param(HEAD + f"message A {{ {'map<string, ' * 200}int32{'>' * 200} m = 1; }}", id="maps-200-deep"),
        pytest.param(
            HEAD + f"message A {{ {' '.join(f'int32 f{i} = {i + 1};' for i in range(10_000))} }}", id="10,000-fields"
        ),
        pytest.param(
            HEAD
            + " ".join(f"message M{i} {{ M{(i + 1) % 2_000} a = 1; M{i * 7 % 2_000} b = 2; }}" for i in range(2_000)),
            id="2,000-messages-in-circles",
        ),
        pytest.param(
            HEAD
            + "message A {"
            + " ".join(
                f"oneof o{i} {{ {' '.join(f'int32 f{i}_{j} = {i * 100 + j + 1};' for j in range(100))} }}"
                for i in range(100)
            )
            + "}",
            id="100-oneofs-of-100",
        ),
        pytest.param(HEAD + f"enum E {{ {' '.join(f'E{i} = {i};' for i in range(10_000))} }}", id="10,000-constants"),
    ],
)
def test_large_schemas_get_a_verdict(text: str):
    begun = time.perf_counter()

    everything(text)

    assert time.perf_counter() - begun < 20


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(nested(1_000), id="nested-1,000-deep"),
        pytest.param(nested(100_000), id="nested-100,000-deep"),
        pytest.param(HEAD + f"message A {{ {'map<string, ' * 5_000}", id="maps-5,000-deep"),
        pytest.param(HEAD + f"option (a) = {'{ b: ' * 5_000}", id="values-5,000-deep"),
        pytest.param(HEAD + f"option (a) = {'[' * 5_000}", id="lists-5,000-deep"),
        pytest.param(HEAD + f"option (a){'.b' * 5_000} = 1;", id="paths-5,000-deep"),
        pytest.param(
            HEAD + f"message A {{ {' '.join(f'int32 f{i} = 1;' for i in range(60_000))} }}", id="60,000-fields"
        ),
        pytest.param("x" * 5_000_001, id="five-megabytes"),
    ],
)
def test_beyond_the_bounds_a_schema_is_refused(text: str):
    with pytest.raises(InvalidSchemaError):
        PROTOBUF.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("/*" * 500_000, id="comments"),
        pytest.param(HEAD + 'option a = "' + "\\" * 500_001, id="backslashes"),
        pytest.param(" " * 1_000_000 + "!", id="spaces"),
        pytest.param(HEAD + "message A { a" + " " * 500_000, id="half-a-field"),
    ],
)
def test_odd_texts_are_refused_at_once(text: str):
    begun = time.perf_counter()

    with pytest.raises(InvalidSchemaError):
        PROTOBUF.parse(text)

    assert time.perf_counter() - begun < 5


def test_the_deepest_schema_leaves_room_on_a_busy_stack():
    def below(frames: int) -> None:
        if frames:
            below(frames - 1)
        else:
            everything(nested(200))

    used = len(list(iter_frames()))
    assert sys.getrecursionlimit() >= 1_000

    below(max(0, 400 - used))


def iter_frames():
    frame = sys._getframe()
    while frame:
        yield frame
        frame = frame.f_back


@pytest.mark.parametrize("length", [10, 100, 5_000])
def test_long_chains_of_referenced_messages_get_a_verdict(length: int):
    """Each message holds the next one twice: told apart every time, that would be 2 ** length differences."""

    def chain(last: str) -> str:
        links = (f"message M{i} {{ M{i + 1} a = 1; M{i + 1} b = 2; }}" for i in range(length))
        return f"{HEAD} package d; {' '.join(links)} message M{length} {{ {last} x = 1; }}"

    text = HEAD + 'import "d.proto"; message A { d.M0 m = 1; }'
    old, new = (
        PROTOBUF.parse(text, [Dependency("d.proto", chain(last), "d", version)])
        for version, last in ((1, "string"), (2, "int32"))
    )

    for rules in BOTH:
        found = PROTOBUF.differences(new, old, rules)
        assert any(it.breaks for it in found)
        assert len(found) < 50_000
