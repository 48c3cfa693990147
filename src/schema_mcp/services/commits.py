"""New versions into the store: one commit each, with a message a person would write."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace

from schema_mcp.domain.allocation import Entry, IdSource
from schema_mcp.domain.errors import SchemaMcpError
from schema_mcp.domain.naming import shown_context
from schema_mcp.domain.schema import DEFAULT_CONTEXT, Version
from schema_mcp.services import id_allocation
from schema_mcp.services.ground import Ground, Signature
from schema_mcp.stores.schemastore import AddVersion, Change, SetMark, StoredVersion


@contextmanager
def telling(commit: str, rest: str) -> Generator[None]:
    """Around what follows a commit: an error says that the commit stands, and how the rest is."""
    try:
        yield
    except SchemaMcpError as error:
        if commit:
            error.hint = f"The store has it (commit {commit[:10]}), {rest}. {error.hint}".strip()
            error.details |= {"commit": commit}
        raise


async def add(ground: Ground, stored: StoredVersion, signed: Signature) -> str:
    """Commit a version, and with it the ids' mark where that does not cover its id yet."""
    version = stored.version
    changes: list[Change] = [AddVersion(stored)]
    mark = id_allocation.mark_needed(ground.store, version.id) if ground.ids is IdSource.LEDGER else None
    if mark is not None:
        changes.append(SetMark(mark))
    context = version.subject.context
    where = "" if context == DEFAULT_CONTEXT else f" in {shown_context(context)}"
    message = f"Add {version.subject.name} v{version.number}{where} (ID: {version.id})"
    before = ground.store.head
    commit = await ground.store.commit(changes, message, signed.author, signed.trailers)
    if ground.ledger.agreed_with == before:
        ground.ledger.agreed_with = commit  # what we add ourselves, the ledger knows
    return commit


async def add_numbered(ground: Ground, registry: str, stored: StoredVersion, there: Version, signed: Signature) -> str:
    """Take a version with the number and id that a registry gave it into ledger and store."""
    numbered = replace(stored, version=replace(stored.version, number=there.number, id=there.id))
    kind = stored.version.schema.type
    entry = Entry(there.subject, there.number, stored.schema_hash, there.id, kind, registry=registry)
    await ground.ledger.adopt([entry])
    return await add(ground, numbered, signed)
