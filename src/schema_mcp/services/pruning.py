"""Take away what a registry has and the store does not send there: only on request, and only what we put there.

Ours is a version that the store keeps or its Git history once held, or that the journal says we registered: always
with the very content that stands in the registry now. What anything else references stays, and so does everything
when there is more to delete than the plan was told to expect.
"""

import json
from collections.abc import Mapping, Sequence

from anyio import to_thread

from schema_mcp.domain.drift import Drift, Held, Kind
from schema_mcp.domain.layout import METADATA_FILE, version_path
from schema_mcp.domain.plan import Action, Blocked, Step
from schema_mcp.domain.references import Place
from schema_mcp.domain.schema import Subject
from schema_mcp.registries.contract import Registry
from schema_mcp.services.draft import Draft
from schema_mcp.services.glances import users_of
from schema_mcp.services.together import each
from schema_mcp.stores.journal import Journal
from schema_mcp.stores.schemastore import SchemaStore

_COMMITS = 50
"""Commits of one version's folder that are looked into."""


async def prune(draft: Draft, drift: Sequence[Drift], journal: Journal) -> None:
    """Plan the deletion of what is extra, or say why it stays."""
    name = draft.registry.name
    leaving = {(step.subject, step.number) for step in draft.steps if step.action is Action.DELETE}
    extra = [(one.subject, one.number) for one in drift if one.kind is Kind.EXTRA]
    extra = [place for place in extra if place not in leaving]
    held = {place: draft.found.versions[place[0]][place[1]] for place in extra}
    ours = await _ours(draft, held, journal)
    draft.blocked += [_blocked(name, place, _NOT_OURS, _KEEP_IT) for place in extra if place not in ours]
    free = await _unused(draft.registry, {*ours, *leaving})
    draft.blocked += [_blocked(name, place, _USED, _USERS_FIRST) for place in ours if place not in free]
    going = [place for place in ours if place in free]
    if len(going) > draft.terms.prune:
        why = f"{len(going)} versions would be deleted, more than the {draft.terms.prune} that `prune` allows"
        draft.blocked.append(Blocked(name, going[0][0], why, "Look at detect_drift, then raise `prune` or narrow it."))
        return
    draft.steps += [_step(name, place, held[place], ours[place]) for place in going]


def _step(registry: str, place: Place, held: Held, evidence: str) -> Step:
    subject, number = place
    reason = f"the store does not send it here; {evidence}"
    return Step(registry, Action.DELETE, subject, reason, number=number, digest=held.digest)


_NOT_OURS = "it is extra, and nothing says that it was deployed from the store"
_KEEP_IT = "adopt_registry takes it into the store; delete_schema_version deletes it on purpose."
_USED = "it is extra, and something that stays references it"
_USERS_FIRST = "Delete what references it first, or send it here again."


def _blocked(registry: str, place: Place, reason: str, hint: str) -> Blocked:
    return Blocked(registry, place[0], reason, hint, place[1])


async def _ours(draft: Draft, held: Mapping[Place, Held], journal: Journal) -> dict[Place, str]:
    """The versions that we created, each with what says so."""
    keys = {Step(draft.registry.name, Action.REGISTER, *_named(place)).key: place for place in held}
    done = await journal.done(list(keys))
    noted = {
        keys[record.key]: "the journal says that it was deployed from here"
        for record in done
        if (record.image or {}).get("digest") == held[keys[record.key]].digest
    }
    found: dict[Place, str] = {}
    for place in held:
        evidence = await to_thread.run_sync(_remembered, draft.store, place, held[place]) or noted.get(place)
        if evidence:
            found[place] = evidence
    return found


def _named(place: Place) -> tuple[Subject, str, int]:
    return place[0], "", place[1]


def _remembered(store: SchemaStore, place: Place, held: Held) -> str | None:
    """What the store says of a version: it keeps it, or a commit of its history held it."""
    subject, number = place
    if any(record.number == number and record.schema_hash == held.digest for record in store.records(subject)):
        return "the store keeps it"
    path = f"{store.root}/{version_path(subject, number)}"
    for commit in store.repository.log(path, _COMMITS):
        content = store.repository.read(f"{path}/{METADATA_FILE}", commit.id)
        if content is not None and _hash_in(content) == held.digest:
            return f"the store held it at commit {commit.id[:10]}"
    return None


def _hash_in(content: bytes) -> str | None:
    try:
        return json.loads(content).get("schemaHash")
    except (ValueError, AttributeError):
        return None


async def _unused(registry: Registry, places: set[Place]) -> set[Place]:
    """The places that nothing references but other places of the same set that can go themselves."""
    asked = sorted(places)
    users = dict(zip(asked, await each(asked, lambda place: users_of(registry, place)), strict=True))
    free = set(asked)
    while stuck := {place for place in free if users[place] - free}:
        free -= stuck
    return free
