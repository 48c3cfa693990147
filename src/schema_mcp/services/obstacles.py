"""Why versions that a registry lacks cannot go there: its product, what is in the way, what readers need."""

from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from anyio import to_thread

from schema_mcp.domain import compatibility
from schema_mcp.domain.drift import Drift, Held, Kind
from schema_mcp.domain.engine import Whole
from schema_mcp.domain.errors import InvalidSchemaError
from schema_mcp.domain.identity import schema_hash
from schema_mcp.domain.plan import Blocked
from schema_mcp.domain.references import Place
from schema_mcp.domain.schema import Schema, Subject
from schema_mcp.registries import asks
from schema_mcp.registries.contract import Capability, Registry
from schema_mcp.services.digests import stored_digest
from schema_mcp.services.draft import KEEPING, Draft
from schema_mcp.services.glances import versions_at
from schema_mcp.services.judgement import Judge, judge_of
from schema_mcp.services.resolution import stored_whole

_IN_THE_WAY: Mapping[Kind, str] = {
    Kind.CONTENT: "the registry holds other content under this version",
    Kind.METADATA: "the registry holds other metadata or rules under this version",
    Kind.IDENTITY: "the registry holds this version under another id",
}

_ANOTHER_TEXT = (
    "Going back takes a version with something of its own: change its docs, a property or its metadata, and register "
    "that."
)


def in_the_way(draft: Draft, drift: Sequence[Drift]) -> Iterator[Blocked]:
    """Versions that stand there as something else; another id is expected where ids cannot be kept."""
    for one in drift:
        if one.kind in _IN_THE_WAY and (draft.keeps_ids or one.kind is not Kind.IDENTITY):
            yield Blocked(
                draft.registry.name,
                one.subject,
                f"{_IN_THE_WAY[one.kind]}: {one.detail}",
                "A version is never replaced: adopt the registry's content into the store, or delete it there.",
                one.number,
            )


async def cannot_register(draft: Draft, subject: Subject, missing: Mapping[int, Held]) -> list[Blocked]:
    """Why missing versions cannot go there: capabilities, numbers and ids that are taken, compatibility."""
    if not missing:
        return []
    beyond = [*_beyond(draft, subject, missing)]
    if beyond:
        return beyond
    if draft.numbers_itself:
        found = [*_reverted(draft, subject, missing), *_renumbered(draft, subject, missing)]
    else:
        found = [one async for one in _occupied(draft, subject, missing)]
    return found[:1] if draft.numbers_itself and found else found or await _incompatible(draft, subject, missing)


def _beyond(draft: Draft, subject: Subject, missing: Mapping[int, Held]) -> Iterator[Blocked]:
    """Versions that the registry's product would refuse, or keep without a part of them."""
    for number, held in missing.items():
        stored = draft.store.version(subject, number)
        schema_id = None if draft.numbers_itself else held.id
        asked = [*asks.of_schema(subject, stored.version.schema, schema_id=schema_id)] if stored else []
        if why := asks.refused(draft.registry, asked):
            hint = "Deploy it to a registry that can."
            if not asks.refused(draft.registry, [one for one in asked if one not in KEEPING]):
                hint = f"{hint} With keep_ids: false it goes there under an id of that registry's own."
            yield Blocked(draft.registry.name, subject, why, hint, number)


def _reverted(draft: Draft, subject: Subject, missing: Mapping[int, Held]) -> Iterator[Blocked]:
    """Going back to an older schema: what numbers by itself knows the content, and makes no new version of it."""
    name, holders = draft.registry.name, first_holders(draft, subject)
    for number, held in sorted(missing.items()):
        first = holders.get(held.digest, number)
        if first != number:
            why = (
                f"its content is that of version {first}: {name} would answer with version {first}, make no new one, "
                "and its latest version would stay what it is"
            )
            yield Blocked(name, subject, why, _ANOTHER_TEXT, number)


def first_holders(draft: Draft, subject: Subject) -> dict[str, int]:
    """The first version of each content that a subject has in the store."""
    first: dict[str, int] = {}
    for number, held in sorted(draft.wanted.versions.get(subject, {}).items()):
        first.setdefault(held.digest, number)
    return first


