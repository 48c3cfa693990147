"""Read a whole side at one moment: a registry, or what the store wants of it."""

import hashlib
import json
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from operator import attrgetter

from schema_mcp.domain.drift import Held, Snapshot, Wish
from schema_mcp.domain.identity import schema_hash
from schema_mcp.domain.references import Place, used_by
from schema_mcp.domain.schema import Level, Subject, Version
from schema_mcp.registries.contract import LEVEL_KEYS, Capability, Registry, level_of
from schema_mcp.services.together import each
from schema_mcp.stores.schemastore import ContextWish, SchemaStore, View

Wanted = Callable[[Subject], bool]
"""Which subjects a question is about."""

_FEW = 8
_BY_NAME = attrgetter("name", "context")  # the order that subjects have, compared four times as fast


def _as_it_is(version: Version) -> Version:
    return version


async def of_registry(
    registry: Registry,
    wanted: Wanted,
    *,
    settings_of: Iterable[Subject] = (),
    prefix: str = "",
    context: str | None = None,
    subjects: Collection[Subject] = (),
    seen_as: Callable[[Version], Version] = _as_it_is,
) -> Snapshot:
    """What a registry holds of the wanted subjects, and the own settings of the named scopes.

    A few subjects by name are listed each for itself: what else the registry holds makes no difference then.
    `seen_as` gives each version as it would stand elsewhere.
    """
    live: dict[Subject, dict[int, Held]] = {}
    deleted: dict[Subject, dict[int, Held]] = {}
    uses: dict[Place, list[Place]] = {}
    metadata, rules = set[Place](), set[Place]()
    soft = Capability.SOFT_DELETE in registry.capabilities
    async for listed in _listed(registry, prefix, context, subjects, deleted=soft):
        if wanted(listed.subject):
            version = seen_as(listed)
            side = deleted if version.deleted else live
            place = (version.subject, version.number)
            if version.schema.references:
                uses[place] = used_by(version)
            if version.schema.metadata is not None:
                metadata.add(place)
            if version.schema.rule_set is not None:
                rules.add(place)
            side.setdefault(version.subject, {})[version.number] = Held(version.id, schema_hash(version.schema))
    scopes = list(settings_of)
    settings = zip(scopes, await each(scopes, lambda scope: settings_at(registry, scope)), strict=True)
    return Snapshot(live, dict(settings), deleted, uses, metadata, rules)


async def _listed(
    registry: Registry, prefix: str, context: str | None, subjects: Collection[Subject], *, deleted: bool
) -> AsyncIterator[Version]:
    listings = [(subject.name, subject.context) for subject in dict.fromkeys(subjects)]
    for start, place in listings if 0 < len(listings) <= _FEW else [(prefix, context)]:
        async for version in registry.versions(context=place, prefix=start, deleted=deleted):
            yield version


async def settings_at(registry: Registry, scope: Subject) -> Wish:
    """The own settings of a scope, as far as the registry has such a thing."""
    config = await registry.config(scope) if Capability.CONFIG in registry.capabilities else None
    mode = await registry.mode(scope) if Capability.MODES in registry.capabilities else None
    level = level_of(config)
    fields = {name: value for name, value in (config or {}).items() if name not in LEVEL_KEYS}
    return Wish(Level(level) if level in set(Level) else None, mode, fields)


def of_store(store: View, registry: str, wanted: Wanted, subjects: Collection[Subject] = ()) -> Snapshot:
    """What the store wants a registry to hold: live versions of the subjects meant for it, and what it declares for
    these subjects and for their contexts."""
    versions: dict[Subject, dict[int, Held]] = {}
    settings: dict[Subject, Wish] = {}
    named = sorted(subject for subject in set(subjects) if store.records(subject))
    for subject in named if subjects else store.subjects():
        if not wanted(subject):
            continue
        wish = store.wish(subject)
        if wish.targets is None or registry in wish.targets:
            live = [record for record in store.records(subject) if not record.deleted]
            versions[subject] = {record.number: Held(record.id, record.schema_hash) for record in live}
            if wish.level is not None or wish.mode is not None:
                settings[subject] = Wish(wish.level, wish.mode)
    for context in sorted({subject.context for subject in versions}):
        scope, wish = Subject("", context), store.context_wish(context)
        if wanted(scope) and wish != ContextWish():
            fields = {name: value for name, value in (wish.defaults or {}).items() if name not in LEVEL_KEYS}
            settings[scope] = Wish(wish.level, wish.mode, fields)
    return Snapshot(versions, settings)


def is_meant_for(store: SchemaStore, subject: Subject, registry: str) -> bool:
    """Does the store send this subject to that registry? Without targets it goes everywhere."""
    targets = store.wish(subject).targets
    return targets is None or registry in targets


def digest(snapshot: Snapshot) -> str:
    """One name for all that a snapshot holds, so that a later one can be compared."""
    sha = hashlib.sha256()
    for subject in sorted(snapshot.versions, key=_BY_NAME):
        for number, one in sorted(snapshot.versions[subject].items()):
            sha.update(f"{subject}\0{number}\0{one.id}\0{one.digest}\n".encode("utf-8", "surrogatepass"))
    for scope in sorted(snapshot.settings):
        wish = snapshot.settings[scope]
        fields = json.dumps(wish.fields, sort_keys=True)
        sha.update(f"{scope}\0{wish.level}\0{wish.mode}\0{fields}\n".encode("utf-8", "surrogatepass"))
    return sha.hexdigest()
