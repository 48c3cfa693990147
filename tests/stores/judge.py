"""The real `git` command as the judge of what our code made, and the small world that the store's tests share."""

import os
import subprocess
from pathlib import Path

from schema_mcp.domain.identity import schema_hash
from schema_mcp.domain.schema import Level, Reference, Schema, SchemaType, Subject, Version
from schema_mcp.stores.repository import Repository
from schema_mcp.stores.schemastore import Author, SchemaStore, StoredVersion

ANN = Author("Ann", "ann@example.com")
BOB = Author("Bob", "bob@example.com")
ORDERS = Subject("orders-value")

_CLEAN = {
    **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_AUTHOR_NAME": "Human",
    "GIT_AUTHOR_EMAIL": "human@example.com",
    "GIT_COMMITTER_NAME": "Human",
    "GIT_COMMITTER_EMAIL": "human@example.com",
}


def git(folder: Path, *arguments: str, fails: bool = False, given: str | None = None) -> str:
    """Run the `git` command as a person with an empty configuration would; `given` is its input."""
    done = subprocess.run(
        ["git", "-C", folder, *arguments], env=_CLEAN, capture_output=True, text=True, check=False, input=given
    )
    assert fails or done.returncode == 0, done.stderr
    return done.stdout.strip()


def commit_by_hand(folder: Path, files: dict[str, str | None], message: str = "By hand") -> str:
    """What a person does: write or remove files, add them, commit."""
    for path, text in files.items():
        place = folder / path
        if text is None:
            git(folder, "rm", "-q", path)
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")
            git(folder, "add", path)
    git(folder, "commit", "-q", "--allow-empty", "-m", message)
    return git(folder, "rev-parse", "HEAD")


def is_sound(folder: Path) -> bool:
    """Does Git find nothing broken?"""
    done = subprocess.run(
        ["git", "-C", folder, "fsck", "--full", "--strict", "--no-dangling"],
        env=_CLEAN,
        capture_output=True,
        text=True,
        check=False,
    )
    told = [line for line in (done.stdout + done.stderr).splitlines() if not line.startswith(("notice:", "Checking"))]
    assert done.returncode == 0, told
    return not told


def is_clean(folder: Path) -> bool:
    """Do working tree, index and HEAD agree?"""
    return git(folder, "status", "--porcelain") == ""


def agrees(repository: Repository) -> bool:
    """Sound, and where it is checked out also clean."""
    return is_sound(repository.path) and (repository.root is None or is_clean(repository.root))


def stored(
    subject: Subject = ORDERS, number: int = 1, schema_id: int = 10_001, text: str | None = None, **details: object
) -> StoredVersion:
    """A version as somebody would store it."""
    text = text or f'{{"type":"record","name":"Order","fields":[],"doc":"{number}"}}'
    kind = details.pop("type", SchemaType.AVRO)
    references = details.pop("references", ())
    assert isinstance(kind, SchemaType)
    assert isinstance(references, tuple)
    parts = {key: details.pop(key) for key in ("metadata", "rule_set") if key in details}
    schema = Schema(text, kind, tuple(each for each in references if isinstance(each, Reference)), **parts)  # type: ignore[arg-type]
    values = {
        "level": Level.BACKWARD,
        "targets": ("eu",),
        "created_at": "2026-03-01T12:00:00Z",
        "created_by": "ann",
        "description": "",
        "tags": (),
        "schema_hash": schema_hash(schema),
    }
    deleted = bool(details.pop("deleted", False))
    version = Version(subject, number, schema_id, schema, deleted=deleted)
    return StoredVersion(version=version, **{**values, **details})  # type: ignore[arg-type]


def store_in(folder: Path, *, bare: bool = False) -> SchemaStore:
    """A store in a repository, which is made where there is none."""
    return SchemaStore(Repository.create(folder, bare=bare), schema_hash)
