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

    @property
    def matters(self) -> bool:
        return self.kind is not Kind.COSMETIC


def compare(wanted: Snapshot, found: Snapshot) -> list[Drift]:
    """Every disagreement, sorted by subject, version and kind.

    Whether a difference of content is one of spelling only takes both schemas: see `told_apart`.
    """
    drift: list[Drift] = []
    for subject in wanted.versions.keys() | found.versions.keys():
        drift += _of_subject(subject, wanted.versions.get(subject, {}), found.versions.get(subject, {}))
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


def told_apart(drift: Drift, ours: Schema, theirs: Schema, *, same_text: bool) -> Drift:
    """A difference of content, told more exactly: data contract, language, references, text, or spelling only."""
    if ours.type is not theirs.type:
        return replace(drift, detail=f"{ours.type} in the store, {theirs.type} there")
    if ours.references != theirs.references:
        return replace(drift, detail="the references differ")
    if not same_text:
        return replace(drift, detail="the text differs")
    if ours.metadata != theirs.metadata or ours.rule_set != theirs.rule_set:
        return replace(drift, kind=Kind.METADATA, detail="metadata or rule set differ")
    return replace(drift, kind=Kind.COSMETIC, detail="the same schema in another spelling")


def _of_settings(scope: Subject, wish: Wish, found: Wish) -> Iterator[Drift]:
    if wish.level is not None and wish.level != found.level:
        yield Drift(scope, 0, Kind.SETTINGS, f"level {wish.level} in the store, {found.level or 'inherited'} there")
    if wish.mode is not None and wish.mode != found.mode:
        yield Drift(scope, 0, Kind.SETTINGS, f"mode {wish.mode} in the store, {found.mode or 'inherited'} there")
    for name in sorted(wish.fields):
        if wish.fields[name] != found.fields.get(name):
            yield Drift(scope, 0, Kind.SETTINGS, f"{name} is not what the store declares")
