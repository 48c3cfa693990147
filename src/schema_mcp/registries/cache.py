"""A registry that is asked once for what many want to know, and whose last words count while it is away.

Only what is read may be remembered: verdicts, settings, modes and everything that decides a write is asked every time.
A *fresh* one asks for all of it, and is what plans, drift, migrations and registrations stand on; both forget at once
what a write of ours may have changed.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from schema_mcp.domain.errors import RegistryError
from schema_mcp.domain.schema import DEFAULT_CONTEXT, Json, Mode, Schema, Subject, Version
from schema_mcp.registries.contract import (
    Basis,
    Capability,
    Deployment,
    Figures,
    Form,
    Health,
    Info,
    Number,
    Registry,
    TagChange,
    Tree,
    Verdict,
)
from schema_mcp.registries.memory import LARGEST, Kind, Memory, Question, weight


class CachedRegistry:
    """One reader's view of a registry with a memory. `basis` tells what this reader's answers rested on.

    Every method stands here by name, so that each new one is decided upon: remembered, asked, or a write.
    """

    def __init__(self, inner: Registry, memory: Memory, *, fresh: bool = False) -> None:
        self._inner = inner
        self._memory = memory
        self._fresh = fresh
        self._basis = Basis()

    @property
    def name(self) -> str:
        return self._inner.name

    @property
    def capabilities(self) -> AbstractSet[Capability]:
        return self._inner.capabilities

    @property
    def dialect(self) -> str:
        """Whose way of speaking it has, as far as the backend knows: the name by which its habits are kept."""
        return getattr(self._inner, "dialect", "")

    @property
    def lacks(self) -> Mapping[Capability, str]:
        """What its product cannot do, in words, as far as the backend knows."""
        return getattr(self._inner, "lacks", {})

    @property
    def health(self) -> tuple[Health, ...]:
        """How its addresses do, as far as the backend keeps count; asks nobody."""
        return getattr(self._inner, "health", ())

    @property
    def under_way(self) -> int:
        """Requests to it that are not answered yet."""
        return getattr(self._inner, "under_way", 0)

    @property
    def figures(self) -> Figures:
        """What is remembered of this registry, for all readers."""
        return self._memory.figures

    @property
    def basis(self) -> Basis:
        """What the answers given here rested on: the oldest of them, and whether the registry was away."""
        return self._basis

    # --- remembered --------------------------------------------------------------------------------------------------

    async def contexts(self) -> list[str]:
        return list(await self._known(Question(Kind.CONTEXTS), self._inner.contexts))

    async def subjects(self, *, context: str | None = None, prefix: str = "", deleted: bool = False) -> list[Subject]:
        question = Question(Kind.SUBJECTS, None, (context, prefix, deleted))
        return list(
            await self._known(question, lambda: self._inner.subjects(context=context, prefix=prefix, deleted=deleted))
        )

    async def numbers(self, subject: Subject, *, deleted: bool = False) -> list[int]:
        question = Question(Kind.NUMBERS, subject, (deleted,))
        return list(await self._known(question, lambda: self._inner.numbers(subject, deleted=deleted)))

    async def version(self, subject: Subject, number: Number = "latest", *, deleted: bool = False) -> Version | None:
        question = Question(Kind.VERSION, subject, (number, deleted))
        return await self._known(question, lambda: self._inner.version(subject, number, deleted=deleted))

    async def schema(self, schema_id: int, *, context: str = DEFAULT_CONTEXT) -> Schema | None:
        question = Question(Kind.SCHEMA, None, (schema_id, context))
        return await self._known(question, lambda: self._inner.schema(schema_id, context=context))

    async def by_guid(self, guid: str) -> Schema | None:
        return await self._known(Question(Kind.GUID, None, (guid,)), lambda: self._inner.by_guid(guid))

    async def holders(
        self, schema_id: int, *, context: str = DEFAULT_CONTEXT, deleted: bool = False
    ) -> list[tuple[Subject, int]]:
        question = Question(Kind.HOLDERS, None, (schema_id, context, deleted))
        return list(
            await self._known(question, lambda: self._inner.holders(schema_id, context=context, deleted=deleted))
        )

    async def versions(
        self, *, context: str | None = None, prefix: str = "", deleted: bool = False, latest_only: bool = False
    ) -> AsyncIterator[Version]:
        """Always asked, because a listing is long; the last whole one stands in while the registry is away."""
        listing = self._inner.versions(context=context, prefix=prefix, deleted=deleted, latest_only=latest_only)
        if not self._fresh:
            listing = self._listed(Question(Kind.VERSIONS, None, (context, prefix, deleted, latest_only)), listing)
        async for version in listing:
            yield version

    async def tree(self, version: Version, resolve: Callable[[], Awaitable[Tree]]) -> Tree:
        """What a registered version references, found out once for all who read."""
        question = Question(Kind.TREE, None, (version.id, version.subject.context))
        return await self._known(question, resolve)

    # --- asked every time --------------------------------------------------------------------------------------------

    async def close(self) -> None:
        await self._memory.close()
        await self._inner.close()

    async def info(self) -> Info:
        return await self._inner.info()

    async def deployment(self) -> Deployment:
        return await self._inner.deployment()

    async def types(self) -> list[str]:
        return await self._inner.types()

    async def ids(self, guid: str) -> Mapping[str, int]:
        return await self._inner.ids(guid)

    async def text(
        self, subject: Subject, form: Form, number: Number = "latest", *, deleted: bool = False
    ) -> str | None:
        return await self._inner.text(subject, form, number, deleted=deleted)

    async def by_metadata(
        self, subject: Subject, properties: Mapping[str, str], *, deleted: bool = False
    ) -> Version | None:
        return await self._inner.by_metadata(subject, properties, deleted=deleted)

    async def lookup(
        self, subject: Subject, schema: Schema, *, normalize: bool = False, deleted: bool = False
    ) -> Version | None:
        return await self._inner.lookup(subject, schema, normalize=normalize, deleted=deleted)

    async def check(
        self, subject: Subject, schema: Schema, *, number: Number | None = None, normalize: bool = False
    ) -> Verdict:
        return await self._inner.check(subject, schema, number=number, normalize=normalize)

    async def referrers(self, subject: Subject, number: Number = "latest", *, deleted: bool = False) -> list[int]:
        return await self._inner.referrers(subject, number, deleted=deleted)

    async def config(self, scope: Subject, *, inherited: bool = False) -> Json | None:
        return await self._inner.config(scope, inherited=inherited)

    async def mode(self, scope: Subject, *, inherited: bool = False) -> Mode | None:
        return await self._inner.mode(scope, inherited=inherited)

    async def highest_id(self, *, context: str = DEFAULT_CONTEXT) -> int:
        return await self._inner.highest_id(context=context)

    # --- writes ------------------------------------------------------------------------------------------------------

    async def register(
        self,
        subject: Subject,
        schema: Schema,
        *,
        schema_id: int | None = None,
        number: int | None = None,
        normalize: bool = False,
    ) -> Version:
        async with self._memory.changing(subject):
            return await self._inner.register(subject, schema, schema_id=schema_id, number=number, normalize=normalize)

    async def amend(self, subject: Subject, number: int, change: TagChange) -> Version:
        async with self._memory.changing(subject):
            return await self._inner.amend(subject, number, change)

    async def delete_version(self, subject: Subject, number: int, *, permanent: bool = False) -> None:
        async with self._memory.changing(subject, for_good=permanent):
            await self._inner.delete_version(subject, number, permanent=permanent)

    async def delete_subject(self, subject: Subject, *, permanent: bool = False) -> list[int]:
        async with self._memory.changing(subject, for_good=permanent):
            return await self._inner.delete_subject(subject, permanent=permanent)

    async def delete_context(self, context: str) -> None:
        async with self._memory.changing(None):
            await self._inner.delete_context(context)

    async def set_config(self, scope: Subject, config: Json) -> None:
        async with self._memory.changing(_about(scope)):
            await self._inner.set_config(scope, config)

    async def delete_config(self, scope: Subject) -> None:
        async with self._memory.changing(_about(scope)):
            await self._inner.delete_config(scope)

    async def set_mode(self, scope: Subject, mode: Mode, *, force: bool = False) -> None:
        async with self._memory.changing(_about(scope)):
            await self._inner.set_mode(scope, mode, force=force)

    async def delete_mode(self, scope: Subject, *, recursive: bool = False) -> None:
        async with self._memory.changing(_about(scope)):
            await self._inner.delete_mode(scope, recursive=recursive)

    # --- remembering -------------------------------------------------------------------------------------------------

    async def _known(self, question: Question, ask: Callable[[], Awaitable[Any]]) -> Any:
        if self._fresh:
            return await ask()
        answer = await self._memory.answer(question, ask)
        self._note(answer.basis)
        return answer.value

    async def _listed(self, question: Question, listing: AsyncIterator[Version]) -> AsyncIterator[Version]:
        """A listing on its way, remembered where it is not too long; the last one where none begins."""
        since, seen, size = self._memory.changes, list[Version](), 0
        began = False
        try:
            async for version in listing:
                began = True
                size += weight(version)
                if size <= LARGEST:
                    seen.append(version)
                yield version
        except RegistryError as error:
            if began:
                raise
            answer = await self._memory.last_known(question, error)
            self._note(answer.basis)
            for version in answer.value:
                yield version
            return
        if size <= LARGEST:
            await self._memory.keep(question, seen, since)

    def _note(self, basis: Basis) -> None:
        """Remember what an answer rested on; one from memory is stale, too, while no address answers."""
        away = bool(self.health) and all(one.problem for one in self.health)
        self._basis = self._basis.beside(Basis(basis.age, basis.stale or (away and basis.age is not None)))


def _about(scope: Subject) -> Subject | None:
    """The subject of a scope; a whole context is about everything."""
    return scope if scope.name else None
