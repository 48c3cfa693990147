"""What a bundle is refused for: everything that is not as export_schemas wrote it."""

import gzip
import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schema_mcp.domain.errors import InvalidRequestError, NotFoundError, SchemaMcpError
from schema_mcp.domain.manifest import Setting
from schema_mcp.domain.schema import Mode, Reference, Schema, SchemaType, Subject, Version
from schema_mcp.registries.bundle import BundleRegistry
from schema_mcp.services import bundles, packing, unpacking
from services.world import V1, V2, World, record

NOW = datetime(2026, 3, 1, tzinfo=UTC)
NOWHERE: Any = BundleRegistry("nowhere", [], {})
ORDERS = Subject("orders-value")
VERSIONS = [
    Version(ORDERS, 1, 10, Schema(V1)),
    Version(ORDERS, 2, 11, Schema(V2, metadata={"properties": {"a": "b"}}), deleted=True),
    Version(
        Subject("Ünïcode/x", ".eu"),
        7,
        10,
        Schema("{}", SchemaType.JSON, (Reference("a.json", ":.:orders-value", -1),)),
        timestamp=5,
    ),
]
SETTINGS = [Setting(ORDERS, {"compatibilityLevel": "FULL"}, None), Setting(Subject(""), None, Mode.READONLY)]
FORMS = ("zip", "tar.gz")

every_form = pytest.mark.parametrize("form", FORMS)


def made(form: Any = "zip", versions: list[Version] | None = None) -> bytes:
    return packing.bundle("dev", VERSIONS if versions is None else versions, SETTINGS, NOW, form)


async def opened(data: bytes, folder: Path) -> bundles.Offer:
    path = folder / "a.bundle"
    path.write_bytes(data)
    return await bundles.offered(path, NOWHERE, ".")


