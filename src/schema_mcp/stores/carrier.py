"""A Git folder for one errand of the `git` command: the store's objects, and nothing of its configuration.

A store may come from anywhere, and its `.git/config` can name commands (`core.sshCommand`, `credential.helper`), other
places (`url.*.insteadOf`, `http.proxy`) and other files (`include.path`). The user's own configuration stays in force:
that is where the credentials are.
"""

import shutil
import tempfile
import time
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

REMOTE: Final = "schema-mcp-upstream"
THERE: Final = "refs/there"
"""Where a fetch leaves what it found."""

_SETTINGS: Final = """\
[core]
  bare = true
  repositoryFormatVersion = 0
  hooksPath = /dev/null
  fsmonitor = false
[submodule]
  recurse = false
[protocol]
  allow = never
[protocol "https"]
  allow = always
[protocol "ssh"]
  allow = always
[protocol "file"]
  allow = always
[fetch]
  fsckObjects = true
  recurseSubmodules = false
[push]
  gpgSign = false
  followTags = false
  recurseSubmodules = no
[gc]
  auto = 0
[remote "{remote}"]
  url = "{url}"
"""
_FORGOTTEN_AFTER: Final = 3_600.0  # seconds: no errand takes that long, so whoever left it is dead
_PREFIX: Final = "errand-"


@dataclass(frozen=True, slots=True)
class Carrier:
    """The folder, and the variables that lead the `git` command to it, whatever the caller's say."""

    folder: Path
    environment: Mapping[str, str]

    def there(self) -> str:
        """The commit that was fetched."""
        return (self.folder / THERE).read_text(encoding="ascii").strip()


@contextmanager
def carrier(shared: Path, own: Path, url: str, known: Iterable[str]) -> Generator[Carrier]:
    """A folder under `own` that reads and writes the objects under `shared`; `known` commits need not be sent again."""
    own.mkdir(exist_ok=True)
    _forget_old(own)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=own))
    try:
        _fill(folder, url, known)
        with suppress(FileNotFoundError):
            shutil.copyfile(shared / "shallow", folder / "shallow")
        yield Carrier(folder, _environment(folder, shared / "objects"))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _fill(folder: Path, url: str, known: Iterable[str]) -> None:
    # Inside the store's `.git`, so that the user's `includeIf "gitdir:…"` still finds out which store it is.
    for name in ("objects", "refs"):
        (folder / name).mkdir()
    (folder / "HEAD").write_text("ref: refs/heads/none\n", encoding="ascii")
    quoted = url.replace("\\", "\\\\").replace('"', '\\"')
    (folder / "config").write_text(_SETTINGS.format(remote=REMOTE, url=quoted), encoding="utf-8")
    refs = "".join(f"{commit} refs/known/{number:04}\n" for number, commit in enumerate(known))
    (folder / "packed-refs").write_text(f"# pack-refs with: sorted\n{refs}", encoding="ascii")


def _environment(folder: Path, objects: Path) -> dict[str, str]:
    """Inside a Git hook there are variables about, and they are not about this store."""
    return {
        "GIT_DIR": str(folder),
        "GIT_COMMON_DIR": str(folder),
        "GIT_WORK_TREE": str(folder),
        "GIT_OBJECT_DIRECTORY": str(objects),
        "GIT_SHALLOW_FILE": str(folder / "shallow"),
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": "",
        "GIT_NAMESPACE": "",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
    }


def _forget_old(own: Path) -> None:
    for folder in own.glob(f"{_PREFIX}*"):
        with suppress(FileNotFoundError):
            if time.time() - folder.stat().st_mtime > _FORGOTTEN_AFTER:
                shutil.rmtree(folder, ignore_errors=True)
