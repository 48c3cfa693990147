"""People edit the store by hand: whatever they commit, the rest stays readable and the reason is told."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from schema_mcp.domain.errors import ConflictError, InvalidSchemaError
from schema_mcp.domain.identity import schema_hash
from schema_mcp.domain.schema import Schema, Subject
from schema_mcp.stores import reader
from schema_mcp.stores.repository import Repository
from schema_mcp.stores.schemastore import AddVersion, SchemaStore, SetMark, SetWish, SubjectWish
from stores.judge import ANN, ORDERS, commit_by_hand, git, store_in, stored

V1 = "SCHEMASTORE/default/orders-value/v1"
GOOD = Subject("good")


@pytest.fixture
async def store(tmp_path: Path) -> SchemaStore:
    store = store_in(tmp_path)
    await store.commit([AddVersion(stored()), AddVersion(stored(GOOD)), SetMark(10_100)], "Add", ANN)
    return store


def metadata(**changes: Any) -> str:
    """The metadata of the one version of orders-value, with some keys changed; None takes a key away."""
    one = stored()
    known = {"schemaId": 10_001, "subject": "orders-value", "version": 1, "schemaHash": one.schema_hash}
    return json.dumps({key: value for key, value in (known | changes).items() if value is not None})


BAD = [
    pytest.param({f"{V1}/metadata.json": "{"}, "not JSON", id="broken-json"),
    pytest.param({f"{V1}/metadata.json": ""}, "not JSON", id="empty"),
    pytest.param({f"{V1}/metadata.json": "[]"}, "not a JSON object", id="a-list"),
    pytest.param({f"{V1}/metadata.json": '{"subject":"a","subject":"b"}'}, "'subject' stands there twice", id="twice"),
    pytest.param(
        {f"{V1}/metadata.json": metadata()[:-1] + ',"metadata":{"a":1,"a":2}}'}, "'a' stands there twice",
        id="twice-inside",
    ),
    pytest.param({f"{V1}/metadata.json": '{"a":NaN}'}, "NaN is not a JSON value", id="nan"),
    pytest.param({f"{V1}/metadata.json": "[" * 100_000}, "nested too deeply", id="deep"),
    pytest.param({f"{V1}/metadata.json": '{"schemaId":' + "9" * 5_000 + "}"}, "not JSON", id="a-huge-number"),
    pytest.param({f"{V1}/metadata.json": metadata(schemaId=None)}, "schemaId is missing", id="no-id"),
    pytest.param({f"{V1}/metadata.json": metadata(schemaId="7")}, "schemaId is '7'", id="an-id-in-quotes"),
    pytest.param({f"{V1}/metadata.json": metadata(schemaId=True)}, "schemaId is True", id="an-id-that-is-true"),
    pytest.param({f"{V1}/metadata.json": metadata(schemaId=2**31)}, "four bytes", id="an-id-beyond-the-wire"),
    pytest.param({f"{V1}/metadata.json": metadata(version=2)}, "folder says v1", id="another-number"),
    pytest.param({f"{V1}/metadata.json": metadata(subject="good")}, "'good', whose folder is good", id="of-another"),
    pytest.param({f"{V1}/metadata.json": metadata(subject=None)}, "subject is missing", id="no-subject"),
    pytest.param({f"{V1}/metadata.json": metadata(context="eu")}, "'.eu', whose folder is eu", id="another-context"),
    pytest.param({f"{V1}/metadata.json": metadata(context="a:b")}, "not a context name", id="no-context"),
    pytest.param({f"{V1}/metadata.json": metadata(schemaType="XML")}, "schemaType is 'XML'", id="unknown-type"),
    pytest.param({f"{V1}/metadata.json": metadata(compatibilityMode="STRICT")}, "one of NONE", id="unknown-level"),
    pytest.param({f"{V1}/metadata.json": metadata(tags="pii")}, "tags is 'pii'", id="tags-as-text"),
    pytest.param({f"{V1}/metadata.json": metadata(tags=[1])}, "tags is", id="tags-as-numbers"),
    pytest.param({f"{V1}/metadata.json": metadata(references=[{}])}, "name is missing", id="half-a-reference"),
    pytest.param({f"{V1}/metadata.json": metadata(schemaHash="0" * 64)}, "schemaHash is 000", id="another-hash"),
    pytest.param({f"{V1}/metadata.json": metadata(metadata={})}, "schemaHash is", id="metadata-beside-the-hash"),
    pytest.param({f"{V1}/schema.avsc": '"edited"'}, "schemaHash is", id="an-edited-schema"),
    pytest.param({f"{V1}/schema.avsc": None}, "needs metadata.json and one of", id="no-schema"),
    pytest.param({f"{V1}/metadata.json": None}, "needs metadata.json and one of", id="no-metadata"),
    pytest.param({f"{V1}/schema.json": "{}"}, "needs metadata.json and one of", id="two-schemas"),
    pytest.param(
        {f"{V1}/schema.avsc": None, f"{V1}/schema.proto": stored().version.schema.text},
        "schemaType is AVRO, which stands in schema.avsc", id="the-wrong-ending",
    ),
    pytest.param({f"{V1}/notes.txt": "?"}, "no file of this name", id="a-stranger-in-the-folder"),
]  # fmt: skip


@pytest.mark.parametrize(("files", "reason"), BAD)
async def test_a_bad_version_is_a_finding_and_the_rest_is_read(
    store: SchemaStore, tmp_path: Path, files: dict[str, str | None], reason: str
):
    commit_by_hand(tmp_path, files)

    fresh = store_in(tmp_path)
    for seen in (store, fresh):
        await seen.refresh()
        [finding] = seen.findings()
        assert reason in finding.reason
        assert finding.path.startswith(V1)
        assert seen.history(ORDERS) == []
        assert seen.history(GOOD) == [stored(GOOD)]
        assert seen.by_id(10_001) == seen.records(GOOD)
        assert seen.high_water() == 10_100


@pytest.mark.parametrize(("files", "reason"), BAD)
async def test_once_mended_nothing_is_left_of_a_finding(
    store: SchemaStore, tmp_path: Path, files: dict[str, str | None], reason: str
):
    commit_by_hand(tmp_path, files)
    await store.refresh()

    git(tmp_path, "revert", "--no-edit", "HEAD")
    await store.refresh()

    assert store.findings() == []
    assert store.history(ORDERS) == [stored()]


@pytest.mark.parametrize(
    ("path", "text", "reason"),
    [
        pytest.param("ids.json", '{"highWater":"x"}', "highWater is 'x'", id="ids"),
        pytest.param("ids.json", '{"reserved":[{"from":1}]}', "to is missing", id="half-a-block"),
        pytest.param("default/context.json", '{"level":"FULLY"}', "level is 'FULLY'", id="context"),
        pytest.param("default/context.json", '{"context":"eu"}', "whose folder is eu", id="of-another-context"),
        pytest.param("default/orders-value/subject.json", '{"mode":"ON"}', "mode is 'ON'", id="subject"),
        pytest.param("default/orders-value/subject.json", '{"subject":"x"}', "whose folder is x", id="of-another"),
        pytest.param("default/~" + "0" * 32 + "/subject.json", "{}", "has to stand in the file", id="a-nameless-hash"),
        pytest.param("default/Orders-value/subject.json", "{}", "does not tell a name", id="capitals-unmarked"),
        pytest.param("default/orders-value/v01/schema.avsc", "{}", "no file of this name", id="a-zero-in-front"),
        pytest.param("default/orders-value/V2/metadata.json", "{}", "no file of this name", id="a-capital-v"),
        pytest.param("default/orders-value/v2", "{}", "no file of this name", id="a-file-for-a-folder"),
        pytest.param("default/orders-value/v1/deeper/x.json", "{}", "no file of this name", id="too-deep"),
        pytest.param("stray.txt", "", "no file of this name", id="at-the-top"),
        pytest.param("eu/stray.avsc", "", "no file of this name", id="in-a-context"),
    ],
)
async def test_any_other_bad_file_is_a_finding_by_its_path(
    store: SchemaStore, tmp_path: Path, path: str, text: str, reason: str
):
    commit_by_hand(tmp_path, {f"SCHEMASTORE/{path}": text})

    await store.refresh()

    [finding] = store.findings()
    assert finding.path == f"SCHEMASTORE/{path}"
    assert reason in finding.reason
    assert store.history(GOOD) == [stored(GOOD)]


@pytest.mark.parametrize("path", ["README.md", "default/readme.md", "eu/.gitkeep", "default/orders-value/v1/README.md"])
async def test_notes_of_people_are_welcome(store: SchemaStore, tmp_path: Path, path: str):
    commit_by_hand(tmp_path, {f"SCHEMASTORE/{path}": "about this folder", "elsewhere/anything.txt": "?"})

    await store.refresh()

    assert store.findings() == []
    assert store.subjects() == [GOOD, ORDERS]


async def test_a_folder_that_claims_the_subject_of_another_is_left_out(store: SchemaStore, tmp_path: Path):
    one = V1.replace("orders-value", "orders-copy")
    text = stored().version.schema.text
    commit_by_hand(tmp_path, {f"{one}/metadata.json": metadata(), f"{one}/schema.avsc": text})

    await store.refresh()

    [finding] = store.findings()
    assert finding.reason == "it speaks of 'orders-value', whose folder is orders-value and not orders-copy"
    assert store.history(ORDERS) == [stored()]


@pytest.mark.parametrize("place", ["SCHEMASTORE", "SCHEMASTORE/eu", "SCHEMASTORE/default/x", f"{V1}/schema.avsc", V1])
async def test_a_link_is_a_finding_and_never_followed(store: SchemaStore, tmp_path: Path, place: str):
    outside = tmp_path / "outside"
    outside.mkdir()
    git(tmp_path, "rm", "-q", "-r", "--ignore-unmatch", place)
    (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / place).symlink_to(outside)
    git(tmp_path, "add", place)
    git(tmp_path, "commit", "-q", "-m", "link")

    fresh = store_in(tmp_path)
    for seen in (store, fresh):
        await seen.refresh()
        assert [finding.path for finding in seen.findings()] == [place]
        assert "it is a link" in seen.findings()[0].reason
        assert (seen.history(GOOD) == []) == (place == "SCHEMASTORE")


async def test_a_submodule_is_a_finding(store: SchemaStore, tmp_path: Path):
    git(tmp_path, "update-index", "--add", "--cacheinfo", f"160000,{store.head},SCHEMASTORE/eu")
    git(tmp_path, "commit", "-q", "-m", "module")

    await store.refresh()

    assert [finding.path for finding in store.findings()] == ["SCHEMASTORE/eu"]


async def test_a_text_that_is_no_schema_is_a_finding(tmp_path: Path):
    def picky(schema: Schema) -> str:
        if "bad" in schema.text:
            raise InvalidSchemaError("bad is not a type")
        return schema_hash(schema)

    await store_in(tmp_path).commit([AddVersion(stored(text='"bad"')), AddVersion(stored(GOOD))], "Add", ANN)
    store = SchemaStore(Repository.open(tmp_path), picky)

    await store.refresh()

    assert [(one.path, one.reason) for one in store.findings()] == [(f"{V1}/schema.avsc", "bad is not a type")]
    assert store.subjects() == [GOOD]


async def test_a_schema_that_is_not_utf8_is_a_finding(store: SchemaStore, tmp_path: Path):
    (tmp_path / V1 / "schema.avsc").write_bytes(b"\xff\xfe")
    git(tmp_path, "commit", "-q", "-am", "bytes")

    await store.refresh()

    assert [one.reason for one in store.findings()] == ["it is not UTF-8"]


async def test_a_huge_file_is_a_finding_and_not_read(
    store: SchemaStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(reader, "LARGEST_FILE", 1_000)
    commit_by_hand(tmp_path, {f"{V1}/schema.avsc": " " * 2_000})

    await store.refresh()

    assert [one.reason for one in store.findings()] == ["it is larger than 1,000 bytes"]


async def test_gaps_between_numbers_are_nothing_bad(store: SchemaStore):
    await store.commit([AddVersion(stored(number=7, schema_id=10_007))], "Add v7", ANN)

    assert store.findings() == []
    assert [one.version.number for one in store.history(ORDERS)] == [1, 7]


async def test_what_cannot_be_read_is_not_written_over(store: SchemaStore, tmp_path: Path):
    subject_file = "SCHEMASTORE/default/orders-value/subject.json"
    head = commit_by_hand(tmp_path, {f"{V1}/metadata.json": "{", subject_file: "{", "SCHEMASTORE/ids.json": "{"})
    await store.refresh()

    for change in (AddVersion(stored()), SetWish(ORDERS, SubjectWish(owner="a")), SetMark(20_000)):
        with pytest.raises(ConflictError, match="cannot be read"):
            await store.commit([change], "Change", ANN)

    assert store.repository.head == head


async def test_keys_that_others_added_survive_our_changes(store: SchemaStore, tmp_path: Path):
    subject_file = "SCHEMASTORE/default/orders-value/subject.json"
    context_file = "SCHEMASTORE/default/context.json"
    commit_by_hand(tmp_path, {subject_file: '{"owner":"a","x-cost":5}', context_file: '{"x-team":"b"}'})

    await store.commit([SetWish(ORDERS, SubjectWish(owner="c"))], "New owner", ANN)

    assert json.loads((tmp_path / subject_file).read_bytes()) == {"owner": "c", "x-cost": 5}
    assert json.loads((tmp_path / context_file).read_bytes()) == {"x-team": "b"}


async def test_a_store_full_of_findings_is_read_in_good_time(tmp_path: Path):
    repository = Repository.create(tmp_path, bare=True)
    files: dict[str, bytes | None] = {f"SCHEMASTORE/default/s{n}/v1/metadata.json": b"{" for n in range(5_000)}
    repository.commit(files, "Nonsense", ANN, None)
    store = SchemaStore(repository, schema_hash)

    began = time.monotonic()
    await store.refresh()

    assert len(store.findings()) == 5_000
    assert time.monotonic() - began < 30
