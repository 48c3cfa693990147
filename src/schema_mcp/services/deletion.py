"""Take something out of a registry: first shown with its blast radius, then done, only if nothing moved."""

import hashlib
import json
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass, replace
from typing import Final

from schema_mcp.domain.errors import ConflictError, InvalidRequestError, NotFoundError, StalePlanError
from schema_mcp.domain.naming import resolve
from schema_mcp.domain.schema import Json, Subject, Version
from schema_mcp.registries.contract import Capability, Registry
from schema_mcp.registries.guard import approved
from schema_mcp.services import approvals, commits
from schema_mcp.services.ground import Ground, Signature
from schema_mcp.services.importing import refuse_closed
from schema_mcp.services.together import each
from schema_mcp.stores.schemastore import SchemaStore, UpdateVersion

_MOST_ASKED: Final = 500
"""Subjects whose configuration is read for a preview; more would take minutes at a registry's usual limits."""


@dataclass(frozen=True, slots=True)
class Doomed:
    """One version that would go."""

    number: int
    id: int
    deleted: bool
    """Soft-deleted already."""

    referrers: tuple[int, ...]
    """Ids of the schemas that reference it."""

    shared_with: tuple[str, ...]
    """Other subjects that carry the same id."""


@dataclass(frozen=True, slots=True)
class Preview:
    """Everything that a deletion would touch; its digest is what the second call has to name."""

    registry: str
    subject: Subject
    permanent: bool
    versions: tuple[Doomed, ...]
    aliases: tuple[str, ...] | None
    """Subjects whose alias leads here; None where too many would have to be asked."""

    stored: tuple[int, ...]
    """Versions that the store keeps, from where they can be restored."""

    @property
    def digest(self) -> str:
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()

    @property
    def referrers(self) -> tuple[int, ...]:
        """Ids of everything outside the deletion that would be left with a dangling reference."""
        return tuple(sorted({one for version in self.versions for one in version.referrers}))


async def preview(
    registry: Registry, store: SchemaStore, subject: Subject, number: int | None, *, permanent: bool
) -> Preview:
    """What deleting a version (or, without a number, the whole subject) would take away. Reads only.

    Raises `NotFoundError` where there is nothing to delete, `InvalidRequestError` where a permanent deletion has to
    follow a soft one.
    """
    await store.refresh()
    live = await registry.numbers(subject)
    every = await registry.numbers(subject, deleted=True)
    chosen = [one for one in (every if permanent else live) if number in (None, one)]
    _refuse_nothing(registry.name, subject, number, chosen, every)
    _refuse_too_early(subject, [one for one in chosen if one in live], permanent=permanent)
    return Preview(
        registry=registry.name,
        subject=subject,
        permanent=permanent,
        versions=tuple([await _doomed(registry, subject, one, set(chosen), permanent=permanent) for one in chosen]),
        aliases=await _aliases(registry, subject, number),
        stored=tuple(record.number for record in store.records(subject)),
    )


async def carry_out(ground: Ground, seen: Preview, digest: str, signed: Signature) -> str:
    """Do what was previewed: retire it in the store where the store knows it, then delete it in the registry.

    Gives the commit, empty where the store does not know the subject. Raises `StalePlanError` when the preview is not
    the one that was named, `ConflictError` while something still references it.
    """
    registry = ground.fleet.get(seen.registry)
    registry.require_writable()
    if seen.digest != digest:
        raise StalePlanError(
            "What would be deleted is not what the named preview showed",
            hint="Call again without `plan`, look at the preview, and pass its digest.",
        )
    if seen.referrers:
        raise ConflictError(
            f"{seen.subject} is referenced by schemas with the ids {', '.join(map(str, seen.referrers[:20]))}",
            hint="Delete or change those first: get_schema with an id tells which they are.",
            details={"referrers": list(seen.referrers[:100])},
        )
    await refuse_closed(registry, seen.subject)
    if seen.permanent:
        what = f"delete {seen.subject} for good, {len(seen.versions)} versions"
        act = approvals.of_purge(ground.store, registry.name, digest, seen.subject.context, what)
        signed = await approvals.required(ground, act, signed)
    commit = await _retire(ground, seen, signed)
    with commits.telling(commit, f"{registry.name} still has it"), approved(signed.approved):
        await _delete(registry, seen)
    return commit


