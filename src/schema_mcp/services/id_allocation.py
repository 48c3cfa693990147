"""Hand out an id nobody else can get, and keep Git's mark above every id that leaves us."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import anyio

from schema_mcp.domain.allocation import Allocated, Allocation, Block, IdSource, mark_for, next_mark
from schema_mcp.domain.engine import canonical
from schema_mcp.domain.errors import ConflictError, InvalidRequestError, MarkReachedError, RegistryError
from schema_mcp.domain.identity import schema_hash
from schema_mcp.domain.schema import Schema, Subject
from schema_mcp.registries.fleet import Fleet
from schema_mcp.services import agreement
from schema_mcp.services.ground import Ground, Signature
from schema_mcp.services.resolution import in_registry, in_store, whole
from schema_mcp.stores.ids import Ledger
from schema_mcp.stores.schemastore import ReserveBlock, SchemaStore, SetMark

Answer = TypeVar("Answer")

_LEDGER_TURNS = 5


async def allocate(ledger: Ledger, store: SchemaStore, wanted: Allocation) -> Allocated:
    """The id of a content, the old one or the next free one.

    The caller owes one thing before the id is seen by anybody else: Git's mark covers it (`mark_needed`), in the
    commit that stores the version or in one of its own. Raises `ConflictError` where the version is known with other
    content.
    """
    return await _under_the_mark(ledger, store, lambda: ledger.allocate(wanted))


async def _under_the_mark(ledger: Ledger, store: SchemaStore, ask: Callable[[], Awaitable[Answer]]) -> Answer:
    for _ in range(_LEDGER_TURNS):
        try:
            return await ask()
        except MarkReachedError as reached:
            mark = store.high_water()
            await ledger.extend(mark, next_mark(mark, int(reached.details["mark"])))
    raise ConflictError("The ledger's mark keeps moving", hint="Try again: several writers are at work.")


async def reserve(ground: Ground, count: int, owner: str, signed: Signature) -> tuple[Block, str]:
    """Set numbers aside for somebody who hands them out elsewhere; when this returns, Git knows. The block, the commit.

    Raises `InvalidRequestError` where registries hand out ids.
    """
    if ground.ids is IdSource.REGISTRY:
        raise InvalidRequestError(
            "Here the registry hands out ids, so none can be set aside", hint="Set `ids: ledger` in registries.yaml."
        )
    for _ in range(_LEDGER_TURNS):
        await ground.store.fetch()
        await agreement.settle(ground)
        block = await _under_the_mark(ground.ledger, ground.store, lambda: ground.ledger.reserve(count, owner))
        mark = mark_needed(ground.store, block.last)
        changes = [ReserveBlock(block), *([SetMark(mark)] if mark is not None else [])]
        message = f"Reserve ids {block.first} to {block.last} for {owner}"
        try:
            return block, await ground.store.commit(changes, message, signed.author, signed.trailers)
        except ConflictError:  # another ledger of this store set aside some of them: theirs are in Git, ours are not
            continue
    raise ConflictError("Others keep reserving the same ids", hint="Try again, or share one ledger (DATABASE_URL).")


async def allocate_for(ground: Ground, subject: Subject, number: int, schema: Schema, signed: Signature) -> Allocated:
    """The id of a content ahead of its registration; when it is answered, Git's mark covers it.

    Raises `InvalidRequestError` where registries hand out ids, `ConflictError` where the version is known with other
    content, `InvalidSchemaError` for a bad text.
    """
    if ground.ids is IdSource.REGISTRY:
        raise InvalidRequestError(
            "Here the registry hands out ids, so none can be allocated ahead",
            hint="Set `ids: ledger` in registries.yaml, or just register: the registry's id is read back.",
        )
    await ground.store.refresh()
    await agreement.settle(ground)
    new = await whole(schema, subject, [in_store(ground.store), in_registry(ground.fleet.get())])
    digest = schema_hash(canonical(new, new=True))
    stored = ground.store.version(subject, number)
    if stored is not None and stored.schema_hash != digest:
        raise ConflictError(
            f"Version {number} of {subject} is known with other content (id {stored.version.id})",
            hint="Ask for the next version number, or send the content that the store has.",
        )
    lowest = await floor(ground.fleet, ground.ids, subject.context)
    allocated = await allocate(ground.ledger, ground.store, Allocation(subject, number, digest, schema.type, lowest))
    await publish(ground, allocated.id, signed)
    return allocated


async def publish(ground: Ground, schema_id: int, signed: Signature) -> None:
    """Commit Git's mark where it does not cover an id yet."""
    mark = mark_needed(ground.store, schema_id)
    if mark is not None:
        message = f"Move the ids' high-water mark to {mark}"
        await ground.store.commit([SetMark(mark)], message, signed.author, signed.trailers)


