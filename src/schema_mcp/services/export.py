"""An export as a file: into the reply, or into the export folder, and nowhere else."""

import hashlib
import os
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

from anyio import to_thread

from schema_mcp.domain.errors import StoreError

_MODE = 0o644


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: its bytes under a file name, a text for a reply, and the file where one was asked for."""

    name: str
    data: bytes
    text: str = ""
    """What a reply shows; empty for what is only a file."""

    notes: tuple[str, ...] = ()
    path: Path | None = None

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


def exported(name: str, text: str, notes: tuple[str, ...] = ()) -> Exported:
    """A text under its file name."""
    return Exported(name, text.encode("utf-8", "surrogatepass"), text, notes)


async def into_folder(exported: Exported, folder: Path) -> Exported:
    """Write an export below the export folder; a file of that name is replaced, a link of that name too."""
    path = folder / exported.name
    try:
        await to_thread.run_sync(_write, path, exported.data)
    except OSError as error:
        raise StoreError(
            f"The export could not be written to {path.name}: {error.strerror}",
            hint="Look at the export folder: room, and the right to write; --exports names another one.",
        ) from error
    return replace(exported, path=path)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{uuid4().hex}.part")
    opened = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, _MODE)
    try:
        with open(opened, "wb") as file:  # noqa: PTH123 - a descriptor has no path
            file.write(data)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
