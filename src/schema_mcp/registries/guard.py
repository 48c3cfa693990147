"""The one choke point between services and backends: no write to what is closed, none that a product would lose."""

from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterable, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from contextvars import ContextVar

from schema_mcp.domain.approval import Irreversible
from schema_mcp.domain.caller import Scope
from schema_mcp.domain.errors import InvalidRequestError, NotPermittedError, ReadOnlyError
from schema_mcp.domain.schema import Json, Mode, Schema, Subject, Version
from schema_mcp.registries import asks
from schema_mcp.registries.changes import Changes
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

_APPROVED: ContextVar[frozenset[tuple[str, Irreversible]]] = ContextVar("approved", default=frozenset())


@contextmanager
def approved(deeds: frozenset[tuple[str, Irreversible]]) -> Generator[None]:
    """Around work whose irreversible deeds somebody else has approved, by registry; only `services/approvals` knows."""
    token = _APPROVED.set(deeds)
    try:
        yield
    finally:
        _APPROVED.reset(token)


class GuardedRegistry:
    """A registry that refuses every write before the backend hears of it, as long as `closed_by` names a reason.

    Every method stands here by name: one that is added to the protocol is missing until somebody decides what it is.
    """

    def __init__(
        self, inner: Registry, *, closed_by: str = "", sealed: AbstractSet[Irreversible] = frozenset()
    ) -> None:
        self._inner = inner
        self._closed_by = closed_by
        self._sealed = sealed
        self.writes = 0
        """How many writes were let through."""
        self.changes = Changes()
        """What they may have changed."""

    @property
    def name(self) -> str:
        return self._inner.name

    @property
    def capabilities(self) -> AbstractSet[Capability]:
        return self._inner.capabilities

    @property
    def closed_by(self) -> str:
        """What forbids writes, in words; empty when they are allowed."""
        return self._closed_by

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
    def figures(self) -> Figures | None:
        """What is remembered of it; None where nothing ever is."""
        return getattr(self._inner, "figures", None)

    @property
    def basis(self) -> Basis:
        """What the answers given through this object rested on."""
        return getattr(self._inner, "basis", Basis())

    # --- reads -------------------------------------------------------------------------------------------------------

    async def close(self) -> None:
        await self._inner.close()

    async def info(self) -> Info:
        return await self._inner.info()

    async def deployment(self) -> Deployment:
        return await self._inner.deployment()

    async def types(self) -> list[str]:
        return await self._inner.types()

    async def contexts(self) -> list[str]:
        return await self._inner.contexts()

    async def subjects(self, *, context: str | None = None, prefix: str = "", deleted: bool = False) -> list[Subject]:
        return await self._inner.subjects(context=context, prefix=prefix, deleted=deleted)

    async def numbers(self, subject: Subject, *, deleted: bool = False) -> list[int]:
        return await self._inner.numbers(subject, deleted=deleted)

    async def version(self, subject: Subject, number: Number = "latest", *, deleted: bool = False) -> Version | None:
        return await self._inner.version(subject, number, deleted=deleted)

    def versions(
        self, *, context: str | None = None, prefix: str = "", deleted: bool = False, latest_only: bool = False
    ) -> AsyncIterator[Version]:
        return self._inner.versions(context=context, prefix=prefix, deleted=deleted, latest_only=latest_only)

    async def schema(self, schema_id: int, *, context: str = ".") -> Schema | None:
        return await self._inner.schema(schema_id, context=context)

    async def by_guid(self, guid: str) -> Schema | None:
        return await self._inner.by_guid(guid)

    async def holders(self, schema_id: int, *, context: str = ".", deleted: bool = False) -> list[tuple[Subject, int]]:
        return await self._inner.holders(schema_id, context=context, deleted=deleted)

    async def ids(self, guid: str) -> Mapping[str, int]:
        return await self._inner.ids(guid)

    async def text(
        self, subject: Subject, form: Form, number: Number = "latest", *, deleted: bool = False
    ) -> str | None:
        self._require_given([Capability.FORMS])
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
        self._require_given([Capability.PAST_REFERRERS] if deleted else [])
        return await self._inner.referrers(subject, number, deleted=deleted)

    async def config(self, scope: Subject, *, inherited: bool = False) -> Json | None:
        return await self._inner.config(scope, inherited=inherited)

    async def mode(self, scope: Subject, *, inherited: bool = False) -> Mode | None:
        return await self._inner.mode(scope, inherited=inherited)

    async def highest_id(self, *, context: str = ".") -> int:
        return await self._inner.highest_id(context=context)

    async def tree(self, version: Version, resolve: Callable[[], Awaitable[Tree]]) -> Tree:
        """All that a registered version references: as it is remembered, else as `resolve` finds it out."""
        remembered: Callable[..., Awaitable[Tree]] | None = getattr(self._inner, "tree", None)
        return await (remembered(version, resolve) if remembered else resolve())

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
        with self._changing(subject, asks.of_schema(subject, schema, schema_id=schema_id)):
            return await self._inner.register(subject, schema, schema_id=schema_id, number=number, normalize=normalize)

    async def amend(self, subject: Subject, number: int, change: TagChange) -> Version:
        with self._changing(subject, asks.of_tags(subject, change)):
            return await self._inner.amend(subject, number, change)

    async def delete_version(self, subject: Subject, number: int, *, permanent: bool = False) -> None:
        self._require_approval(permanent)
        with self._changing(subject, asks.of_name(subject)):
            await self._inner.delete_version(subject, number, permanent=permanent)

    async def delete_subject(self, subject: Subject, *, permanent: bool = False) -> list[int]:
        self._require_approval(permanent)
        with self._changing(subject, asks.of_name(subject)):
            return await self._inner.delete_subject(subject, permanent=permanent)

    async def delete_context(self, context: str) -> None:
        with self._changing(None, [Capability.CONTEXT_REMOVAL]):
            await self._inner.delete_context(context)

    async def set_config(self, scope: Subject, config: Json) -> None:
        self._let_through(asks.of_config(scope, config))
        await self._inner.set_config(scope, config)

    async def delete_config(self, scope: Subject) -> None:
        self._let_through([Capability.CONFIG])
        await self._inner.delete_config(scope)

    async def set_mode(self, scope: Subject, mode: Mode, *, force: bool = False) -> None:
        self._let_through([Capability.MODES])
        await self._inner.set_mode(scope, mode, force=force)

    async def delete_mode(self, scope: Subject, *, recursive: bool = False) -> None:
        self._let_through([Capability.MODES, *([Capability.RECURSION] if recursive else [])])
        await self._inner.delete_mode(scope, recursive=recursive)

    def require(self, scope: Scope, what: str, place: Subject | None = None) -> None:
        """Raise `NotPermittedError` unless whoever is served holds a scope here; without a place, anywhere in it."""

    def permits(self, scope: Scope, place: Subject) -> bool:  # noqa: ARG002 - see PermittedRegistry
        """Whether whoever is served holds a scope for a subject or a whole context."""
        return True

    def require_writable(self) -> None:
        """Raise `ReadOnlyError` where a write would be refused, before anything else is done."""
        if self._closed_by:
            raise ReadOnlyError(
                f"Registry {self.name!r} takes no writes: {self._closed_by}",
                hint="Nothing was changed. Only whoever runs this server can open it, in its configuration.",
                details={"layer": "registry", "registry": self.name, "closed_by": self._closed_by},
            )

    def _require_approval(self, permanent: bool) -> None:
        """The last line behind `services/approvals`: no way to a purge that somebody forgot leads past it."""
        self.require_writable()
        if permanent and Irreversible.PURGE in self._sealed and (self.name, Irreversible.PURGE) not in _APPROVED.get():
            raise NotPermittedError(
                f"Deleting for good in {self.name!r} needs the approval of another person",
                hint="Nothing was changed. Go through the preview and request_approval.",
                details={"layer": "approval", "registry": self.name},
            )

    @contextmanager
    def _changing(self, subject: Subject | None, asked: Iterable[Capability]) -> Generator[None]:
        """Around a write that changes what the registry holds: also one that fails may have changed it."""
        self._let_through(asked)
        try:
            yield
        finally:
            self.changes.note(subject)

    def _let_through(self, asked: Iterable[Capability]) -> None:
        self.require_writable()
        self._require_given(asked)
        self.writes += 1

    def _require_given(self, asked: Iterable[Capability]) -> None:
        if problem := asks.refused(self, asked):
            raise InvalidRequestError(
                problem,
                hint="Nothing was sent: it would have been refused, or lost without a word. "
                "Nobody can grant it: another kind of registry has it.",
                details={"layer": "capability", "registry": self.name},
            )