def files_of(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def resealed(change: Callable[[dict[str, Any]], None]) -> bytes:
    """A bundle whose manifest somebody changed, with checksums that fit again."""
    files = files_of(made())
    told = json.loads(files["manifest.json"])
    change(told)
    files["manifest.json"] = json.dumps(told).encode()
    lines = files["SHA256SUMS"].decode().splitlines()
    kept = [line for line in lines if not line.endswith("manifest.json")]
    sums = [f"{hashlib.sha256(files['manifest.json']).hexdigest()}  manifest.json", *kept]
    files["SHA256SUMS"] = ("\n".join(sums) + "\n").encode()
    return packing.packed(files.items(), "zip")


def tar(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for info, data in members:
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def zipped(*members: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return out.getvalue()


def info(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    made_ = tarfile.TarInfo(name)
    made_.type, made_.linkname = kind, target
    return made_


def symlink(name: str) -> zipfile.ZipInfo:
    link = zipfile.ZipInfo(name)
    link.create_system, link.external_attr = 3, 0o120777 << 16
    return link


@every_form
async def test_what_was_packed_is_read_again(form: str, tmp_path: Path):
    offer = await opened(made(form), tmp_path)

    found = [one async for one in offer.registry.versions(deleted=True)]
    assert sorted(found, key=str) == sorted(VERSIONS, key=str)
    assert await offer.registry.config(ORDERS) == {"compatibilityLevel": "FULL"}
    assert await offer.registry.mode(Subject("")) is Mode.READONLY
    assert offer.keeps_identity
    assert offer.origin == "dev, 2026-03-01T00:00:00.000Z"


@every_form
def test_the_same_content_gives_the_same_bytes(form: str):
    assert made(form) == made(form)


def test_the_checksums_are_those_of_the_common_tool(tmp_path: Path):
    files = files_of(made())

    for line in files["SHA256SUMS"].decode().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256(files[name]).hexdigest() == digest
    assert len(files) == len(VERSIONS) + 2


@every_form
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.99])
async def test_a_truncated_bundle_is_refused(form: str, part: float, tmp_path: Path):
    data = made(form)

    with pytest.raises(InvalidRequestError):
        await opened(data[: int(len(data) * part)], tmp_path)


@given(place=st.integers(0, 10_000), value=st.integers(1, 255), form=st.sampled_from(FORMS))
@settings(max_examples=60, deadline=None)
def test_no_flipped_byte_changes_what_is_read(tmp_path_factory, place: int, value: int, form: str):
    data = bytearray(made(form))
    data[place % len(data)] ^= value
    path = tmp_path_factory.getbasetemp() / "flipped"
    path.write_bytes(data)

    try:
        files = unpacking.contents(path)
        offer = bundles._bundle(files)
    except SchemaMcpError:
        return
    assert offer.sha256 == bundles._digest(files_of(made()))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        pytest.param(lambda files: files.update({"extra.txt": b"x"}), "holds 'extra.txt'", id="one-more"),
        pytest.param(lambda files: files.pop(max(files)), "lacks", id="one-less"),
        pytest.param(lambda files: files.update({max(files): b"{ }"}), "checksums", id="another-text"),
        pytest.param(lambda files: files.pop("SHA256SUMS"), "lacks 'SHA256SUMS'", id="no-checksums"),
        pytest.param(
            lambda files: files.update({"SHA256SUMS": b"zz  manifest.json\n"}), "lacks|holds", id="few-checksums"
        ),
        pytest.param(lambda files: files.update({"manifest.json": b"[" * 100_000}), "not JSON", id="deep-manifest"),
        pytest.param(lambda files: files.update({"manifest.json": b"\xff"}), "no text", id="no-utf8"),
        pytest.param(lambda files: files.update({"manifest.json": b"[]"}), "not the manifest", id="another-json"),
    ],
)
async def test_a_bundle_that_was_tampered_with_is_refused(change: Any, why: str, tmp_path: Path):
    files = files_of(made())
    change(files)

    with pytest.raises(InvalidRequestError, match=why):
        await opened(packing.packed(files.items(), "zip"), tmp_path)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        pytest.param({"version": 2}, "of version 2, and this release reads version 1", id="newer"),
        pytest.param({"version": None}, "of version None", id="no-version"),
        pytest.param({"format": "zip"}, "not the manifest of a bundle", id="another-format"),
        pytest.param({"versions": {}}, "versions is no list", id="no-list"),
        pytest.param({"settings": [1]}, "settings\\[0\\] is no object", id="odd-setting"),
        pytest.param({"settings": [{"context": "eu", "mode": "OPEN"}]}, "no setting", id="odd-mode"),
        pytest.param({"source": 1}, "has no source", id="no-source"),
    ],
)
async def test_a_manifest_that_is_none_is_refused(change: dict[str, Any], why: str, tmp_path: Path):
    with pytest.raises(InvalidRequestError, match=why):
        await opened(resealed(lambda told: told.update(change)), tmp_path)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        pytest.param({"version": 0}, "no version between", id="version-0"),
        pytest.param({"version": True}, "no version between", id="version-true"),
        pytest.param({"schemaId": 2**31}, "no schemaId between", id="huge-id"),
        pytest.param({"subject": ""}, "no registry takes", id="no-subject"),
        pytest.param({"subject": "a\x00b"}, "no registry takes", id="unprintable-subject"),
        pytest.param({"context": "a:b"}, "not a context name", id="odd-context"),
        pytest.param({"schemaType": "XML"}, "none of AVRO", id="odd-type"),
        pytest.param({"references": [{"name": "a"}]}, "reference without a version", id="odd-reference"),
        pytest.param({"metadata": {"tags": 1}}, "tags", id="odd-metadata"),
        pytest.param({"deleted": "yes"}, "neither true nor false", id="odd-flag"),
        pytest.param({"timestamp": "now"}, "no number", id="odd-time"),
        pytest.param({"file": "../../etc/passwd"}, "its place is schemas/", id="file-outside"),
        pytest.param({"sha256": "x"}, "no SHA-256", id="no-digest"),
        pytest.param({"sha256": "0" * 64}, "not what the manifest says", id="another-digest"),
    ],
)
async def test_a_row_that_is_none_is_refused(change: dict[str, Any], why: str, tmp_path: Path):
    with pytest.raises(InvalidRequestError, match=why):
        await opened(resealed(lambda told: told["versions"][0].update(change)), tmp_path)


async def test_two_schemas_with_one_id_are_refused(tmp_path: Path):
    two = [Version(ORDERS, 1, 10, Schema(V1)), Version(Subject("other"), 1, 10, Schema(V2))]

    with pytest.raises(InvalidRequestError, match=r"id 10 stands for two schemas, orders-value v1 and other v1"):
        await opened(made(versions=two), tmp_path)


async def test_one_schema_may_have_its_id_under_two_subjects(tmp_path: Path):
    two = [Version(ORDERS, 1, 10, Schema(V1)), Version(Subject("other"), 1, 10, Schema(V1))]

    assert (await opened(made(versions=two), tmp_path)).keeps_identity


