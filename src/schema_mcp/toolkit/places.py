"""Where in the store a change is, and whether its caller may make it there: a grant holds for what is kept, too."""

from schema_mcp.domain.caller import Caller, Scope
from schema_mcp.domain.errors import NotPermittedError
from schema_mcp.domain.schema import Subject
from schema_mcp.stores.changes import AddVersion, Change, RemoveVersion, SetContextWish, SetWish, UpdateVersion
from schema_mcp.stores.schemastore import SchemaStore


def guarded(store: SchemaStore, caller: Caller) -> SchemaStore:
    """The store as a caller may change it: where he may write in any registry. Everything in it may be read."""
    if caller.grants is None:
        return store

    def allow(change: Change) -> None:
        place = _place(change)
        if place is not None and not caller.writes_at(place):
            named = str(place)[:200] if place.name else "a whole context"
            raise NotPermittedError(
                f"Changing {named!r} in the store needs the scope 'write' for it",
                hint="Whoever runs this server grants it, in access.yaml.",
                details={"layer": "grant", "scope": Scope.WRITE.value},
            )

    return store.guarded(allow)


def _place(change: Change) -> Subject | None:
    """The subject or context of a change; None for the ids' own bookkeeping."""
    match change:
        case AddVersion(stored) | UpdateVersion(stored):
            return stored.version.subject
        case RemoveVersion(subject, _) | SetWish(subject, _):
            return subject
        case SetContextWish(context, _):
            return Subject("", context)
        case _:
            return None
