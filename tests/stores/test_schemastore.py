"""What the store keeps, in which files, and how changes become commits."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from schema_mcp.domain.allocation import Block
from schema_mcp.domain.errors import ConflictError, InvalidRequestError, InvalidSchemaError, NotFoundError
from schema_mcp.domain.schema import Level, Mode, Reference, SchemaType, Subject
from schema_mcp.stores.schemastore import (
    AddVersion,
    ContextWish,
    RemoveVersion,
    ReserveBlock,
    SchemaStore,
    SetContextWish,
    SetMark,
    SetWish,
    SubjectWish,
    UpdateVersion,
)
from stores.judge import ANN, ORDERS, agrees, git, store_in, stored

PAYMENTS = Subject("payments-value", ".eu")


@pytest.fixture
def store(tmp_path: Path) -> SchemaStore:
    return store_in(tmp_path)


async def test_a_new_store_holds_nothing(store: SchemaStore):
    await store.refresh()

    assert store.head is None
    assert (store.subjects(), store.contexts(), store.history(ORDERS), store.findings()) == ([], [], [], [])
    assert store.version(ORDERS, "latest") is None
    assert store.wish(ORDERS) == SubjectWish()
    assert store.context_wish(".") == ContextWish()
    assert (store.high_water(), store.blocks()) == (0, ())


async def test_a_version_stands_in_two_files_that_a_person_can_read(store: SchemaStore, tmp_path: Path):
    references = (Reference("com.example.Customer", ":.eu:customer", 2),)
    one = stored(
        PAYMENTS, 3, 10_042, 'syntax = "proto3";\n', type=SchemaType.PROTOBUF, references=references,
        description="Payments, as taken", tags=("pii", "zürich"), metadata={"properties": {"owner": "team-a"}},
    )  # fmt: skip

    await store.commit([AddVersion(one)], "Add payments-value v3 (ID: 10042)", ANN)

    folder = tmp_path / "SCHEMASTORE" / "eu" / "payments-value" / "v3"
    assert (folder / "schema.proto").read_text(encoding="utf-8") == 'syntax = "proto3";\n'
    text = (folder / "metadata.json").read_text(encoding="utf-8")
    assert text == json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n"
    assert json.loads(text) == {
        "schemaId": 10_042,
        "subject": "payments-value",
        "version": 3,
        "context": "eu",
        "schemaType": "PROTOBUF",
        "compatibilityMode": "BACKWARD",
        "deploymentRegions": ["eu"],
        "createdAt": "2026-03-01T12:00:00Z",
        "createdBy": "ann",
        "description": "Payments, as taken",
        "tags": ["pii", "zürich"],
        "schemaHash": one.schema_hash,
        "references": [{"name": "com.example.Customer", "subject": ":.eu:customer", "version": 2}],
        "metadata": {"properties": {"owner": "team-a"}},
    }
    assert list(json.loads(text))[:4] == ["schemaId", "subject", "version", "context"]
    assert agrees(store.repository)


@pytest.mark.parametrize(
    "one",
    [
        pytest.param(stored(), id="plain"),
        pytest.param(stored(level=None, targets=(), created_by="", created_at=""), id="sparse"),
        pytest.param(stored(deleted=True), id="retired"),
        pytest.param(stored(metadata={}, rule_set={}), id="empty-metadata-is-not-none"),
        pytest.param(stored(rule_set={"domainRules": [{"name": "r"}]}), id="rules"),
        pytest.param(stored(text="a\r\nb\u2028c \n\n", type=SchemaType.JSON), id="every-byte-of-the-text"),
        pytest.param(stored(Subject("Orders-Value")), id="capitals"),
        pytest.param(stored(Subject("../..//é:*", ".default")), id="a-name-no-disk-holds"),
        pytest.param(stored(schema_id=-(2**31)), id="an-id-that-wrapped-around"),
        pytest.param(stored(description='line\n\ud800\U0001f600 "quoted"'), id="a-difficult-description"),
        pytest.param(stored(extra={"ticket": [1, {"a": None}], "zz": 1.5}), id="keys-of-others"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("bare", [True, False], ids=["bare", "checked-out"])
async def test_what_was_stored_is_read_back_the_same(tmp_path: Path, one, bare: bool):
    store = store_in(tmp_path, bare=bare)
    await store.commit([AddVersion(one)], "Add", ANN)
    subject, number = one.version.subject, one.version.number

    other = store_in(tmp_path)
    await other.refresh()

    for reader in (store, other):
        assert reader.findings() == []
        assert reader.subjects() == [subject]
        assert reader.version(subject, number) == one
        assert reader.history(subject) == [one]
        assert [(r.subject, r.number) for r in reader.holders(one.schema_hash)] == [(subject, number)]
        assert [(r.subject, r.number) for r in reader.by_id(one.version.id)] == [(subject, number)]
    assert agrees(store.repository)


async def test_names_that_differ_only_by_case_live_side_by_side(store: SchemaStore, tmp_path: Path):
    names = ["orders-value", "Orders-Value", "ORDERS-VALUE", "con", "CON", "café", "cafe\u0301", "a/b", "a\\b"]
    await store.commit([AddVersion(stored(Subject(name), text=f'"{name}"')) for name in names], "Add", ANN)

    assert {subject.name for subject in store.subjects()} == set(names)
    folders = [folder.name.casefold() for folder in (tmp_path / "SCHEMASTORE" / "default").iterdir()]
    assert len(set(folders)) == len(names)
    assert store.findings() == []


async def test_versions_come_in_order_and_the_latest_is_not_retired(store: SchemaStore):
    numbers = (10, 2, 9, 11)
    await store.commit([AddVersion(stored(number=n, deleted=n == 11)) for n in numbers], "Add", ANN)

    assert [one.version.number for one in store.history(ORDERS)] == [2, 9, 10, 11]
    latest, retired = store.version(ORDERS, "latest"), store.version(ORDERS, 11)
    assert latest is not None
    assert latest.version.number == 10
    assert retired is not None
    assert retired.version.deleted
    assert store.version(ORDERS, 3) is None


async def test_subjects_and_contexts_are_listed(store: SchemaStore):
    changes = [AddVersion(stored()), AddVersion(stored(PAYMENTS)), SetContextWish(".us", ContextWish(Level.FULL))]
    await store.commit(changes, "Add", ANN)

    assert store.subjects() == [ORDERS, PAYMENTS]
    assert store.subjects(".eu") == [PAYMENTS]
    assert store.contexts() == [".", ".eu", ".us"]


async def test_a_batch_is_one_commit_with_its_trailers(store: SchemaStore, tmp_path: Path):
    trailers = {"Tool": "register_schema", "Request-Id": "r-1\nTool: forged", "Plan": "", "Reason": "  two\t words "}
    changes = [AddVersion(stored(number=n)) for n in (1, 2)] + [SetMark(10_100)]

    head = await store.commit(changes, "Add orders-value v1 and v2\n\nThe body.\n", ANN, trailers)

    assert store.head == head == git(tmp_path, "rev-parse", "HEAD")
    assert git(tmp_path, "rev-list", "--count", "HEAD") == "1"
    assert git(tmp_path, "log", "-1", "--format=%B").startswith("Add orders-value v1 and v2\n\nThe body.\n\n")
    assert git(tmp_path, "log", "-1", "--format=%(trailers)").splitlines() == [
        "Tool: register_schema", "Request-Id: r-1 Tool: forged", "Reason: two words",
    ]  # fmt: skip
    assert store.high_water() == 10_100


async def test_history_in_git_is_told_per_subject(store: SchemaStore):
    await store.commit([AddVersion(stored())], "Add orders", ANN)
    await store.commit([AddVersion(stored(PAYMENTS))], "Add payments", ANN)

    assert [commit.message for commit in await store.log("eu/payments-value")] == ["Add payments\n"]
    assert len(await store.log()) == 2


async def test_the_same_version_twice_is_no_change(store: SchemaStore):
    head = await store.commit([AddVersion(stored())], "Add", ANN)

    assert await store.commit([AddVersion(stored(description="said differently"))], "Again", ANN) == head


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(stored(text='"int"'), id="other-text"),
        pytest.param(stored(schema_id=10_002), id="other-id"),
        pytest.param(stored(metadata={}), id="other-metadata"),
    ],
)
async def test_a_version_never_gets_other_content(store: SchemaStore, other):
    head = await store.commit([AddVersion(stored())], "Add", ANN)

    for change in (AddVersion(other), UpdateVersion(other)):
        with pytest.raises(ConflictError, match="orders-value v1"):
            await store.commit([AddVersion(stored(number=2)), change], "Again", ANN)

    assert store.repository.head == head
    assert store.history(ORDERS) == [stored()]


async def test_a_batch_that_contradicts_itself_is_refused(store: SchemaStore):
    with pytest.raises(ConflictError):
        await store.commit([AddVersion(stored()), AddVersion(stored(text='"int"'))], "Add", ANN)

    assert store.repository.head is None


async def test_a_false_hash_is_refused_before_it_is_written(store: SchemaStore):
    with pytest.raises(InvalidSchemaError, match="hash"):
        await store.commit([AddVersion(stored(schema_hash="0" * 64))], "Add", ANN)

    assert store.repository.head is None


async def test_a_text_that_utf8_cannot_carry_is_refused(store: SchemaStore):
    with pytest.raises(InvalidSchemaError, match="surrogate"):
        await store.commit([AddVersion(stored(text='"\ud800"'))], "Add", ANN)


async def test_what_is_not_json_is_refused(store: SchemaStore):
    with pytest.raises(InvalidRequestError):
        await store.commit([AddVersion(stored(extra={"score": float("nan")}))], "Add", ANN)


async def test_metadata_can_be_changed_and_a_version_retired(store: SchemaStore):
    one = stored(extra={"ticket": 7})
    await store.commit([AddVersion(one)], "Add", ANN)
    other = replace(one, description="new", tags=("a",), targets=(), version=replace(one.version, deleted=True))

    await store.commit([UpdateVersion(other)], "Retire orders-value v1", ANN)

    assert store.history(ORDERS) == [other]
    assert store.version(ORDERS, "latest") is None
    assert agrees(store.repository)


async def test_keys_of_others_never_displace_ours(store: SchemaStore):
    await store.commit([AddVersion(stored(extra={"schemaId": 5, "deleted": True, "mine": 1}))], "Add", ANN)

    [one] = store.history(ORDERS)
    assert (one.version.id, one.version.deleted, one.extra) == (10_001, False, {"mine": 1})


async def test_a_removed_version_is_gone_and_its_folder_too(store: SchemaStore, tmp_path: Path):
    await store.commit([AddVersion(stored(number=n)) for n in (1, 2)], "Add", ANN)

    await store.commit([RemoveVersion(ORDERS, 1)], "Remove orders-value v1", ANN)

    assert [one.version.number for one in store.history(ORDERS)] == [2]
    assert store.holders(stored(number=1).schema_hash) == ()
    assert [folder.name for folder in (tmp_path / "SCHEMASTORE" / "default" / "orders-value").iterdir()] == ["v2"]
    with pytest.raises(NotFoundError):
        await store.commit([RemoveVersion(ORDERS, 1)], "Again", ANN)
    with pytest.raises(NotFoundError):
        await store.commit([UpdateVersion(stored(number=1))], "Again", ANN)


@pytest.mark.parametrize("subject", [ORDERS, PAYMENTS, Subject("a/b", ".default"), Subject("Orders")], ids=str)
async def test_a_wish_is_kept_and_taken_back(store: SchemaStore, tmp_path: Path, subject: Subject):
    wish = SubjectWish(Level.FULL, Mode.READONLY, ("eu", "us"), "team-a", ("pii",), "All orders")
    await store.commit([SetWish(subject, wish)], "Wish", ANN)

    other = store_in(tmp_path)
    await other.refresh()
    for reader in (store, other):
        assert (reader.wish(subject), reader.wishes(), reader.findings()) == (wish, {subject: wish}, [])
        assert reader.subjects() == []

    await store.commit([SetWish(subject, SubjectWish())], "Wish no more", ANN)
    assert store.wishes() == {}
    assert not (tmp_path / "SCHEMASTORE").exists()


async def test_no_targets_and_open_targets_are_two_wishes(store: SchemaStore):
    await store.commit([SetWish(ORDERS, SubjectWish(targets=()))], "Nowhere", ANN)
    assert store.wish(ORDERS).targets == ()

    await store.commit([SetWish(ORDERS, SubjectWish(owner="team-a"))], "Anywhere", ANN)
    assert store.wish(ORDERS).targets is None


@pytest.mark.parametrize("context", [".", ".eu", ".default", ".EU"])
async def test_a_context_has_wishes_too(store: SchemaStore, tmp_path: Path, context: str):
    wish = ContextWish(Level.FULL, Mode.READONLY, {"normalize": True})
    await store.commit([SetContextWish(context, wish)], "Wish", ANN)

    other = store_in(tmp_path)
    await other.refresh()
    assert (other.context_wish(context), other.contexts(), other.findings()) == (wish, [context], [])
    await store.commit([SetContextWish(context, ContextWish())], "Wish no more", ANN)
    assert store.contexts() == []


async def test_the_mark_never_falls_and_blocks_never_overlap(store: SchemaStore, tmp_path: Path):
    await store.commit([SetMark(10_100), ReserveBlock(Block(20_000, 20_999, "us"))], "Move the mark", ANN)
    await store.commit([SetMark(10_050), ReserveBlock(Block(21_000, 21_999, "ap"))], "Move it back?", ANN)

    assert store.high_water() == 10_100
    assert store.blocks() == (Block(20_000, 20_999, "us"), Block(21_000, 21_999, "ap"))
    assert json.loads((tmp_path / "SCHEMASTORE" / "ids.json").read_bytes()) == {
        "highWater": 10_100,
        "reserved": [{"from": 20_000, "to": 20_999, "owner": "us"}, {"from": 21_000, "to": 21_999, "owner": "ap"}],
    }
    head = await store.commit([ReserveBlock(Block(20_000, 20_999, "us"))], "Again", ANN)
    assert head == store.head
    with pytest.raises(ConflictError, match="20000 to 20999 of us"):
        await store.commit([ReserveBlock(Block(20_999, 21_500, "eu"))], "Overlap", ANN)


async def test_nothing_to_change_makes_no_commit(store: SchemaStore):
    head = await store.commit([AddVersion(stored())], "Add", ANN)

    assert await store.commit([], "Nothing", ANN) == head
    assert await store.commit([SetWish(PAYMENTS, SubjectWish())], "Nothing", ANN) == head


async def test_an_uncommitted_edit_of_a_person_is_refused_by_name(store: SchemaStore, tmp_path: Path):
    head = await store.commit([AddVersion(stored())], "Add", ANN)
    edited = tmp_path / "SCHEMASTORE" / "default" / "orders-value" / "v1" / "metadata.json"
    edited.write_text("{}", encoding="utf-8")

    with pytest.raises(ConflictError, match=r"orders-value/v1/metadata\.json"):
        await store.commit([UpdateVersion(stored(description="new"))], "Describe", ANN)

    assert store.repository.head == head
    assert edited.read_text(encoding="utf-8") == "{}"
