"""Bring an existing registry into the store as it is: numbers, ids, retired versions and settings, in one commit.

Nothing is numbered anew and no version is ever replaced. What cannot be brought in as it is, is a clash with its
choices, and nothing is written unless its subject is left out. See decisions/0013.
"""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from anyio import to_thread

from schema_mcp.domain.allocation import LAST_ID, Entry, IdSource
from schema_mcp.domain.errors import ConflictError, StalePlanError
from schema_mcp.domain.references import Place
from schema_mcp.domain.schema import DEFAULT_CONTEXT, Subject
from schema_mcp.registries.contract import Registry
from schema_mcp.services import agreement, commits, inventory, recovery
from schema_mcp.services.adoption_clashes import Clash, clashes
from schema_mcp.services.adoption_wishes import Left, Terms, wishes
from schema_mcp.services.deletion import retirement
from schema_mcp.services.ground import Ground, Report, Signature
from schema_mcp.services.inventory import Item, Own
from schema_mcp.services.selection import Selection
from schema_mcp.services.snapshots import is_meant_for
from schema_mcp.stores.schemastore import (
    AddVersion,
    Change,
    SchemaStore,
    SetContextWish,
    SetWish,
    StoredVersion,
    UpdateVersion,
    View,
)

_FEW_IDS = 1_000_000
_MOST_TOLD = 100


@dataclass(frozen=True, slots=True)
class Adoption:
    """What adopting a registry comes to; its digest is what the second call has to name."""

    registry: str
    changes: tuple[Change, ...]
    clashes: tuple[Clash, ...]
    left: tuple[Left, ...]
    """What the store cannot hold, or says otherwise and keeps saying."""

    same: int
    """Versions that the store has already."""

    skip_clashes: bool
    notes: tuple[str, ...] = ()
    entries: tuple[Entry, ...] = field(default=(), repr=False)

    @property
    def refused(self) -> bool:
        return bool(self.clashes) and not self.skip_clashes

    @property
    def added(self) -> list[StoredVersion]:
        return [change.stored for change in self.changes if isinstance(change, AddVersion)]

    @property
    def updated(self) -> list[StoredVersion]:
        """Versions that become retired, or live again."""
        return [change.stored for change in self.changes if isinstance(change, UpdateVersion)]

    @property
    def wishes(self) -> int:
        """Subjects and contexts whose settings are written down."""
        return sum(isinstance(change, SetWish | SetContextWish) for change in self.changes)

    @property
    def digest(self) -> str:
        told = [self.registry, *map(_told, self.changes), *([one.reason, str(one.subject)] for one in self.clashes)]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Adopted:
    """An adoption that was carried out; without a commit there was nothing to do."""

    adoption: Adoption
    commit: str
    notes: tuple[str, ...] = ()


async def adopt(
    ground: Ground,
    registry: Registry,
    selection: Selection,
    signed: Signature,
    report: Report,
    *,
    overwrite: bool = False,
    terms: Terms | None = None,
) -> Adopted:
    """Make the store say what a registry holds: survey it and commit.

    With `overwrite` the registry's word also counts where the store says something else: versions that are retired
    on one side only, settings, targets. Raises what `survey` and `commit` do.
    """
    said = await recovery.settle(ground, signed)
    seen = await survey(ground, registry, selection, terms or Terms(overwrite=overwrite), report)
    done = await commit(ground, seen, signed)
    return replace(done, notes=(*said, *done.notes))


async def survey(ground: Ground, registry: Registry, selection: Selection, terms: Terms, report: Report) -> Adoption:
    """What adopting would write. Reads only.

    Raises `RegistryError` where the registry does not answer, or changes while it is read.
    """
    store = ground.store
    await store.fetch()
    held = await to_thread.run_sync(_held, store.still())
    items = await inventory.versions(registry, selection, lambda place: held.get(place, ""), report)
    found = await clashes(ground, items)
    stopped = {clash.subject for clash in found}
    through = [item for item in items if item.version.subject not in stopped]
    scopes = [*(Subject("", one) for one in await inventory.contexts(registry, selection)), *_subjects(through)]
    own = await inventory.settings(registry, scopes, report) if terms.settings else {}
    there = _There(registry.name, items, through, found, own)
    # Ten thousand versions take a while: off the event loop.
    return await to_thread.run_sync(_adoption, ground, there, held, selection, terms)


@dataclass(frozen=True, slots=True)
class _There:
    """What a registry holds of a selection: all of it, what can come in, why the rest cannot, and the settings."""

    registry: str
    items: Sequence[Item]
    through: Sequence[Item]
    clashes: Sequence[Clash]
    own: Mapping[Subject, Own]


def _held(store: View) -> dict[Place, str]:
    return {(subject, one.number): one.schema_hash for subject in store.subjects() for one in store.records(subject)}


def _adoption(ground: Ground, there: _There, held: Mapping[Place, str], selection: Selection, terms: Terms) -> Adoption:
    """What would be written of it."""
    store, registry, through = ground.store, there.registry, there.through
    fresh = [item for item in through if item.place not in held]
    retired, differing = _retired(store, registry, through, terms)
    # A subject with a clash is not gone: whatever stands there is looked at as well.
    gone = _gone(store, registry, selection, there.items) if terms.overwrite else []
    wished, left = wishes(store, registry, _subjects(through), there.own, terms)
    return Adoption(
        registry=registry,
        changes=(*(AddVersion(_stored(store, registry, item, terms)) for item in fresh), *retired, *gone, *wished),
        clashes=tuple(there.clashes),
        left=tuple(sorted([*left, *differing])),
        same=len(through) - len(fresh),
        skip_clashes=terms.skip_clashes,
        notes=tuple(_notes(ground, fresh)),
        entries=tuple(_entry(agreement.maker(ground), item) for item in fresh),
    )


