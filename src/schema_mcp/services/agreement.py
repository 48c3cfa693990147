"""Git has the last word on ids: the ledger is held against the store, and rebuilt where they differ."""

from anyio import to_thread

from schema_mcp.domain.allocation import Entry, IdSource, Kind
from schema_mcp.services.ground import Ground
from schema_mcp.stores.schemastore import View


async def settle(ground: Ground) -> list[str]:
    """Hold the ledger against the store's head, unless that was done; says what was mended.

    Other people's commits, a lost ledger file and an old backup of it all end here. Ids that were handed out and never
    committed stay with their contents, and none is ever given twice.
    """
    store = ground.store.still()
    if ground.ledger.agreed_with == store.head:
        return []
    entries = await to_thread.run_sync(_entries, store, maker(ground))  # ten thousand take a while
    high_water, blocks = store.high_water(), store.blocks()
    found = await ground.ledger.disagreements(entries, high_water, blocks)
    # A mark of its own each is how ledgers live: ahead of Git until the next commit, behind where others moved it.
    wrong = [one for one in found if one.needs_rebuild and one.kind is not Kind.MARK]
    said = [f"{one.subject or 'ids.json'}: {one.reason}" for one in wrong]
    if said:
        await ground.ledger.rebuild(entries, high_water, blocks)
    ground.ledger.agreed_with = store.head
    return [f"the ledger was rebuilt from the store ({len(said)} differences, first: {said[0]})"] if said else []


def maker(ground: Ground) -> str:
    """The registry that made the store's ids; nothing where they come from a ledger of our own."""
    # Without a ledger of our own every id was made by the one registry that can be written to.
    writable = ground.fleet.whole.writable
    return writable[0] if ground.ids is IdSource.REGISTRY and writable else ""


def _entries(store: View, made_by: str) -> list[Entry]:
    return [
        Entry(record.subject, record.number, record.schema_hash, record.id, record.type, registry=made_by)
        for subject in store.subjects()
        for record in store.records(subject)
    ]
