"""No name can reach another path (a subject `../../config` once did, in another server)."""

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema_mcp.domain.errors import InvalidRequestError
from schema_mcp.domain.schema import Schema, Subject
from schema_mcp.registries import paths
from schema_mcp.registries.backends.confluent import ConfluentRegistry
from schema_mcp.registries.contract import Connection
from schema_mcp.registries.dialects import CONFLUENT

NAMES = [
    "../x", "../../config", "..", ".", "a/b", "/", "//", ":.ctx:s", ":.:s", "%2F", "%2e%2e", "?x=1", "#f", ";v", "a\nb",
    "a\0b", "\\..\\", "a\r\nHost: evil", "versions", " ", "ü", "日本", "a" * 10_000, "é" * 2_000,
]  # fmt: skip
CONTEXTS = [".", ".ctx", "..", ".a/b", ".%2F"]


class Recorder:
    def __init__(self):
        self.seen: list[tuple[str, list[str], str]] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        path, _, query = request.url.raw_path.decode().partition("?")
        self.seen.append((request.method, path.split("/")[1:], query))
        return httpx2.Response(404, json={"error_code": 40401, "message": "no"})


class Known(ConfluentRegistry):
    """Need not find out which product it is."""

    product = CONFLUENT


def registry(recorder: Recorder) -> ConfluentRegistry:
    connection = Connection("dev", urls=("http://sr.example.com/base/",))
    return Known(connection, httpx2.MockTransport(recorder))


async def ask_everything(subject: Subject) -> list[tuple[str, list[str], str]]:
    recorder = Recorder()
    target = registry(recorder)
    await target.numbers(subject)
    await target.version(subject, 1)
    await target.lookup(subject, Schema("{}"))
    await target.config(subject)
    await target.mode(subject)
    return recorder.seen


def shapes(name: str) -> list[tuple[str, list[str], str]]:
    return [
        ("GET", ["base", "subjects", name, "versions"], ""),
        ("GET", ["base", "subjects", name, "versions", "1"], ""),
        ("POST", ["base", "subjects", name], ""),
        ("GET", ["base", "config", name], ""),
        ("GET", ["base", "mode", name], ""),
    ]


@pytest.mark.parametrize("context", CONTEXTS)
@pytest.mark.parametrize("name", NAMES)
async def test_a_hostile_name_makes_one_path_shape(name: str, context: str):
    seen = await ask_everything(Subject(name, context))

    [sent] = {parts[2] for _, parts, _ in seen}
    assert seen == shapes(sent)
    assert "/" not in sent
    assert sent not in ("", ".", "..")


@given(st.text(min_size=1, max_size=200).filter(lambda name: name not in (".", "..")))
def test_any_text_becomes_one_segment_and_comes_back(name: str):
    try:
        sent = paths.segment(name)
    except InvalidRequestError:
        assert any("\ud800" <= char <= "\udfff" for char in name)
        return

    read = httpx2.URL(f"http://sr.example.com/a/{sent}/b?x=1")
    assert read.raw_path.decode() == f"/a/{sent}/b?x=1"
    assert read.path == f"/a/{name}/b"
    assert read.query == b"x=1"


@given(st.dictionaries(st.sampled_from(["subjectPrefix", "subject"]), st.text(st.characters(codec="utf-8"))))
def test_any_text_stays_inside_its_query_parameter(query: dict[str, str]):
    target = paths.target(("subjects",), query)

    read = httpx2.URL(f"http://sr.example.com{target}")
    assert dict(read.params) == query
    assert read.path == "/subjects"
    assert read.fragment == ""


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_what_would_be_resolved_away_is_refused(name: str):
    with pytest.raises(InvalidRequestError):
        paths.target(("subjects", name, "versions"), {})


@pytest.mark.parametrize("name", ["\ud800", "x" * 100_000])
async def test_what_no_address_can_hold_is_refused_before_sending(name: str):
    recorder = Recorder()

    with pytest.raises(InvalidRequestError):
        await registry(recorder).version(Subject(name))

    assert recorder.seen == []
