"""A bundle or a folder that somebody gave us, as a registry that can be moved from."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from anyio import to_thread

from schema_mcp.domain import manifest
from schema_mcp.domain.errors import InvalidRequestError
from schema_mcp.domain.identity import schema_hash
from schema_mcp.domain.manifest import Listed
from schema_mcp.domain.schema import Version
from schema_mcp.registries.bundle import BundleRegistry, Own
from schema_mcp.registries.contract import Registry
from schema_mcp.services import loose, snapshots, unpacking
from schema_mcp.services.unpacking import Files

_NAMED: Final = 12
_AGAIN: Final = "Somebody changed it, or it was damaged on its way: copy it again, or export again."


@dataclass(frozen=True, slots=True)
class Offer:
    """What a bundle or a folder offers."""

    registry: BundleRegistry
    sha256: str
    """One name for all that is in it."""

    keeps_identity: bool
    """Is it a bundle, with ids, numbers and settings, or a folder of plain files?"""

    origin: str
    """Where and when a bundle was made; empty for a folder."""

    ignored: tuple[str, ...] = ()
    """Files that hold no schema."""


async def offered(path: Path, target: Registry, context: str) -> Offer:
    """What stands at a path. Plain files are numbered after what the target holds in a context.

    Raises `InvalidRequestError` where it is damaged, was tampered with, or is no good, `NotFoundError`.
    """
    files = await to_thread.run_sync(unpacking.contents, path)
    if manifest.FILE in files:
        return await to_thread.run_sync(_bundle, files)
    folder = await to_thread.run_sync(loose.sorted_out, files, context)
    subjects = {one.subject for one in folder.files}
    there = await snapshots.of_registry(target, subjects.__contains__, context=context, subjects=sorted(subjects))
    versions = await to_thread.run_sync(loose.numbered, folder, there)
    digest = _digest(files)
    return Offer(BundleRegistry(_name(digest), versions, {}), digest, False, "", tuple(folder.ignored))


def _bundle(files: Files) -> Offer:
    told = manifest.read(_text(files, manifest.FILE))
    _check_sums(files, [one.file for one in told.versions])
    versions = [_version(one, files) for one in told.versions]
    manifest.refuse_shared_ids((version, schema_hash(version.schema)) for version in versions)
    settings = {one.scope: Own(one.config, one.mode) for one in told.settings}
    digest = _digest(files)
    registry = BundleRegistry(_name(digest), versions, settings)
    return Offer(registry, digest, True, f"{told.source}, {told.created_at}")


def _check_sums(files: Files, listed: list[str]) -> None:
    """Every file has the digest that was written down for it, and nothing else is there."""
    sums: dict[str, str] = {}
    for line in _text(files, manifest.SUMS).splitlines():
        digest, _, name = line.partition("  ")
        sums[name] = digest
    wanted = {manifest.FILE, *listed}
    if odd := sorted(files.keys() ^ {manifest.SUMS, *wanted}) or sorted(sums.keys() ^ wanted):
        where = "lacks" if odd[0] not in files else "holds"
        raise InvalidRequestError(f"The bundle {where} {odd[0][:200]!r}, unlike its manifest says", hint=_AGAIN)
    for name, digest in sums.items():
        if hashlib.sha256(files[name]).hexdigest() != digest:
            raise InvalidRequestError(f"{name!r} is not what the bundle's checksums say", hint=_AGAIN)


def _version(one: Listed, files: Files) -> Version:
    if hashlib.sha256(files[one.file]).hexdigest() != one.sha256:
        raise InvalidRequestError(f"{one.file!r} is not what the manifest says", hint=_AGAIN)
    return replace(one.version, schema=replace(one.version.schema, text=_text(files, one.file)))


def _text(files: Files, name: str) -> str:
    try:
        return files[name].decode()
    except KeyError:
        raise InvalidRequestError(f"The bundle lacks {name!r}", hint=_AGAIN) from None
    except UnicodeDecodeError as error:
        raise InvalidRequestError(f"{name!r} in the bundle is no text", hint=_AGAIN) from error


def _digest(files: Files) -> str:
    sha = hashlib.sha256()
    for name in sorted(files):
        sha.update(f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n".encode("utf-8", "surrogatepass"))
    return sha.hexdigest()


def _name(digest: str) -> str:
    return f"bundle@{digest[:_NAMED]}"
