"""Wanted against found: what a registry and the store disagree on, per subject and version.

Source of the classes: product words; cosmetic differences (white space, normalisation) are told apart and never fail
a pipeline.
"""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, TypeAlias

from schema_mcp.domain.references import Place
from schema_mcp.domain.rewrites import (
    HARMLESS,
    Normaliser,
    Normalisers,
    Rewrite,
    contract,
    habit,
    of_references,
)
from schema_mcp.domain.schema import Json, Level, Mode, Schema, Subject


@dataclass(frozen=True, slots=True)
class Held:
    """A version as one side holds it: its id, and the digest of type, text, references, metadata and rules."""

    id: int
    digest: str


Versions: TypeAlias = Mapping[Subject, Mapping[int, Held]]


class Kind(StrEnum):
    """What kind of disagreement."""

    MISSING = "missing"
    EXTRA = "extra"
    CONTENT = "content"
    METADATA = "metadata"
    IDENTITY = "identity"
    SETTINGS = "settings"
    COSMETIC = "cosmetic"


@dataclass(frozen=True, slots=True)
class Wish:
    """What the store declares for a scope, a subject or (without a name) a whole context; None where it declares
    nothing. `fields` are the other fields of a registry's configuration, as they travel."""

    level: Level | None = None
    mode: Mode | None = None
    fields: Json = field(default_factory=dict[str, Any], hash=False)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one side holds at one moment: live versions, soft-deleted ones, and the settings that were looked at."""

    versions: Versions
    settings: Mapping[Subject, Wish] = field(default_factory=dict[Subject, Wish])
    deleted: Versions = field(default_factory=dict[Subject, Mapping[int, Held]])
    uses: Mapping[Place, Sequence[Place]] = field(default_factory=dict[Place, Sequence[Place]])
    """What each version references, for those that reference anything."""
    metadata: AbstractSet[Place] = frozenset()
    rules: AbstractSet[Place] = frozenset()
    """Which versions carry metadata, and which carry rules."""


@dataclass(frozen=True, slots=True, order=True)
class Drift:
    """One thing wanted and found disagree on; `number` is 0 where it concerns the whole subject."""

    subject: Subject
    number: int
    kind: Kind
    detail: str
    rule: str = ""
    """Which habit of the product explains it, where one does."""

    taken_for: int = 0
    """The version for which the product would take one that is missing."""

    @property
    def matters(self) -> bool:
        return self.kind is not Kind.COSMETIC


def compare(wanted: Snapshot, found: Snapshot) -> list[Drift]:
    """Every disagreement, sorted by subject, version and kind.

    Whether a difference of content is one of spelling only takes both schemas: see `told_apart`.
    """
    drift: list[Drift] = []
    for subject, here in wanted.versions.items():
        there = found.versions.get(subject, {})
        if here != there:
            drift += _of_subject(subject, here, there)
    for subject, there in found.versions.items():
        if subject not in wanted.versions:
            drift += _of_subject(subject, {}, there)
    for scope, wish in wanted.settings.items():
        drift += _of_settings(scope, wish, found.settings.get(scope, Wish()))
    return sorted(drift)


def _of_subject(subject: Subject, wanted: Mapping[int, Held], found: Mapping[int, Held]) -> Iterator[Drift]:
    for number in sorted(wanted.keys() | found.keys()):
        match wanted.get(number), found.get(number):
            case Held() as here, None:
                yield Drift(subject, number, Kind.MISSING, f"the registry lacks it (id {here.id})")
            case None, Held() as there:
                yield Drift(subject, number, Kind.EXTRA, f"the store does not send it here (id {there.id})")
            case Held() as here, Held() as there:
                if here.id != there.id:
                    yield Drift(subject, number, Kind.IDENTITY, f"id {here.id} in the store, {there.id} there")
                if here.digest != there.digest:
                    yield Drift(subject, number, Kind.CONTENT, "the content differs")
            case _:
                pass


def told_apart(found: Drift, ours: Schema, theirs: Schema, *, text: Rewrite | None, known: Normalisers = ()) -> Drift:
    """A difference of content, told more exactly: language, references, text, data contract, or spelling only.

    `text` says how the two texts are alike. What the product is known to rewrite is cosmetic, under the rule's name.
    """
    if ours.type is not theirs.type:
        return replace(found, detail=f"{ours.type} in the store, {theirs.type} there")
    rewrites = {text} if text else set[Rewrite]()
    if ours.references != theirs.references:
        latest = of_references(ours.references, theirs.references)
        if latest is None or not habit(known, latest):
            return replace(found, detail="the references differ")
        rewrites.add(latest)
    if text is None or not _expected(text, ours, known):
        return replace(found, detail=_TEXTS[text])
    if contract(ours) != contract(theirs):
        return replace(found, kind=Kind.METADATA, detail="metadata or rule set differ")
    return _cosmetic(found, rewrites, known)


_TEXTS: Mapping[Rewrite | None, str] = {
    None: "the text differs",
    Rewrite.DOCS: "the text differs, in its docs alone",
    Rewrite.ALIASES: "the text differs, in its aliases and docs alone",
    Rewrite.WORDS: "the text differs, in properties, orders, aliases and docs alone",
}


def _expected(rewrite: Rewrite, schema: Schema, known: Normalisers) -> bool:
    return rewrite in HARMLESS or habit(known, rewrite, schema.type) is not None


def _cosmetic(found: Drift, rewrites: AbstractSet[Rewrite], known: Normalisers) -> Drift:
    """What changes most about the schema names the rule."""
    rule = max(rewrites, key=list(Rewrite).index)
    said = habit(known, rule)
    detail = "the same schema in another spelling" if rule in HARMLESS or said is None else said.says
    return replace(found, kind=Kind.COSMETIC, detail=detail, rule=rule)


def own_number(found: Drift, known: Normalisers) -> Drift:
    """Another id is expected of a product that hands out its own; one that carries ids in has to have ours."""
    numbers = habit(known, Rewrite.NUMBERS)
    if found.kind is not Kind.IDENTITY or numbers is None:
        return found
    return replace(found, kind=Kind.COSMETIC, detail=f"{found.detail}: {numbers.says}", rule=numbers.rewrite)


def merged(found: Drift, earlier: int, said: Normaliser, known: Normalisers) -> Drift:
    """A missing version that the product takes for an earlier one; harmless where nobody can rely on its id."""
    detail = f"{found.detail}; {said.says}: it is version {earlier} there"
    kind = Kind.COSMETIC if habit(known, Rewrite.NUMBERS) else found.kind
    return replace(found, kind=kind, detail=detail, rule=said.rewrite, taken_for=earlier)


def renumbered(wanted: Versions, found: Versions) -> dict[Subject, Mapping[int, Held]]:
    """What a registry holds, under the numbers that the store has for the same contents.

    For a product that counts versions by itself: without gaps, and without those it merges.
    """
    return {subject: _renumbered(wanted.get(subject, {}), held) for subject, held in found.items()}


def _renumbered(wanted: Mapping[int, Held], found: Mapping[int, Held]) -> Mapping[int, Held]:
    places = {
        number: number for number, held in found.items() if number in wanted and wanted[number].digest == held.digest
    }
    for number in sorted(found.keys() - places.keys()):
        free = (
            one for one in sorted(wanted.keys() - set(places.values())) if wanted[one].digest == found[number].digest
        )
        places[number] = next(free, number)
    # Where somebody put other content in between, nothing is gained by other numbers.
    return (
        {places[number]: held for number, held in found.items()} if len(set(places.values())) == len(places) else found
    )


def _of_settings(scope: Subject, wish: Wish, found: Wish) -> Iterator[Drift]:
    if wish.level is not None and wish.level != found.level:
        yield Drift(scope, 0, Kind.SETTINGS, f"level {wish.level} in the store, {found.level or 'inherited'} there")
    if wish.mode is not None and wish.mode != found.mode:
        yield Drift(scope, 0, Kind.SETTINGS, f"mode {wish.mode} in the store, {found.mode or 'inherited'} there")
    for name in sorted(wish.fields):
        if wish.fields[name] != found.fields.get(name):
            yield Drift(scope, 0, Kind.SETTINGS, f"{name} is not what the store declares")