async def _delete(registry: Registry, seen: Preview) -> None:
    numbers = [version.number for version in seen.versions]
    if set(numbers) == set(await registry.numbers(seen.subject, deleted=seen.permanent)):
        await registry.delete_subject(seen.subject, permanent=seen.permanent)
        return
    for number in numbers:
        await registry.delete_version(seen.subject, number, permanent=seen.permanent)


def _refuse_nothing(
    registry: str, subject: Subject, number: int | None, chosen: Sequence[int], every: Sequence[int]
) -> None:
    if not chosen:
        what = f"version {number} of {subject}" if number else f"subject {subject}"
        known = f"Versions: {', '.join(map(str, every[-50:]))}." if every else "list_subjects tells what is there."
        raise NotFoundError(f"{registry} has no {what} to delete", hint=known)


def _refuse_too_early(subject: Subject, live: Sequence[int], *, permanent: bool) -> None:
    if permanent and live:
        raise InvalidRequestError(
            f"{subject} has live versions: {', '.join(map(str, live[:20]))}",
            hint="Soft-delete first (permanent: false); a permanent deletion comes second.",
        )


async def _doomed(registry: Registry, subject: Subject, number: int, going: set[int], *, permanent: bool) -> Doomed:
    version = await registry.version(subject, number, deleted=True)
    if version is None:
        # Apicurio lists the versions of a soft-deleted subject and does not show them.
        raise NotFoundError(
            f"{registry.name} lists version {number} of {subject} and does not show it",
            hint="Nothing was deleted: what cannot be previewed is not destroyed. Where it was deleted just now, "
            "try again; where the product hides what is soft-deleted, restore_subject brings it back, or its own "
            "tools remove it.",
        )
    holders = await registry.holders(version.id, context=subject.context)
    return Doomed(
        number=number,
        id=version.id,
        deleted=version.deleted,
        referrers=tuple(await _referrers(registry, version, going, deleted=permanent)),
        shared_with=tuple(sorted({str(other) for other, _ in holders if other != subject})),
    )


async def _referrers(registry: Registry, version: Version, going: set[int], *, deleted: bool) -> list[int]:
    """Ids that reference the version, those inside the deletion itself left out; a purge stops at soft-deleted ones."""
    deleted = deleted and Capability.PAST_REFERRERS in registry.capabilities
    try:
        users = await registry.referrers(version.subject, version.number, deleted=deleted)
    except NotFoundError:
        users = []  # so a registry answers for a soft-deleted version, which nothing live can use
    context = version.subject.context
    held = await each(users, lambda one: registry.holders(one, context=context, deleted=deleted))
    inside = {
        one
        for one, holders in zip(users, held, strict=True)
        if holders and all(other == version.subject and number in going for other, number in holders)
    }
    return sorted({*users} - inside)


async def _aliases(registry: Registry, subject: Subject, number: int | None) -> tuple[str, ...] | None:
    """Subjects that stand for this one; asked only when the whole subject goes, and nobody has to be asked for long.

    No registry lists its aliases: each subject's configuration has to be read.
    """
    if number is not None:
        return ()
    others = [other for other in await registry.subjects(context=subject.context) if other != subject]
    if len(others) > _MOST_ASKED:
        return None
    configs = await each(others, registry.config)
    return tuple(str(other) for other, config in zip(others, configs, strict=True) if _leads(other, config, subject))


def _leads(other: Subject, config: Json | None, subject: Subject) -> bool:
    alias = (config or {}).get("alias")
    return bool(alias) and resolve(alias, other) == subject


async def _retire(ground: Ground, seen: Preview, signed: Signature) -> str:
    changes = retirement(ground.store, seen.subject, {version.number for version in seen.versions})
    if not changes:
        return ""
    numbers = ", ".join(f"v{one.stored.version.number}" for one in changes)
    return await ground.store.commit(changes, f"Retire {seen.subject} {numbers}", signed.author, signed.trailers)


def retirement(store: SchemaStore, subject: Subject, numbers: AbstractSet[int]) -> list[UpdateVersion]:
    """What marks versions as deleted in the store, those that it keeps as live."""
    live = [one for one in store.history(subject) if one.version.number in numbers and not one.version.deleted]
    return [UpdateVersion(replace(one, version=replace(one.version, deleted=True))) for one in live]
