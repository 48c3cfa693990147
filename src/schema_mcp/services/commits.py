"""New versions into the store: one commit each, with a message a person would write."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from schema_mcp.domain.allocation import Entry, IdSource
from schema_mcp.domain.errors import SchemaMcpError
from schema_mcp.domain.naming import shown_context
from schema_mcp.domain.schema import DEFAULT_CONTEXT, Version
from schema_mcp.services import id_allocation
from schema_mcp.services.ground import Ground, Signature
from schema_mcp.stores.schemastore import AddVersion, Change, ClaimId, SetMark, StoredVersion

OURS = -1
"""Stands for an id of our own that is not known yet; 0 for one that the registry will give."""


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


async def add(
    ground: Ground,
    stored: StoredVersion,
    signed: Signature,
    *,
    also: Sequence[Change] = (),
    branch: str | None = None,
) -> str:
    """Commit a version, and with it the ids' mark where that does not cover its id yet.

    Raises `ConflictError` where another ledger of this store was faster with the id, the content or the number.
    """
    version = stored.version
    context = version.subject.context
    where = "" if context == DEFAULT_CONTEXT else f" in {shown_context(context)}"
    message = f"Add {version.subject.name} v{version.number}{where} (ID: {version.id})"
    claim = [ClaimId(version.id, stored.schema_hash)] if ground.ids is IdSource.LEDGER else []
    return await made(ground, [*claim, AddVersion(stored), *also], message, signed, branch=branch)


async def made(
    ground: Ground, changes: Sequence[Change], message: str, signed: Signature, *, branch: str | None = None
) -> str:
    """Commit changes, and with new versions the ids' mark where that does not cover them yet."""
    ids = [change.stored.version.id for change in changes if isinstance(change, AddVersion)]
    mark = id_allocation.mark_needed(ground.store, max(ids, default=0)) if ground.ids is IdSource.LEDGER else None
    marked = [*changes, SetMark(mark)] if mark is not None else changes
    before = ground.store.head
    commit = await ground.store.commit(marked, message, signed.author, signed.trailers, branch=branch)
    if ground.ledger.agreed_with == before and branch is None:
        ground.ledger.agreed_with = commit  # what we add ourselves, the ledger knows
    return commit


async def add_numbered(ground: Ground, registry: str, stored: StoredVersion, there: Version, signed: Signature) -> str:
    """Take a version with the number and id that a registry gave it into ledger and store."""
    numbered = replace(stored, version=replace(stored.version, number=there.number, id=there.id))
    kind = stored.version.schema.type
    entry = Entry(there.subject, there.number, stored.schema_hash, there.id, kind, registry=registry)
    await ground.ledger.adopt([entry])
    return await add(ground, numbered, signed)
