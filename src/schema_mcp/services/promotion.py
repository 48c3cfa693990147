"""Take a subject to the next stage: its versions and all that they reference, proved by the target's own level."""

from dataclasses import replace

from schema_mcp.domain.errors import NotFoundError
from schema_mcp.domain.references import Place, used_by
from schema_mcp.domain.schema import Subject
from schema_mcp.registries.guard import GuardedRegistry
from schema_mcp.services import migration
from schema_mcp.services.glances import versions_at
from schema_mcp.services.migration import Manner, Migration
from schema_mcp.services.selection import Selection
from schema_mcp.stores.schemastore import SchemaStore

_PROVEN = Manner(settings=False, proven=True)


async def plan(source: GuardedRegistry, target: GuardedRegistry, subject: Subject, version: int | None) -> Migration:
    """What brings a subject, up to a version, to the next stage. Reads only.

    Raises `NotFoundError` where the source has no such version, and what planning a migration raises.
    """
    target.require_writable()
    numbers = await source.numbers(subject)
    wanted = [number for number in numbers if version is None or number <= version]
    if not wanted or version not in (None, *numbers):
        known = ", ".join(map(str, numbers[-50:])) or "none"
        what = f"version {version} of {subject}" if version else f"subject {subject}"
        raise NotFoundError(f"{source.name} has no {what}", hint=f"Versions there: {known}.")
    places = await _with_references(source, [(subject, number) for number in wanted])
    await target.info()  # what a product can do is known once it has answered
    return await migration.plan(
        source,
        target,
        Selection(tuple(sorted({subject for subject, _ in places}))),
        keep_ids=migration.keeps_ids(target),
        manner=replace(_PROVEN, only=tuple((one.name, one.context, number) for one, number in sorted(places))),
    )


async def _with_references(source: GuardedRegistry, places: list[Place]) -> set[Place]:
    """Places, and whatever they use, directly or not; a circle is found when they are put in order."""
    known: set[Place] = set()
    while places:
        known.update(places)
        found = await versions_at(source, places)
        places = sorted({used for version in found.values() for used in used_by(version)} - known)
    return known


def beyond_targets(store: SchemaStore, subject: Subject, target: str) -> str:
    """What to know where the store governs a subject and does not send it to that registry; else nothing."""
    meant = store.wish(subject).targets
    if meant is None or target in meant:
        return ""
    return (
        f"The store sends {subject} to {', '.join(meant) or 'no registry'} only: in {target} it is `extra` until "
        "update_stored_schema adds it to the targets."
    )