def _renumbered(draft: Draft, subject: Subject, missing: Mapping[int, Held]) -> Iterator[Blocked]:
    """Versions to which a registry, which numbers in a row, would give another number."""
    known = [*draft.found.versions.get(subject, {}), *draft.found.deleted.get(subject, {}), 0]
    for expected, number in enumerate(sorted(missing), start=max(known) + 1):
        if number != expected:
            why = f"without its id it would become version {expected} there"
            yield Blocked(
                draft.registry.name, subject, why, "Deploy the subject to registries that keep numbers.", number
            )
            return


async def _occupied(draft: Draft, subject: Subject, missing: Mapping[int, Held]) -> AsyncIterator[Blocked]:
    name = draft.registry.name
    tombs = draft.found.deleted.get(subject, {})
    highest = await draft.highest_id(subject.context)
    for number, held in missing.items():
        if number in tombs and not await _is_kept(draft.registry, (subject, number), tombs[number], held):
            why = f"a soft-deleted version {number} with other content is in the way"
            yield Blocked(name, subject, why, "Delete it permanently first.", number)
        elif number in tombs and (why := asks.refused(draft.registry, [Capability.REVIVAL])):
            yield Blocked(name, subject, why, "Delete it permanently there first, then plan again.", number)
        elif held.id <= highest and not await _is_free(draft.registry, subject, held):
            why = f"id {held.id} belongs to other content in {name}"
            yield Blocked(name, subject, why, "Ids never move: register the schema under a new id.", number)


def taken_for_others(registry: str, drift: Sequence[Drift]) -> Iterator[Blocked]:
    """Versions that the product would take for an earlier one, id and all."""
    for one in drift:
        if one.kind is Kind.MISSING and one.taken_for:
            yield Blocked(registry, one.subject, one.detail, _ANOTHER_TEXT, one.number)


async def _is_free(registry: Registry, subject: Subject, held: Held) -> bool:
    """Is the id unused there, or bound to this very content?"""
    there = await registry.schema(held.id, context=subject.context)
    return there is None or await _holds(there, held)


async def _is_kept(registry: Registry, place: Place, tomb: Held, held: Held) -> bool:
    """Is a soft-deleted version the one that is wanted, in whatever spelling the registry keeps it?"""
    if tomb.digest == held.digest:
        return True
    there = await versions_at(registry, [place], deleted=True)
    return place in there and await _holds(there[place].schema, held)


async def _holds(schema: Schema, held: Held) -> bool:
    if schema_hash(schema) == held.digest:
        return True
    try:
        return await to_thread.run_sync(stored_digest, schema) == held.digest
    except InvalidSchemaError:
        return False


async def _incompatible(draft: Draft, subject: Subject, missing: Mapping[int, Held]) -> list[Blocked]:
    """IMPORT switches the registry's own check off, so it is made here, against what the registry already has."""
    if not draft.found.versions.get(subject):
        return []
    registry, store = draft.registry, draft.store
    judge = judge_of(registry.name, await registry.config(subject, inherited=True))
    judge = replace(judge, level=store.wish(subject).level or judge.level)
    wholes = [await stored_whole(one.version, store) for one in store.history(subject) if not one.version.deleted]
    found = await to_thread.run_sync(_first_break, wholes, missing, judge)
    if found is None:
        return []
    why, hint = f"not {judge.level} compatible: {found[1]}", "Lower the subject's level, or mend the version."
    return [Blocked(registry.name, subject, why, hint, found[0])]


def _first_break(wholes: Sequence[Whole], missing: Collection[int], judge: Judge) -> tuple[int, str] | None:
    """The first missing version that does not follow those before it, and why."""
    for new in wholes:
        before = [old for old in wholes if old.number < new.number]
        if new.number in missing:
            outcome = compatibility.check(new, before, judge.level, judge.rules, group=judge.group)
            if not outcome.compatible:
                return new.number, outcome.breaks[0][1].plain
    return None
