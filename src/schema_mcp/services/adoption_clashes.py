"""What stands in the way of adopting a version as it is: content, id, file or reference."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from anyio import to_thread

from schema_mcp.domain import layout
from schema_mcp.domain.allocation import IdSource
from schema_mcp.domain.naming import shown_context
from schema_mcp.domain.references import Place, used_by
from schema_mcp.domain.schema import Subject
from schema_mcp.services.ground import Ground
from schema_mcp.services.inventory import Item
from schema_mcp.services.resolution import LATEST
from schema_mcp.services.together import each
from schema_mcp.stores.schemastore import Record, SchemaStore

_FOLDERS_OF_A_VERSION = 3


@dataclass(frozen=True, slots=True, order=True)
class Clash:
    """A version that cannot be adopted as it is, and the choices there are."""

    subject: Subject
    number: int
    id: int
    reason: str
    hint: str

    def told(self) -> dict[str, Any]:
        """As replies and errors carry it."""
        return {
            "subject": self.subject.name,
            "context": shown_context(self.subject.context),
            "version": self.number,
            "id": self.id,
            "reason": self.reason,
            "hint": self.hint,
        }


async def clashes(ground: Ground, items: Sequence[Item]) -> list[Clash]:
    """Every clash, sorted. A subject comes in whole or not at all, so one clash stops its subject, and all that
    references a subject that is stopped."""
    handed_out = await _handed_out(ground, items)
    return await to_thread.run_sync(_clashes, ground, items, handed_out)


def _clashes(ground: Ground, items: Sequence[Item], handed_out: Mapping[int, Mapping[str, str]]) -> list[Clash]:
    found = [*_unreadable(items), *_occupied(ground.store, items), *_id_taken(ground, items, handed_out)]
    stopped = {clash.subject for clash in found}
    while more := [*_dangling(ground.store, items, stopped)]:
        found += more
        stopped |= {clash.subject for clash in more}
    return sorted(found)


def _unreadable(items: Sequence[Item]) -> Iterator[Clash]:
    for item in items:
        if item.problem or item.version.number < 1:
            yield _clash(
                item, item.problem or "it has no version number", "Leave the subject out, or mend it in the registry."
            )


def _occupied(store: SchemaStore, items: Sequence[Item]) -> Iterator[Clash]:
    bad = {_unit(store, finding.path): finding for finding in store.findings()}
    for item in items:
        subject, number = item.place
        record = next((one for one in store.records(subject) if one.number == number), None)
        if record is not None and (reason := _difference(item, record)):
            yield _clash(item, reason, "Versions never change: leave the subject out, or delete the version there.")
        elif finding := bad.get(layout.version_path(subject, number)):
            reason = f"{finding.path} stands there and cannot be read: {finding.reason}"
            yield _clash(item, reason, "Mend or remove that file with a commit of your own.")


def _difference(item: Item, record: Record) -> str:
    if record.schema_hash != item.digest and not item.problem:
        return f"the store holds other content under this version (id {record.id})"
    return f"the store holds it under id {record.id}, not {item.version.id}" if record.id != item.version.id else ""


def _unit(store: SchemaStore, path: str) -> str:
    return "/".join(path.removeprefix(f"{store.root}/").split("/")[:_FOLDERS_OF_A_VERSION])


def _id_taken(ground: Ground, items: Sequence[Item], held: Mapping[int, Mapping[str, str]]) -> list[Clash]:
    """Versions whose id stands for other content: in the store, in the ledger, or in the registry itself."""
    first: dict[tuple[str, int], Item] = {}
    found: list[Clash] = []
    for item in items:
        space = item.version.subject.context if ground.ids is IdSource.REGISTRY else ""
        other = first.setdefault((space, item.version.id), item)
        if other.digest != item.digest and not item.problem:
            where = f"{other.version.subject} v{other.version.number} of the same registry"
        else:
            where = _holder(ground.store, space, item) or held.get(item.version.id, {}).get(item.digest, "")
        if where:
            found.append(_clash(item, f"id {item.version.id} stands for other content in {where}", _hint(ground)))
    return found


def _hint(ground: Ground) -> str:
    if ground.ids is IdSource.REGISTRY:
        return "Ids never move: leave the subject out, or register its content anew."
    return (
        "Ids never move, and here they are one space for all registries and contexts: leave the subject out, or "
        "register its content anew under a new id."
    )


def _holder(store: SchemaStore, space: str, item: Item) -> str:
    for record in store.by_id(item.version.id):
        if record.schema_hash != item.digest and space in ("", record.subject.context):
            return f"the store, {record.subject} v{record.number}"
    return ""


async def _handed_out(ground: Ground, items: Sequence[Item]) -> Mapping[int, Mapping[str, str]]:
    """For ids that our ledger gave to a content the store does not have yet: who is told, by the content asking."""
    if ground.ids is IdSource.REGISTRY:
        return {}
    last = await ground.ledger.high_water()
    asked = sorted(
        {item.version.id for item in items if item.version.id <= last and not ground.store.by_id(item.version.id)}
    )
    answers = await each(asked, ground.ledger.lookup)
    ours = {
        schema_id: {one.schema_hash for one in held if not one.registry}
        for schema_id, held in zip(asked, answers, strict=True)
    }
    return {
        item.version.id: {item.digest: "our ledger, which handed it out"}
        for item in items
        if ours.get(item.version.id, {item.digest}) - {item.digest}
    }


def _dangling(store: SchemaStore, items: Sequence[Item], stopped: set[Subject]) -> Iterator[Clash]:
    """Versions that reference what would be neither in the store nor adopted."""
    coming = {item.place for item in items if item.version.subject not in stopped}
    for item in items:
        if item.version.subject in stopped:
            continue
        lost = next((used for used in used_by(item.version) if not _is_there(store, used, coming)), None)
        if lost:
            reason = f"it references {lost[0]} v{lost[1]}, which is neither adopted nor in the store"
            yield _clash(item, reason, "Adopt that as well, or leave both out.")


def _is_there(store: SchemaStore, used: Place, coming: set[Place]) -> bool:
    subject, number = used
    if number == LATEST:
        return bool(store.records(subject)) or any(one == subject for one, _ in coming)
    return used in coming or any(record.number == number for record in store.records(subject))


def _clash(item: Item, reason: str, hint: str) -> Clash:
    subject, number = item.place
    return Clash(subject, number, item.version.id, reason, hint)