async def commit(ground: Ground, seen: Adoption, signed: Signature) -> Adopted:
    """Write what was surveyed, as one commit; the ledger learns of it afterwards, because Git has the last word.

    Raises `ConflictError` where something clashes, and where the store moved on in the same places.
    """
    _refuse_clashes(seen)
    if not seen.changes:
        return Adopted(seen, "", seen.notes)
    made = await commits.made(ground, seen.changes, _message(seen), signed)
    try:
        await ground.ledger.adopt(seen.entries)
    except ConflictError:  # an id was handed out elsewhere meanwhile: the store governs
        ground.ledger.agreed_with = None
        return Adopted(seen, made, (*seen.notes, *await agreement.settle(ground)))
    return Adopted(seen, made, seen.notes)


def refuse_stale(seen: Adoption, digest: str) -> None:
    """Raise `StalePlanError` unless this is the adoption whose preview was named."""
    if seen.digest != digest:
        raise StalePlanError(
            "What would be adopted is not what the named preview showed",
            hint="Call again without `plan`, look at the preview, and pass its digest.",
        )


def _refuse_clashes(seen: Adoption) -> None:
    if seen.refused:
        first = seen.clashes[0]
        raise ConflictError(
            f"{first.subject} v{first.number} cannot be adopted: {first.reason}",
            hint=f"{first.hint} Nothing was written; skip_clashes: true leaves such subjects out.",
            details={"registry": seen.registry, "clashes": [one.told() for one in seen.clashes[:_MOST_TOLD]]},
        )


def _message(seen: Adoption) -> str:
    added, updated = seen.added, seen.updated
    if not added:
        what = "retirements" if updated else "settings"
        return f"Take over {what} from {seen.registry}"
    subjects = {stored.version.subject for stored in added}
    only = f"{_counted(len(added), 'version')} of {next(iter(subjects))}" if len(subjects) == 1 else ""
    return f"Adopt {only or f'{len(added):,} versions of {len(subjects):,} subjects'} from {seen.registry}"


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _subjects(items: Collection[Item]) -> list[Subject]:
    return sorted({item.version.subject for item in items})


def _retired(
    store: SchemaStore, registry: str, items: Sequence[Item], terms: Terms
) -> tuple[list[UpdateVersion], list[Left]]:
    """Versions that one side calls deleted and the other does not."""
    changes: list[UpdateVersion] = []
    left: list[Left] = []
    for item in items:
        subject, number = item.place
        record = next((one for one in store.records(subject) if one.number == number), None)
        if record is None or record.deleted == item.version.deleted:
            continue
        if terms.overwrite:
            changes += _flagged(store, item)
        else:
            there, here = ("soft-deleted", "live") if item.version.deleted else ("live", "retired")
            left.append(Left(subject, f"v{number} is {there} in {registry} and {here} in the store, which stays"))
    return changes, left


def _flagged(store: SchemaStore, item: Item) -> list[UpdateVersion]:
    stored = store.version(*item.place)
    changed = replace(stored, version=replace(stored.version, deleted=item.version.deleted)) if stored else None
    return [UpdateVersion(changed)] if changed else []


def _gone(store: SchemaStore, registry: str, selection: Selection, items: Sequence[Item]) -> list[UpdateVersion]:
    """Live versions that the store sends there and the registry has no trace of."""
    there = {item.place for item in items}
    wanted = [one for one in store.subjects() if selection.wants(one) and is_meant_for(store, one, registry)]
    gone = [
        (subject, {one.number for one in store.records(subject) if (subject, one.number) not in there})
        for subject in wanted
    ]
    return [change for subject, numbers in gone for change in retirement(store, subject, numbers)]


def _stored(store: SchemaStore, registry: str, item: Item, terms: Terms) -> StoredVersion:
    version, milliseconds = item.version, item.version.timestamp
    targets = store.wish(version.subject).targets or terms.targets or ()
    return StoredVersion(
        version=version,
        level=None,  # what was in force then, nobody knows
        targets=tuple(targets),
        created_at=datetime.fromtimestamp(milliseconds / 1_000, UTC).isoformat(timespec="seconds")
        if milliseconds
        else "",
        created_by=f"registry {registry}",
        description="",
        tags=(),
        schema_hash=item.digest,
    )


def _entry(made_by: str, item: Item) -> Entry:
    version = item.version
    return Entry(version.subject, version.number, item.digest, version.id, version.schema.type, registry=made_by)


def _notes(ground: Ground, fresh: Sequence[Item]) -> list[str]:
    if ground.ids is IdSource.REGISTRY or not fresh:
        return []
    notes: list[str] = []
    doubled = sum(any(record.id != item.version.id for record in ground.store.holders(item.digest)) for item in fresh)
    if doubled:
        notes.append(f"{doubled} contents have another id in the store already; both ids stay.")
    if max(item.version.id for item in fresh) > LAST_ID - _FEW_IDS:
        notes.append(f"New ids go above the highest one, and that leaves fewer than {_FEW_IDS:,}.")
    return notes


def _told(change: Change) -> list[Any]:
    match change:
        case AddVersion(stored) | UpdateVersion(stored):
            version = stored.version
            return [str(version.subject), version.number, version.id, stored.schema_hash, version.deleted]
        case SetWish(subject, wish):
            return [str(subject), wish.level, wish.mode, list(wish.targets or ())]
        case SetContextWish(context, wish):
            return [context or DEFAULT_CONTEXT, wish.level, wish.mode, wish.defaults]
        case _:
            return []
