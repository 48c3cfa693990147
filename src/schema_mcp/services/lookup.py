"""From a number or a text to the versions that carry it."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from anyio import to_thread

from schema_mcp.domain.engine import Whole, canonical, ordered
from schema_mcp.domain.identity import schema_hash
from schema_mcp.domain.schema import Schema, Subject, Version
from schema_mcp.registries.contract import Capability, Registry
from schema_mcp.services.digests import spelling_digest
from schema_mcp.services.resolution import in_registry, in_store, whole
from schema_mcp.services.together import each
from schema_mcp.stores.schemastore import SchemaStore

_AT_ONCE = 200


@dataclass(frozen=True, slots=True, order=True)
class Holder:
    """A version that carries an id."""

    subject: Subject
    number: int
    deleted: bool


async def holders(registry: Registry, schema_id: int, context: str | None) -> list[Holder]:
    """Every version with this id, of one context or of all, soft-deleted ones marked."""
    known = Capability.CONTEXTS in registry.capabilities
    contexts = [context] if context else await registry.contexts() if known else ["."]
    found = await each(contexts, lambda one: _holders(registry, schema_id, one))
    return sorted(holder for many in found for holder in many)


async def _holders(registry: Registry, schema_id: int, context: str) -> list[Holder]:
    live = await registry.holders(schema_id, context=context)
    soft = Capability.SOFT_DELETE in registry.capabilities
    every = await registry.holders(schema_id, context=context, deleted=True) if soft else live
    alive = set(live)
    return [Holder(subject, number, (subject, number) not in alive) for subject, number in every]


@dataclass(frozen=True, slots=True)
class Matches:
    """The versions that hold a content, and the content as a registry would keep it."""

    schema: Schema
    versions: list[Version]


async def of_text(
    registry: Registry, store: SchemaStore, scope: Subject | None, schema: Schema, *, normalize: bool
) -> Matches:
    """The versions of a subject, a context, or (None) a whole registry that hold this schema; soft-deleted ones too.

    Without metadata and rules, those do not count. A registry answers for a subject itself where it can; everything
    else is looked for in one bulk listing. Raises `InvalidSchemaError` for a text that is no schema.
    """
    complete = await whole(schema, scope or Subject(""), [in_registry(registry), in_store(store)])
    wanted = await to_thread.run_sync(lambda: canonical(complete, normalize=normalize))
    if scope and scope.name and Capability.LOOKUP in registry.capabilities:
        soft = Capability.SOFT_DELETE in registry.capabilities
        found = await registry.lookup(scope, schema, normalize=normalize, deleted=soft)
        return Matches(wanted, [found] if found else [])
    return Matches(wanted, await _listed(registry, scope, await _test(wanted, complete, normalize=normalize)))


async def of_schema(registry: Registry, scope: Subject | None, schema: Schema) -> Matches:
    """The versions of a subject, a context, or a whole registry that hold exactly what the registry keeps here."""
    return Matches(schema, await _listed(registry, scope, schema.__eq__))


async def _test(wanted: Schema, complete: Whole, *, normalize: bool) -> Callable[[Schema], bool]:
    """Whether a version's schema is the wanted one."""
    plain = wanted.metadata is None and wanted.rule_set is None

    def counted(schema: Schema) -> Schema:
        return replace(schema, metadata=None, rule_set=None) if plain else schema

    if not normalize:
        digest = schema_hash(wanted)
        return lambda schema: schema.type is wanted.type and schema_hash(counted(schema)) == digest
    spelling = await to_thread.run_sync(spelling_digest, complete.schema)

    def same(schema: Schema) -> bool:
        there = counted(schema)
        contract = (there.metadata, there.rule_set) == (wanted.metadata, wanted.rule_set)
        uses = ordered(there.references) == wanted.references
        return there.type is wanted.type and contract and uses and spelling_digest(there) == spelling

    return same


async def _listed(registry: Registry, scope: Subject | None, test: Callable[[Schema], bool]) -> list[Version]:
    found: list[Version] = []
    batch: list[Version] = []

    async def sift() -> None:
        # Normalising costs: off the event loop.
        found.extend(await to_thread.run_sync(lambda: [one for one in batch if test(one.schema)]))
        batch.clear()

    async for version in registry.versions(
        context=scope.context if scope else None,
        prefix=scope.name if scope else "",
        deleted=Capability.SOFT_DELETE in registry.capabilities,
    ):
        if scope is None or scope.name in ("", version.subject.name):
            batch.append(version)
        if len(batch) == _AT_ONCE:
            await sift()
    await sift()
    return sorted(found, key=lambda one: (one.subject, one.number))
