"""Two subjects never share a folder, on no file system."""

import re
from collections.abc import Callable
from functools import partial
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema_mcp.domain.layout import (
    Kind,
    Place,
    context_folder,
    context_in,
    is_hash,
    name_in,
    place_of,
    subject_folder,
    subject_path,
    version_path,
)
from schema_mcp.domain.naming import is_valid
from schema_mcp.domain.schema import Subject

HASHED = re.compile(r"~[0-9a-f]{32}")

TWINS = ["orders-value", "Orders-Value", "ORDERS-VALUE", "orders.value", "café", "cafe\u0301", "CON", "con", "con.avsc"]
letters = st.sampled_from([*"aAbBkK\u212aß\u017f.-_ /\\:+~0189éÉ", "e\u0301", "..", "con", "readme.md", "value"])
names = st.one_of(st.text(max_size=40), st.lists(letters, max_size=12).map("".join), st.sampled_from(TWINS))
valid_names = names.filter(lambda name: is_valid(Subject(name)))
contexts = valid_names.map(lambda name: f".{name.replace(':', '')}") | st.just(".")


def on_the_worst_disk(folder: str) -> str:
    """What a file system that ignores case and normalises Unicode may take for the same name."""
    return normalize("NFKD", folder).casefold()


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        pytest.param("orders-value", "orders-value", id="ordinary"),
        pytest.param("com.example.orders_v2-key", "com.example.orders_v2-key", id="dots-and-digits"),
        pytest.param("default", "default", id="the-word-default"),
        pytest.param("money.proto", "money.proto", id="an-import-path"),
        pytest.param("Orders-Value", "Orders-Value+81", id="capitals-are-named-by-position"),
        pytest.param("com.example.Order", "com.example.Order+1000", id="a-class-name"),
        pytest.param("a" * 200, "a" * 200, id="long"),
    ],
)
def test_a_name_that_every_file_system_holds_stays_readable(name: str, folder: str):
    assert subject_folder(name) == folder
    assert name_in(folder) == name


@pytest.mark.parametrize(
    "name",
    [
        "", ".", "..", "../orders", "a/b", "a\\b", "a:b", "a b", "orders.", "orders ", ".orders", "-rf", "~orders",
        "orders+1", "con", "NUL.txt", "lpt1", "com0.x", "context.json", "Subject.JSON", "ids.json", "readme.md",
        ".git", "git~1", "café", "票", "\u212aelvin", "a*", "a?b", 'a"b', "<a>", "a|b", "%2e%2e", "a" * 201, "A" * 190,
        "\ud800", "__GLOBAL/x",
    ],
)  # fmt: skip
def test_any_other_name_becomes_a_hash(name: str):
    folder = subject_folder(name)

    assert HASHED.fullmatch(folder)
    assert is_hash(folder)
    assert name_in(folder) is None


@pytest.mark.parametrize(
    ("context", "folder"),
    [
        pytest.param(".", "default", id="the-default-one"),
        pytest.param(".eu", "eu", id="a-word"),
        pytest.param(".eu.west", "eu.west", id="a-word-with-a-dot"),
        pytest.param(".EU", "EU+3", id="capitals"),
    ],
)
def test_a_context_is_written_without_its_dot(context: str, folder: str):
    assert context_folder(context) == folder
    assert context_in(folder) == context


@pytest.mark.parametrize("context", [".default", "..", "..eu", ". ", ".*.eu", ".ids.json", ".context.json", ".CON"])
def test_a_context_that_would_meet_another_name_becomes_a_hash(context: str):
    assert is_hash(context_folder(context))
    assert context_in(context_folder(context)) is None


def test_a_context_called_default_with_capitals_is_not_the_default_one():
    assert context_folder(".Default") == "Default+1"
    assert context_in("Default+1") == ".Default"


SPELLINGS = [str.upper, str.lower, str.swapcase, str.casefold, partial(normalize, "NFC"), partial(normalize, "NFD")]


@given(valid_names, valid_names | st.sampled_from(SPELLINGS))
def test_two_subjects_never_share_a_folder(one: str, other: str | Callable[[str], str]):
    other = other if isinstance(other, str) else other(one)
    shared = on_the_worst_disk(subject_folder(one)) == on_the_worst_disk(subject_folder(other))

    assert shared == (one == other)


@given(contexts, contexts)
def test_two_contexts_never_share_a_folder(one: str, other: str):
    shared = on_the_worst_disk(context_folder(one)) == on_the_worst_disk(context_folder(other))

    assert shared == (one == other)


@given(valid_names)
def test_a_folder_tells_its_subject_or_says_that_it_cannot(name: str):
    folder = subject_folder(name)

    assert name_in(folder) == (None if is_hash(folder) else name)


@given(valid_names | st.text())
def test_a_folder_is_one_harmless_path_segment(name: str):
    folder = subject_folder(name)

    assert re.fullmatch(r"[A-Za-z0-9_~][A-Za-z0-9._+-]*", folder)
    assert not folder.endswith(".")
    assert len(folder) <= 200
    assert not re.fullmatch(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?|git~\d|\.git.*", folder)
    assert not re.fullmatch(r".{1,6}~\d{1,6}(\..{0,3})?", folder)  # the short names that Windows makes


@given(st.text(alphabet="aAbB+019.-~", max_size=12))
def test_a_folder_that_no_subject_has_tells_no_name(folder: str):
    name = name_in(folder)

    assert name is None or subject_folder(name) == folder


@pytest.mark.parametrize(
    ("path", "place"),
    [
        pytest.param("ids.json", Place(Kind.IDS), id="ids"),
        pytest.param("eu/context.json", Place(Kind.CONTEXT, "eu"), id="context"),
        pytest.param("eu/orders/subject.json", Place(Kind.SUBJECT, "eu", "orders"), id="subject"),
        pytest.param("eu/orders/v12/metadata.json", Place(Kind.METADATA, "eu", "orders", 12), id="metadata"),
        pytest.param("eu/orders/v1/schema.avsc", Place(Kind.SCHEMA, "eu", "orders", 1), id="avro"),
        pytest.param("eu/orders/v1/schema.proto", Place(Kind.SCHEMA, "eu", "orders", 1), id="protobuf"),
        pytest.param("eu/orders/v1/schema.json", Place(Kind.SCHEMA, "eu", "orders", 1), id="json"),
        pytest.param("eu/orders/v01/schema.json", None, id="a-zero-before-the-number"),
        pytest.param("eu/orders/v0/schema.json", None, id="number-zero"),
        pytest.param("eu/orders/v\u0661/schema.json", None, id="digits-of-another-script"),
        pytest.param("eu/orders/v1/schema.txt", None, id="another-file"),
        pytest.param("eu/orders/v1/x/schema.json", None, id="too-deep"),
        pytest.param("eu/ids.json", None, id="ids-elsewhere"),
        pytest.param("", None, id="nothing"),
    ],
)
def test_a_path_tells_what_stands_there(path: str, place: Place | None):
    assert place_of(path) == place


@given(valid_names, st.integers(min_value=1, max_value=2**31 - 1))
def test_a_version_is_found_again_from_its_path(name: str, number: int):
    subject = Subject(name, ".eu")

    assert version_path(subject, number) == f"{subject_path(subject)}/v{number}"
    assert place_of(f"{version_path(subject, number)}/metadata.json") == Place(
        Kind.METADATA, "eu", subject_folder(name), number
    )
