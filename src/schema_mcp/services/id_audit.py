"""Hold ledger, store and every registry against each other, id by id."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

from anyio import to_thread

from schema_mcp.domain import id_audit
from schema_mcp.domain.allocation import IdSource
from schema_mcp.domain.errors import RegistryError
from schema_mcp.domain.id_audit import LEDGER, STORE, Seen, Verdict
from schema_mcp.domain.references import Place
from schema_mcp.domain.schema import Subject
from schema_mcp.registries.contract import Registry
from schema_mcp.services import agreement, inventory
from schema_mcp.services.digests import spelling_digest
from schema_mcp.services.ground import Ground, Report
from schema_mcp.services.inventory import Item
from schema_mcp.services.selection import Selection
from schema_mcp.services.together import each
from schema_mcp.stores.ids import Account
from schema_mcp.stores.schemastore import Record, SchemaStore


@dataclass(frozen=True, slots=True)
class Audited:
    """What an audit of the ids came to; `unanswered` maps registries that could not be looked at to the reason."""

    verdicts: list[Verdict]
    ids: int
    looked_at: tuple[str, ...]
    unanswered: dict[str, str]

    @property
    def counts(self) -> dict[str, int]:
        """How many there are of each kind; gaps nobody can explain are counted by themselves."""
        return dict(Counter(_kind(one) for one in self.verdicts))

    @property
    def is_sound(self) -> bool:
        """Nothing is wrong, as far as was looked."""
        return all(one.explained for one in self.verdicts)


async def audit(ground: Ground, registries: Sequence[Registry], report: Report) -> Audited:
    """Name every clash, gap and orphan. Reads only; a registry that does not answer is named as not looked at.

    Raises `StoreError` where store or ledger cannot be read: without them there is nothing to hold anything against.
    """
    await ground.store.refresh()
    account = await ground.ledger.audited()
    unanswered: dict[str, str] = {}

    async def look(registry: Registry) -> list[Seen]:
        try:
            return await _of_registry(ground, registry, report)
        except RegistryError as error:
            unanswered[registry.name] = str(error)
            return []

    found = await each(registries, look)
    seen = chain.from_iterable(found)
    verdicts, ids = await to_thread.run_sync(lambda: _judged(ground, account, seen))
    names = [registry.name for registry in registries if registry.name not in unanswered]
    return Audited(verdicts=verdicts, ids=ids, looked_at=("ledger", "store", *names), unanswered=unanswered)


def _judged(ground: Ground, account: Account, in_registries: Iterable[Seen]) -> tuple[list[Verdict], int]:
    """What is wrong, the unexplained first, and how many ids there are."""
    seen = [*_of_ledger(ground, account), *_of_store(ground), *in_registries]
    verdicts = [*id_audit.clashes(seen), *id_audit.orphans(seen)]
    if ground.ids is IdSource.LEDGER:
        accounted = [one.id for one in seen if one.where != LEDGER]
        verdicts += id_audit.gaps(accounted, account.first, account.last, account.held, account.blocks, account.skips)
    return sorted(verdicts, key=lambda one: (one.explained, one)), len({(one.space, one.id) for one in seen})


def _of_ledger(ground: Ground, account: Account) -> list[Seen]:
    places = {(one.held.registry, one.held.context, one.id): f"{one.subject} v{one.number}" for one in account.entries}
    return [
        Seen(
            LEDGER,
            one.id,
            one.schema_hash,
            places.get((one.registry, one.context, one.id)) or one.wanted or "a version that was let go",
            _space(ground, one.registry, one.context),
        )
        for one in account.held
        # With a ledger of our own, what registries made before counts where they still have it.
        if not one.registry or ground.ids is IdSource.REGISTRY
    ]


def _of_store(ground: Ground) -> list[Seen]:
    made_by = agreement.maker(ground)
    return [
        Seen(STORE, one.id, one.schema_hash, f"{subject} v{one.number}", _space(ground, made_by, subject.context))
        for subject in ground.store.subjects()
        for one in ground.store.records(subject)
    ]


async def _of_registry(ground: Ground, registry: Registry, report: Report) -> list[Seen]:
    def known(place: Place) -> str:
        record = _record(ground.store, *place)
        return record.schema_hash if record else ""

    items = await inventory.versions(registry, Selection(), known, report)
    # Each that is spelled otherwise is parsed: off the event loop.
    return await to_thread.run_sync(lambda: [_seen(ground, registry.name, item) for item in items])


def _seen(ground: Ground, registry: str, item: Item) -> Seen:
    version = item.version
    place = f"{version.subject} v{version.number}"
    space = _space(ground, registry, version.subject.context)
    return Seen(registry, version.id, _content(ground.store, item), place, space)


def _content(store: SchemaStore, item: Item) -> str:
    """The store's digest where the registry only spells the same schema in its own way."""
    subject, number = item.place
    record = _record(store, subject, number)
    if record is None or record.schema_hash == item.digest:
        return item.digest
    stored = store.version(subject, number)
    same = stored and spelling_digest(stored.version.schema) == spelling_digest(item.version.schema)
    return record.schema_hash if same else item.digest


def _record(store: SchemaStore, subject: Subject, number: int) -> Record | None:
    return next((one for one in store.records(subject) if one.number == number), None)


def _space(ground: Ground, registry: str, context: str) -> str:
    """Where ids have one meaning: everywhere when we number, else within a registry's context."""
    return "" if ground.ids is IdSource.LEDGER else f"{registry} {context}"


def _kind(one: Verdict) -> str:
    return "unexplained_gap" if one.trouble is id_audit.Trouble.GAP and not one.explained else one.trouble.value
