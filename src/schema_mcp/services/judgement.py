"""Two schemas side by side: from texts, subjects and versions, in a registry or the store."""

from collections.abc import Sequence
from dataclasses import dataclass

from schema_mcp.domain.compatibility import in_group
from schema_mcp.domain.engine import Whole
from schema_mcp.domain.errors import InvalidRequestError, NotFoundError, RegistryError
from schema_mcp.domain.formats import Rules
from schema_mcp.domain.schema import Json, Level, Policy, Schema, Semantics, Subject, Version
from schema_mcp.registries.contract import Basis, Number, Registry, level_of
from schema_mcp.services.resolution import Finder, in_registry, in_store, registered_whole, whole
from schema_mcp.stores.schemastore import SchemaStore


@dataclass(frozen=True, slots=True)
class Side:
    """Where schemas come from: a registry, or the store."""

    name: str
    store: SchemaStore
    registry: Registry | None

    @property
    def finders(self) -> list[Finder]:
        """Where referenced schemas are looked for, this side first."""
        if self.registry is None:
            return [in_store(self.store)]
        return [in_registry(self.registry), in_store(self.store)]

    async def version(self, subject: Subject, number: Number) -> Version:
        """One version; raises `NotFoundError` with what is known."""
        found = await self._find(subject, number)
        if found is None:
            known = await self.numbers(subject)
            hint = f"Versions: {', '.join(map(str, known[-50:]))}." if known else "list_subjects tells what is there."
            what = f"version {number} of {subject}" if known else f"subject {subject}"
            raise NotFoundError(f"{self.name} has no {what}", hint=hint)
        return found

    async def numbers(self, subject: Subject) -> list[int]:
        """Live version numbers, ascending."""
        if self.registry is not None:
            return await self.registry.numbers(subject)
        return [stored.version.number for stored in self.store.history(subject) if not stored.version.deleted]

    async def history(self, subject: Subject) -> list[Whole]:
        """Every live version with its references, oldest first."""
        versions = [await self.version(subject, number) for number in await self.numbers(subject)]
        return [await self.whole(one.schema, subject, one.number) for one in versions]

    async def whole(self, schema: Schema, subject: Subject, number: int = 0) -> Whole:
        """A schema with its references."""
        return await whole(schema, subject, self.finders, number=number)

    async def whole_of(self, version: Version) -> Whole:
        """A version of this side with its references; those of a registered one never change, and may be known."""
        if self.registry is None:
            return await self.whole(version.schema, version.subject, version.number)
        return await registered_whole(version, self.registry, self.finders)

    @property
    def basis(self) -> Basis:
        """What the answers of this side rested on, as far as it tells."""
        return getattr(self.registry, "basis", Basis())

    async def judge(self, subject: Subject) -> "Judge":
        """By which level, group and policy versions of this subject are compared."""
        if self.registry is None:
            wish = self.store.wish(subject).level or self.store.context_wish(subject.context).level
            return Judge(wish or Level.BACKWARD)
        return judge_of(self.registry.name, await self.registry.config(subject, inherited=True))

    async def _find(self, subject: Subject, number: Number) -> Version | None:
        if self.registry is not None:
            return await self.registry.version(subject, number)
        await self.store.refresh()
        stored = self.store.version(subject, number)
        return stored.version if stored else None


@dataclass(frozen=True, slots=True)
class Judge:
    """What is in force where schemas are compared."""

    level: Level = Level.BACKWARD
    group: str | None = None
    policy: Policy = Policy.STRICT
    semantics: Semantics = Semantics.CONFLUENT_8_3

    @property
    def rules(self) -> Rules:
        """The variant of the rules."""
        return Rules(self.policy, self.semantics)

    def compared(self, new: Whole, previous: Sequence[Whole]) -> list[Whole]:
        """The earlier versions that count: with a group, those of the new schema's group."""
        return [old for old in previous if self.group is None or in_group(new.schema, old.schema, self.group)]


def judge_of(registry: str, config: Json | None) -> Judge:
    """What a registry's configuration in force says about comparing; raises `RegistryError` for an unknown level."""
    found = config or {}
    level, policy = level_of(found) or Level.BACKWARD, found.get("compatibilityPolicy")
    if level not in set(Level):
        raise RegistryError(
            f"{registry} has a level in force that nobody can prove: {level[:80]!r}",
            hint=f"Set one of {', '.join(Level)} there.",
            details={"registry": registry},
        )
    return Judge(
        level=Level(level),
        group=found.get("compatibilityGroup"),
        policy=Policy(policy) if policy in set(Policy) else Policy.STRICT,
    )


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be compared: a new schema (a text, or one version) with a text, a version or a whole history."""

    subject: Subject | None
    new: Schema | Number | None
    other: Schema | Number | None


async def sides_of(side: Side, question: Question) -> tuple[Whole, list[Whole]]:
    """The new schema and those it is held against, oldest first.

    Raises `InvalidRequestError` where the question names too little.
    """
    subject = question.subject or Subject("")
    new = await _one(side, subject, question.new, "the new schema")
    if question.other is not None:
        return new, [await _one(side, subject, question.other, "the schema to compare with")]
    if question.subject is None:
        raise InvalidRequestError(
            "There is nothing to compare with", hint="Give other_text, or a subject (with version or other_version)."
        )
    history = await side.history(question.subject)
    return new, _before(history, new)


def _before(history: Sequence[Whole], new: Whole) -> list[Whole]:
    """The versions before the one in question; all of them for a text that has no number yet."""
    return [old for old in history if not new.number or old.number < new.number]


async def _one(side: Side, subject: Subject, what: Schema | Number | None, name: str) -> Whole:
    if isinstance(what, Schema):
        return await side.whole(what, subject)
    if not subject.name:
        raise InvalidRequestError(f"Nothing says what {name} is", hint="Give its text, or a subject and a version.")
    version = await side.version(subject, "latest" if what is None else what)
    return await side.whole(version.schema, subject, version.number)
