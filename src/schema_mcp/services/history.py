"""Who changed what in the store, when and why: told from Git, in words about schemas instead of files."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any, cast

from anyio import from_thread, to_thread

from schema_mcp.domain import layout
from schema_mcp.domain.engine import Whole, format_of, parse
from schema_mcp.domain.errors import InvalidRequestError, InvalidSchemaError, NotFoundError, SchemaMcpError
from schema_mcp.domain.layout import METADATA_FILE, SCHEMA_FILES, Kind, Place
from schema_mcp.domain.schema import Subject
from schema_mcp.services.digests import stand_ins
from schema_mcp.services.ground import Report
from schema_mcp.stores.commits import Commit
from schema_mcp.stores.files import StoredVersion, read_context, read_ids, read_metadata, read_subject
from schema_mcp.stores.lineage import Lineage, Step
from schema_mcp.stores.schemastore import SchemaStore

_TRAILERS = ("Tool", "Plan", "Request-Id", "Reason")
_MOST_CHANGES = 200
_LONGEST = 300
_FOLDERS_OF_A_VERSION = 3


@dataclass(frozen=True, slots=True)
class Event:
    """One commit, in words."""

    commit: str
    at: str
    author: str
    email: str
    message: str
    trailers: Mapping[str, str]
    changes: tuple[str, ...]
    total: int
    """How many changes there are; `changes` tells the first 200."""

    renamed_from: str = ""
    """The folder it stood in before."""


@dataclass(frozen=True, slots=True)
class Told:
    """Some events, newest first; where there may be more, `after` is the commit to go on behind.

    In a `shallow` clone the oldest commit passes for the maker of everything that it has. A walk that was `paused` has
    not looked at what is older than `after`: in a large store each commit takes long to look at.
    """

    events: list[Event]
    after: str | None
    shallow: bool = False
    paused: bool = False


async def of(store: SchemaStore, scope: Subject | None, *, after: str | None, limit: int, report: Report) -> Told:
    """The commits that changed a subject, a context (a scope without a name) or the whole store, newest first.

    Raises `NotFoundError` where Git has never had such a thing.
    """
    await store.refresh()

    async def say(count: int) -> None:
        await report(count, None, f"{count:,} commits looked at")

    def tell(count: int) -> None:
        from_thread.run(say, count)

    events, paused = list[Event](), None
    if store.head is not None:  # without a commit there may not even be a repository
        lineage = Lineage(store.repository.path, store.head, bounded=True)
        events = await to_thread.run_sync(lambda: list(islice(_events(store, lineage, scope, after, tell), limit + 1)))
        paused = lineage.paused
    if not events and after is None and paused is None:
        what = f"{scope}" if scope and scope.name else "it"
        raise NotFoundError(f"The store has never had {what}", hint="list_stored_schemas tells what it has.")
    shown = events[:limit]
    shallow = store.head is not None and store.repository.is_shallow
    if len(events) > limit:
        return Told(shown, shown[-1].commit, shallow)
    return Told(shown, paused, shallow, paused=paused is not None)


def _events(
    store: SchemaStore, lineage: Lineage, scope: Subject | None, after: str | None, tell: Callable[[int], None]
) -> Iterator[Event]:
    """The events behind a commit, through every folder that a subject has stood in."""
    closely = scope is not None and bool(scope.name)
    folder, start, waiting = _folder(store, scope), None, after is not None
    while folder:
        renamed = ""
        for step in lineage.steps(folder, after=start, mark=after if waiting else None, tell=tell):
            renamed = _renamed(store, step, folder) if closely and step.changed else ""
            if step.changed and not waiting:
                yield _event(store, step, folder, renamed, closely=closely)
            waiting = waiting and step.commit.id != after
            if renamed:
                start = step.commit.id
                break
        folder = renamed
    if waiting:
        raise InvalidRequestError(
            f"{str(after)[:10]} is no commit of this history", hint="Pass the `cursor` of the previous reply."
        )


def _folder(store: SchemaStore, scope: Subject | None) -> str:
    if scope is None:
        return store.root
    below = layout.subject_path(scope) if scope.name else layout.context_folder(scope.context)
    return f"{store.root}/{below}"


def _event(store: SchemaStore, step: Step, folder: str, renamed: str, *, closely: bool) -> Event:
    commit = step.commit
    paths = store.repository.difference(step.before, commit.id, folder)
    units = list(dict.fromkeys(_unit(store, path) for path in paths))
    changes = [text for unit in units[:_MOST_CHANGES] for text in _told(store, step, unit, closely=closely)]
    head, body = _message(commit)
    return Event(
        commit=commit.id,
        at=datetime.fromtimestamp(commit.at, UTC).isoformat(timespec="seconds"),
        author=commit.author.name,
        email=commit.author.email,
        message=head,
        trailers=body,
        changes=tuple(change[:_LONGEST] for change in changes[:_MOST_CHANGES]),
        total=max(len(changes), len(units)),
        renamed_from=renamed,
    )


def _message(commit: Commit) -> tuple[str, dict[str, str]]:
    """The first line, and what our trailers say; a commit made by hand may have none."""
    lines = commit.message.strip().splitlines()
    pairs = (line.partition(": ") for line in lines[1:])
    return (lines[0] if lines else "")[:_LONGEST], {
        name: value.strip()[:_LONGEST] for name, colon, value in pairs if colon and name in _TRAILERS
    }


def _unit(store: SchemaStore, path: str) -> str:
    """A version's folder, or a file beside them, below the store's folder."""
    parts = path.removeprefix(f"{store.root}/").split("/")
    return "/".join(parts[:_FOLDERS_OF_A_VERSION]) if len(parts) > _FOLDERS_OF_A_VERSION else "/".join(parts)


def _told(store: SchemaStore, step: Step, unit: str, *, closely: bool) -> Iterator[str]:
    """What became of one unit, in words; closely: with what changed inside a schema."""
    place = layout.place_of(unit) or layout.place_of(f"{unit}/{METADATA_FILE}")
    if place is None:
        yield f"{unit} changed, which is no file of the store"
    elif place.kind is Kind.METADATA:
        yield from _version_told(store, step, unit, place, closely=closely)
    else:
        yield from _note_told(store, step, unit, place, closely=closely)


def _version_told(store: SchemaStore, step: Step, unit: str, place: Place, *, closely: bool) -> Iterator[str]:
    old, new = _version(store, step.before, unit, place), _version(store, step.commit.id, unit, place)
    name = f"v{place.number}" if closely else f"{_subject_name(place, new, old)} v{place.number}"
    match old, new:
        case None, StoredVersion():
            retired = ", retired" if new.version.deleted else ""
            yield f"{name} added (id {new.version.id}, {new.version.schema.type}{retired})"
            before = _earlier(store, step, place) if closely else None
            yield from (f"{name}: {one}" for one in _semantic(before, new)) if before else ()
        case StoredVersion(), None:
            yield f"{name} removed, or made unreadable"
        case StoredVersion(), StoredVersion():
            yield from (f"{name}: {one}" for one in _amended(old, new, closely=closely))
        case _:
            yield f"{name} changed, and cannot be read"


def _subject_name(place: Place, *versions: StoredVersion | None) -> str:
    known = next((one for one in versions if one), None)
    return str(known.version.subject) if known else f"{place.context}/{place.subject}"


def _version(store: SchemaStore, commit: str | None, unit: str, place: Place) -> StoredVersion | None:
    """A version as it was at a commit; None where it was not there, or nobody could read it."""
    if commit is None:
        return None
    metadata = store.repository.read(f"{store.root}/{unit}/{METADATA_FILE}", commit)
    texts = (store.repository.read(f"{store.root}/{unit}/{name}", commit) for name in SCHEMA_FILES.values())
    text = next((one for one in texts if one is not None), None)
    if metadata is None or text is None:
        return None
    try:
        return read_metadata(metadata, text.decode(), place)
    except (SchemaMcpError, UnicodeDecodeError):
        return None


def _earlier(store: SchemaStore, step: Step, place: Place) -> StoredVersion | None:
    """The version before this one, as it was then."""
    folder = f"{place.context}/{place.subject}"
    there = {layout.place_of(leaf.path.removeprefix(f"{store.root}/")) for leaf in
             store.repository.walk(f"{store.root}/{folder}", step.commit.id)}  # fmt: skip
    numbers = sorted({one.number for one in there if one and 0 < one.number < place.number}, reverse=True)
    for number in numbers:
        unit = f"{folder}/v{number}"
        found = _version(store, step.commit.id, unit, replace(place, number=number))
        if found is not None:
            return found
    return None


def _amended(old: StoredVersion, new: StoredVersion, *, closely: bool) -> Iterator[str]:
    if old.version.deleted != new.version.deleted:
        yield "retired" if new.version.deleted else "no longer retired"
    if old.version.id != new.version.id:
        yield f"id {old.version.id} became {new.version.id}"
    if old.version.schema != new.version.schema:
        yield "its content was changed in place"
        yield from _semantic(old, new) if closely else ()
    for name in ("description", "tags", "targets", "level"):
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            yield f"{name}: {_shown(before)} became {_shown(after)}"


def _semantic(old: StoredVersion, new: StoredVersion) -> list[str]:
    """What changed inside the schema: fields, types, defaults, references, contracts."""
    before, after = old.version.schema, new.version.schema
    if before.type is not after.type:
        return [f"the language changed from {before.type} to {after.type}"]
    told = [f"{name} changed" for name, moved in {
        "references": before.references != after.references,
        "metadata": before.metadata != after.metadata,
        "rule set": before.rule_set != after.rule_set,
    }.items() if moved]  # fmt: skip
    try:
        one, other = (parse(Whole(schema, stand_ins(schema))) for schema in (before, after))
        return [*(change.text for change in format_of(after.type).changes(one, other)), *told]
    except InvalidSchemaError:
        return ["the text changed", *told]


def _note_told(store: SchemaStore, step: Step, unit: str, place: Place, *, closely: bool) -> Iterator[str]:
    """What a subject.json, context.json or ids.json says otherwise than before."""
    old, new = _note(store, step.before, unit, place), _note(store, step.commit.id, unit, place)
    if old is None or new is None:
        yield f"{unit} changed, and cannot be read"
        return
    where = "" if closely else f"{unit.removesuffix('.json')}: "
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            yield f"{where}{name}: {_shown(old.get(name))} became {_shown(new.get(name))}"


def _note(store: SchemaStore, commit: str | None, unit: str, place: Place) -> dict[str, Any] | None:
    """The fields of a file at a commit; nothing where it was not there, None where nobody can read it."""
    content = store.repository.read(f"{store.root}/{unit}", commit) if commit else None
    if content is None:
        return {}
    try:
        match place.kind:
            case Kind.SUBJECT:
                note = read_subject(content, place)
                return _fields(note.wish) | note.extra
            case Kind.CONTEXT:
                whole = read_context(content, place)
                return _fields(whole.wish) | whole.extra
            case _:
                ids = read_ids(content)
                return {"high-water mark": ids.high_water, "reserved blocks": len(ids.blocks)}
    except SchemaMcpError:
        return None


def _fields(wish: Any) -> dict[str, Any]:
    return {name: getattr(wish, name) for name in wish.__slots__}


def _shown(value: Any) -> str:
    if value in (None, "", ()):
        return "nothing"
    return ", ".join(map(str, cast("tuple[str, ...]", value))) if isinstance(value, tuple) else str(value)


def _renamed(store: SchemaStore, step: Step, folder: str) -> str:
    """The folder that a subject stood in before this commit, where the commit moved it here; empty otherwise.

    A moved subject has its schema files, byte for byte, in another folder of the commit before, from where they went.
    """
    repository, at = store.repository, step.commit.id
    if step.before is None or repository.walk(folder, step.before):
        return ""
    came = {leaf.blob for leaf in repository.walk(folder, at) if leaf.path.rpartition("/")[2] in SCHEMA_FILES.values()}
    for path in repository.difference(step.before, at, store.root):
        leaf = repository.leaf(path, step.before)
        if leaf and leaf.blob in came and not path.startswith(f"{folder}/") and repository.leaf(path, at) is None:
            return path.rsplit("/", 2)[0]
    return ""