async def test_a_version_that_stands_there_twice_is_refused(tmp_path: Path):
    with pytest.raises(InvalidRequestError, match="twice"):
        await opened(resealed(lambda told: told["versions"].append(told["versions"][0])), tmp_path)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        pytest.param(tar((info("../a.avsc"), b"{}")), "leads outside", id="tar-up"),
        pytest.param(tar((info("/etc/passwd"), b"{}")), "leads outside", id="tar-absolute"),
        pytest.param(tar((info("a.avsc", tarfile.SYMTYPE, "/etc/passwd"), b"")), "no plain file", id="tar-symlink"),
        pytest.param(tar((info("a.avsc", tarfile.LNKTYPE, "b"), b"")), "no plain file", id="tar-hardlink"),
        pytest.param(tar((info("a.avsc", tarfile.FIFOTYPE), b"")), "no plain file", id="tar-fifo"),
        pytest.param(tar((info("a.avsc", tarfile.CHRTYPE), b"")), "no plain file", id="tar-device"),
        pytest.param(tar((info("a.avsc"), b"{}"), (info("a.avsc"), b"[]")), "twice", id="tar-twice"),
        pytest.param(tar((info("x/./a.avsc"), b"{}"), (info("x/a.avsc"), b"[]")), "twice", id="tar-twice-otherwise"),
        pytest.param(zipped(("../a.avsc", b"{}")), "leads outside", id="zip-up"),
        pytest.param(zipped(("x/../../a.avsc", b"{}")), "leads outside", id="zip-through"),
        pytest.param(zipped(("/a.avsc", b"{}")), "leads outside", id="zip-absolute"),
        pytest.param(zipped(("C:\\a.avsc", b"{}")), "leads outside", id="zip-drive"),
        pytest.param(zipped((symlink("a.avsc"), b"/etc/passwd")), "no plain file", id="zip-symlink"),
        pytest.param(b"PK\x03\x04 and no more", "cannot be read", id="zip-torn"),
        pytest.param(b"\x1f\x8b and no more", "cannot be read", id="gzip-torn"),
        pytest.param(gzip.compress(b"no tar"), "cannot be read", id="gzip-of-nothing"),
        pytest.param(b"%PDF", "neither a zip nor a tar.gz", id="something-else"),
        pytest.param(b"", "neither a zip nor a tar.gz", id="empty"),
    ],
)
async def test_an_archive_that_is_no_good_is_refused(data: bytes, why: str, tmp_path: Path):
    with pytest.raises(InvalidRequestError, match=why):
        await opened(data, tmp_path)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(tar((info("a.avsc"), b"\0" * 40_000_000)), id="tar"),
        pytest.param(zipped(("a.avsc", b"\0" * 40_000_000)), id="zip"),
        pytest.param(tar((info("x" * 30_000_000), b"")), id="a-name-of-a-tar"),
    ],
)
async def test_a_bomb_is_refused_before_it_goes_off(data: bytes, tmp_path: Path):
    assert len(data) < 100_000

    with pytest.raises(InvalidRequestError, match=r"would become|cannot be read"):
        await opened(data, tmp_path)


async def test_too_many_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(unpacking, "MOST_FILES", 3)

    for data in (
        zipped(*((f"{n}.avsc", b"{}") for n in range(4))),
        tar(*((info(f"{n}.avsc"), b"{}") for n in range(4))),
    ):
        with pytest.raises(InvalidRequestError, match="more than 3 files"):
            await opened(data, tmp_path)


# --- where files may be ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["../secret.zip", "/etc/passwd", "link.zip", "linked/secret.zip", "a\0b", "", "."][:5])
async def test_nothing_outside_of_the_export_folder_is_read(world: World, path: str):
    exports = world.workspace.exports
    exports.mkdir(parents=True)
    secret = exports.parent / "secret.zip"
    secret.write_bytes(made())
    (exports / "link.zip").symlink_to(secret)
    (exports / "linked").symlink_to(exports.parent)

    with pytest.raises((InvalidRequestError, NotFoundError)):
        await world.read("import_schemas", {"path": path, "registry": "prod"})


async def test_links_within_a_folder_are_left_alone(world: World):
    folder = world.workspace.exports / "in"
    folder.mkdir(parents=True)
    secret = world.workspace.exports.parent / "secret.avsc"
    secret.write_text(V1)
    (folder / "secret.avsc").symlink_to(secret)
    (folder / "up").symlink_to(world.workspace.exports.parent)
    (folder / "mine.avsc").write_text(record("id:long", name="Mine"))

    seen: Any = await world.read("import_schemas", {"path": "in", "registry": "prod"})

    assert [step.subject for step in seen.preview.steps] == ["mine"]


async def test_an_export_replaces_a_link_and_follows_none(world: World):
    await world.registry("dev").register(ORDERS, Schema(V1))
    exports = world.workspace.exports
    exports.mkdir(parents=True)
    elsewhere = exports.parent / "elsewhere.txt"
    elsewhere.write_text("mine")
    (exports / "orders-value-v1.avsc").symlink_to(elsewhere)

    await world.read("export_schema", {"subject": "orders-value", "to_file": True})

    assert elsewhere.read_text() == "mine"
    assert (exports / "orders-value-v1.avsc").read_text() == V1.replace(" ", "")
    assert [one.name for one in exports.iterdir()] == ["orders-value-v1.avsc"]
