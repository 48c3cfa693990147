"""Write a bundle: a zip or a tar.gz with a manifest, the texts, and the digests of all of them.

The same content gives the same bytes: no file in it has a time or an owner of its own.
"""

import gzip
import hashlib
import io
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal, TypeAlias

from schema_mcp.domain import manifest
from schema_mcp.domain.errors import InvalidRequestError
from schema_mcp.domain.identity import is_unicode
from schema_mcp.domain.manifest import Listed, Manifest, Setting
from schema_mcp.domain.schema import Version
from schema_mcp.stores.clock import stamp

Archive: TypeAlias = Literal["zip", "tar.gz"]
Files: TypeAlias = Iterable[tuple[str, bytes]]
"""Names inside an archive, and what stands there."""

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first moment that a zip can say
_PLAIN_FILE = 0o100644 << 16


def bundle(
    source: str, versions: Sequence[Version], settings: Sequence[Setting], now: datetime, archive: Archive
) -> bytes:
    """Versions and settings as a bundle that can be restored.

    Raises `InvalidRequestError` for a text that no file can hold.
    """
    texts = {manifest.file_of(one): _bytes(one) for one in versions}
    listed = [Listed(one, file, _sha256(texts[file])) for one, file in zip(versions, texts, strict=True)]
    told = manifest.written(Manifest(source, stamp(now), listed, settings)).encode("utf-8", "surrogatepass")
    sums = [(_sha256(told), manifest.FILE), *((one.sha256, one.file) for one in listed)]
    lines = "".join(f"{digest}  {name}\n" for digest, name in sums).encode()
    return packed([(manifest.FILE, told), (manifest.SUMS, lines), *texts.items()], archive)


def packed(files: Files, archive: Archive) -> bytes:
    """Files as an archive."""
    return _PACKERS[archive](files)


def _bytes(version: Version) -> bytes:
    if not is_unicode(version.schema.text):
        raise InvalidRequestError(
            f"{version.subject} v{version.number} holds half of a surrogate pair, which no file can hold",
            hint="Leave that subject out.",
        )
    return version.schema.text.encode()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _zip(files: Files) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            info = zipfile.ZipInfo(name, _EPOCH)
            info.compress_type, info.external_attr, info.create_system = zipfile.ZIP_DEFLATED, _PLAIN_FILE, 3
            archive.writestr(info, data)
    return out.getvalue()


def _tar_gz(files: Files) -> bytes:
    out = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=out, mode="wb", mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


_PACKERS: Mapping[Archive, Callable[[Files], bytes]] = {"zip": _zip, "tar.gz": _tar_gz}
