"""Where what is moved goes: into another context, under another beginning of its name; references follow it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from schema_mcp.domain.drift import Snapshot
from schema_mcp.domain.naming import resolve
from schema_mcp.domain.references import Place, used_by
from schema_mcp.domain.schema import Reference, Schema, Subject, Version
from schema_mcp.registries.contract import Registry
from schema_mcp.services import snapshots
from schema_mcp.services.selection import Selection


@dataclass(frozen=True, slots=True)
class Route:
    """From `context` (any, when None) and `prefix` to others; None keeps what a subject has."""

    context: str | None = None
    prefix: str = ""
    target_context: str | None = None
    target_prefix: str | None = None

    def leads(self, subject: Subject) -> Subject:
        """What a subject is called on the target; one that the route does not speak of keeps its name."""
        if self.context not in (None, subject.context) or not subject.name.startswith(self.prefix):
            return subject
        kept = subject.name.removeprefix(self.prefix)
        name = subject.name if self.target_prefix is None else self.target_prefix + kept
        return Subject(name, self.target_context or subject.context)

    def selection(self, chosen: Selection) -> Selection:
        """Where on the target the chosen subjects arrive."""
        return Selection(
            tuple(self.leads(subject) for subject in chosen.subjects),
            chosen.prefix if self.target_prefix is None else self.target_prefix,
            self.target_context or chosen.context,
        )

    def sent(self, version: Version) -> Version:
        """A version as it stands on the target."""
        subject = self.leads(version.subject)
        return replace(version, subject=subject, schema=self.rewritten(version.schema, version.subject))

    def rewritten(self, schema: Schema, subject: Subject) -> Schema:
        """A schema of a source's subject, its references leading to where what they name has gone."""
        if not schema.references:
            return schema
        after = self.leads(subject)
        return replace(schema, references=tuple(self._reference(one, subject, after) for one in schema.references))

    def _reference(self, one: Reference, before: Subject, after: Subject) -> Reference:
        goes = self.leads(resolve(one.subject, before))
        if resolve(one.subject, after) == goes:
            return one
        is_near = goes.context == after.context and not goes.name.startswith(":")
        return replace(one, subject=goes.name if is_near else f":{goes.context}:{goes.name}")


@dataclass(slots=True)
class Cargo:
    """What the source holds, told as it would stand on the target: subjects, references and digests are those."""

    here: Snapshot = field(default_factory=lambda: Snapshot({}))
    came_from: dict[Place, Subject] = field(default_factory=dict[Place, Subject])
    references: dict[Place, Sequence[Reference]] = field(default_factory=dict[Place, Sequence[Reference]])
    """Of those whose references are others there than they were."""

    meant: dict[Place, Place] = field(default_factory=dict[Place, Place])
    """Where in the source stands what is referenced."""

    meeting: set[Place] = field(default_factory=set[Place])
    """Places that more than one version goes to."""

    def packed_references(self, place: Place) -> str:
        """The references a version has there, as its step carries them; empty where they are what they were."""
        rows = [[one.name, one.subject, one.version] for one in self.references.get(place, ())]
        return json.dumps(rows, separators=(",", ":"), ensure_ascii=False) if rows else ""

    def subjects(self) -> dict[Subject, Subject]:
        """Each subject that something goes to, in their order, with the one it comes from."""
        return dict(sorted((subject, source) for (subject, _), source in self.came_from.items()))

    def source_of(self, place: Place) -> Place:
        """Where a version stands in the source."""
        return self.came_from[place], place[1]


async def loaded(source: Registry, selection: Selection, route: Route) -> Cargo:
    """Read what is moved, in bulk."""
    cargo = Cargo()

    def seen_as(version: Version) -> Version:
        sent = route.sent(version)
        place = (sent.subject, sent.number)
        if place in cargo.came_from:
            cargo.meeting.add(place)
        cargo.came_from[place] = version.subject
        cargo.meant.update(zip(used_by(sent), used_by(version), strict=True))
        if sent.schema.references != version.schema.references:
            cargo.references[place] = sent.schema.references
        return sent

    cargo.here = await snapshots.of_registry(
        source,
        selection.wants,
        prefix=selection.listing,
        context=selection.listing_context,
        subjects=selection.subjects,
        seen_as=seen_as,
    )
    return cargo