@dataclass(frozen=True, slots=True)
class Holders:
    """Where an id stands: (store or registry, subject, version), and the contents that the ledger knows under it."""

    holders: list[tuple[str, Subject, int]]
    hashes: tuple[str, ...]
    unreachable: tuple[str, ...]
    told: str
    """What the ledger remembers of an id that the store does not have."""


async def lookup(ground: Ground, schema_id: int, context: str | None) -> Holders:
    """What an id stands for, in store, ledger and every registry."""
    await ground.store.refresh()
    found = [("store", record.subject, record.number) for record in ground.store.by_id(schema_id)]
    unreachable: list[str] = []

    async def ask(name: str) -> None:
        registry = ground.fleet.get(name)
        try:
            for where in [context] if context else await registry.contexts():
                held = await registry.holders(schema_id, context=where, deleted=True)
                found.extend((name, subject, number) for subject, number in held)
        except RegistryError:
            unreachable.append(name)

    async with anyio.create_task_group() as asking:
        for name in ground.fleet.names:
            asking.start_soon(ask, name)
    hashes = dict.fromkeys(held.schema_hash for held in await ground.ledger.lookup(schema_id))
    wanted = [one for one in found if context in (None, one[1].context)]
    told = "" if ground.store.by_id(schema_id) else await ground.ledger.told(schema_id)
    return Holders(sorted(wanted), tuple(hashes), tuple(sorted(unreachable)), told)


async def blocks(ground: Ground) -> tuple[list[Block], frozenset[Block]]:
    """Every block set aside, by ledger or store; and those that the store knows."""
    await ground.store.refresh()
    stored = frozenset(ground.store.blocks())
    return list({*stored, *await ground.ledger.blocks()}), stored


def mark_needed(store: SchemaStore, schema_id: int) -> int | None:
    """The mark that Git has to show before this id leaves us, or None when it already does."""
    return mark_for(schema_id) if schema_id > store.high_water() else None


async def floor(fleet: Fleet, source: IdSource, context: str) -> int:
    """The highest id that any writable registry has handed out, so that a new one lies above it.

    A registry that does not answer is left out: apply checks the id again before it writes there.
    """
    highest, fleet = [0], fleet.whole

    async def ask(name: str) -> None:
        try:
            highest.append(await fleet.get(name).highest_id(context=context))
        except RegistryError:
            return

    if source is IdSource.LEDGER:
        async with anyio.create_task_group() as asking:
            for name in fleet.writable:
                asking.start_soon(ask, name)
    return max(highest)


async def refuse_taken(fleet: Fleet, subject: Subject, schema_id: int, digest: str) -> None:
    """Raise `ConflictError` where a writable registry has bound the id to other content."""
    clashes: list[str] = []
    fleet = fleet.whole  # an id is free for everybody, or for nobody

    async def ask(name: str) -> None:
        try:
            there = await fleet.get(name).schema(schema_id, context=subject.context)
        except RegistryError:
            return
        if there is not None and schema_hash(there) != digest:
            clashes.append(name)

    async with anyio.create_task_group() as asking:
        for name in fleet.writable:
            asking.start_soon(ask, name)
    if clashes:
        raise ConflictError(
            f"Id {schema_id} stands for other content in {', '.join(sorted(clashes))}",
            hint="Ids never move. Adopt that registry's ids into the store first, or raise the ids' base in the "
            "configuration above what the registry has handed out.",
            details={"id": schema_id, "registries": sorted(clashes)},
        )
