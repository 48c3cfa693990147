"""Change what the store says beside the schemas themselves: wishes for a subject, words about a version, retirement."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from anyio import to_thread

from schema_mcp.domain.errors import ConflictError, InvalidRequestError, NotFoundError
from schema_mcp.domain.schema import Level, Subject
from schema_mcp.services import commits, recovery
from schema_mcp.services.graph import users_in_store
from schema_mcp.services.ground import Ground, Signature
from schema_mcp.stores.schemastore import Change, SetWish, StoredVersion, UpdateVersion
from schema_mcp.stores.view import View

OF_SUBJECT = ("description", "tags", "owner", "targets", "level", "mode")
OF_VERSION = ("description", "tags")
_CLEARED: dict[str, Any] = {"description": "", "tags": ()}


@dataclass(frozen=True, slots=True)
class Amendment:
    """What is to change: fields of a subject, or (with a number) of a version; None leaves one as it is."""

    subject: Subject
    number: int | None = None
    description: str | None = None
    tags: tuple[str, ...] | None = None
    owner: str | None = None
    targets: tuple[str, ...] | None = None
    level: Level | None = None
    retired: bool | None = None
    clear: tuple[str, ...] = ()
    """Fields that nothing shall be said of any more."""

    branch: str | None = None

    @property
    def fields(self) -> dict[str, Any]:
        """The fields named, with what they become."""
        given = {name: getattr(self, name) for name in OF_SUBJECT if name != "mode"}
        return {name: value for name, value in given.items() if value is not None} | dict.fromkeys(self.clear)


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that changes; number 0 is the subject."""

    number: int
    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Amended:
    """What changed, exactly; without rows nothing did, and there is no commit."""

    rows: tuple[Row, ...]
    commit: str = ""
    notes: tuple[str, ...] = ()


async def amend(ground: Ground, wanted: Amendment, signed: Signature, *, dry_run: bool = False) -> Amended:
    """Change what the store says, in one commit, on a branch for review where one is named.

    Raises `NotFoundError` for what the store does not have, `InvalidRequestError` where a field does not belong to a
    version, `ConflictError` for a version that others reference.
    """
    _refuse_misplaced(wanted)
    if dry_run:
        return await _amended_now(ground, wanted, signed, dry_run=True)
    said = await recovery.settle(ground, signed)
    # A wish is written whole: two at once would lose the other's field.
    async with ground.journal.turns.of("register", str(wanted.subject)):
        done = await _amended_now(ground, wanted, signed, dry_run=False)
    return replace(done, notes=tuple(said))


async def _amended_now(ground: Ground, wanted: Amendment, signed: Signature, *, dry_run: bool) -> Amended:
    await ground.store.fetch()
    view = await ground.store.proposal(wanted.branch) if wanted.branch else ground.store
    changes, rows = _changes(view, wanted, _chosen(view, wanted))
    await _refuse_referenced(view, changes)
    if dry_run or not changes:
        return Amended(tuple(rows))
    commit = await commits.made(ground, changes, _message(wanted, rows), signed, branch=wanted.branch)
    return Amended(tuple(rows), commit)


def _refuse_misplaced(wanted: Amendment) -> None:
    if not wanted.fields and wanted.retired is None:
        raise InvalidRequestError(
            "There is nothing to change", hint=f"Give one of: {', '.join((*OF_SUBJECT[:-1], 'retired', 'clear'))}."
        )
    misplaced = sorted(wanted.fields.keys() - set(OF_VERSION)) if wanted.number else []
    if misplaced:
        raise InvalidRequestError(
            f"{', '.join(misplaced)}: said of a subject, not of one of its versions", hint="Leave `version` out."
        )
    twice = [name for name in wanted.clear if getattr(wanted, name, None) is not None]
    if twice:
        raise InvalidRequestError(f"{twice[0]} is to be set and cleared at once", hint="Choose one.")


def _chosen(view: View, wanted: Amendment) -> list[StoredVersion]:
    """The versions in question, retired ones included."""
    history = view.history(wanted.subject)
    chosen = [one for one in history if wanted.number in (None, one.version.number)]
    if not chosen:
        known = f"Versions: {', '.join(str(one.version.number) for one in history[-50:])}." if history else ""
        what = f"version {wanted.number} of {wanted.subject}" if history else f"subject {wanted.subject}"
        raise NotFoundError(f"The store has no {what}", hint=known or "list_stored_schemas tells what it has.")
    return chosen


def _changes(view: View, wanted: Amendment, chosen: Sequence[StoredVersion]) -> tuple[list[Change], list[Row]]:
    changes: list[Change] = []
    rows: list[Row] = []
    if wanted.number is None and wanted.fields:
        before = view.wish(wanted.subject)
        after = replace(before, **wanted.fields)
        rows += _rows(0, before, after, wanted.fields)
        changes += [SetWish(wanted.subject, after)] if after != before else []
    for stored in chosen:
        after_all = _amended(stored, wanted)
        if after_all != stored:
            changes.append(UpdateVersion(after_all))
            rows += _rows(stored.version.number, stored, after_all, wanted.fields)
            rows += _retirement(stored, after_all)
    return changes, rows


def _amended(stored: StoredVersion, wanted: Amendment) -> StoredVersion:
    version = stored.version
    if wanted.retired is not None:
        version = replace(version, deleted=wanted.retired)
    fields = wanted.fields if wanted.number else {}
    said = {name: _CLEARED[name] if value is None else value for name, value in fields.items()}
    return replace(stored, version=version, **said)


def _rows(number: int, before: object, after: object, fields: dict[str, Any]) -> list[Row]:
    pairs = ((name, getattr(before, name), getattr(after, name)) for name in fields if hasattr(before, name))
    return [Row(number, name, old, new) for name, old, new in pairs if old != new]


def _retirement(before: StoredVersion, after: StoredVersion) -> list[Row]:
    old, new = before.version.deleted, after.version.deleted
    return [Row(before.version.number, "retired", old, new)] if old != new else []


async def _refuse_referenced(view: View, changes: Sequence[Change]) -> None:
    """Raise `ConflictError` where a version that is to be retired is used by one that stays."""
    going = {
        (record.subject, record.number)
        for one in changes
        if isinstance(one, UpdateVersion) and one.stored.version.deleted
        for record in view.records(one.stored.version.subject)
        if record.number == one.stored.version.number and not record.deleted
    }
    if not going:
        return
    users = await to_thread.run_sync(users_in_store, view)
    found = sorted(
        {
            f"{user.subject} v{user.number}"
            for place in going
            for user in users.get(place, ())
            if (user.subject, user.number) not in going
        }
    )
    if found:
        raise ConflictError(
            f"It is referenced by {', '.join(found[:5])}{' and others' if len(found) > 5 else ''}",  # noqa: PLR2004 - told
            hint="Retire or change those first: get_references with direction: used_by tells which they are.",
            details={"referrers": found[:100]},
        )


def _message(wanted: Amendment, rows: Sequence[Row]) -> str:
    """What a person would write."""
    where = f"{wanted.subject} v{wanted.number}" if wanted.number else str(wanted.subject)
    if {row.field for row in rows} == {"retired"}:
        return f"{'Retire' if wanted.retired else 'Take back the retirement of'} {where}"
    return f"Change {', '.join(dict.fromkeys(row.field for row in rows))} of {where}"
