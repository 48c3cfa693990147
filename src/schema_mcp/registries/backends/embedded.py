"""The embedded registry as a backend: in process, one SQLite file or memory, Confluent's semantics, no Kafka."""

import sqlite3
from collections.abc import AsyncIterator, Callable, Generator, Mapping
from contextlib import contextmanager
from importlib.metadata import version as installed
from typing import Concatenate, ParamSpec, TypeVar

from schema_mcp.domain.contracts import checked_metadata, checked_rule_set
from schema_mcp.domain.errors import ConfigurationError, NotFoundError, RegistryError
from schema_mcp.domain.naming import ALL_CONTEXTS, parse_subject
from schema_mcp.domain.schema import DEFAULT_CONTEXT, Json, Level, Mode, Schema, SchemaType, Subject, Version
from schema_mcp.registries.answers import UNSET, refusal
from schema_mcp.registries.contract import Capability, Connection, Deployment, Form, Info, Number, TagChange, Verdict
from schema_mcp.registries.embedded import (
    deletion,
    finding,
    forms,
    judging,
    lists,
    lookup,
    references,
    registration,
    settings,
    stored,
    tags,
)
from schema_mcp.registries.embedded.core import Core
from schema_mcp.registries.embedded.drafts import NO_ID, Draft
from schema_mcp.registries.embedded.finding import LATEST, Asked
from schema_mcp.registries.embedded.lists import Filter, Page, Shown
from schema_mcp.registries.embedded.refusals import Refusal
from schema_mcp.registries.embedded.session import ServerSettings, Session

P = ParamSpec("P")
T = TypeVar("T")
_PAGE = 1_000
_EVERY = Page()


class EmbeddedRegistry:
    """A registry of our own, in one SQLite file or in memory."""

    capabilities = frozenset(Capability)
    dialect = "embedded"

    def __init__(self, connection: Connection) -> None:
        self.name = connection.name
        self.core = Core(connection.path, _settings(connection))

    async def close(self) -> None:
        self.core.close()

    async def info(self) -> Info:
        self._read(lambda session: session.sql.execute("SELECT 1"))
        return Info("schema-mcp embedded", installed("schema-mcp"))

    async def deployment(self) -> Deployment:
        return Deployment({"schema-registry-cluster": self.name})

    async def types(self) -> list[str]:
        return sorted(SchemaType)

    async def contexts(self) -> list[str]:
        return self._read(finding.contexts)

    async def subjects(self, *, context: str | None = None, prefix: str = "", deleted: bool = False) -> list[Subject]:
        wires = await self._ask(lists.subjects, _prefix(context, prefix), Shown(deleted=deleted), _EVERY)
        return sorted(map(parse_subject, wires), key=str)

    async def numbers(self, subject: Subject, *, deleted: bool = False) -> list[int]:
        found = self._read(stored.numbers, subject)
        return [number for number, gone in found if deleted or not gone]

    async def version(self, subject: Subject, number: Number = "latest", *, deleted: bool = False) -> Version | None:
        if number == "latest":
            return self._read(stored.latest, subject)
        return self._read(stored.version, subject, number, deleted=deleted)

    async def versions(
        self, *, context: str | None = None, prefix: str = "", deleted: bool = False, latest_only: bool = False
    ) -> AsyncIterator[Version]:
        after = ("", 0)
        while True:
            wanted = Filter(_prefix(context, prefix), deleted=deleted, latest_only=latest_only, after=after)
            page = await self._ask(lists.schemas, wanted, Page(limit=_PAGE))
            for listed in page:
                yield listed.version
            if len(page) < _PAGE:
                return
            after = (str(page[-1].version.subject), page[-1].version.number)

    async def schema(self, schema_id: int, *, context: str = DEFAULT_CONTEXT) -> Schema | None:
        found = self._read(stored.holder, schema_id, context)
        return found.schema if found else None

    async def by_guid(self, guid: str) -> Schema | None:
        try:
            return self._read(finding.by_guid, guid).schema
        except NotFoundError:
            return None

    async def ids(self, guid: str) -> Mapping[str, int]:
        return self._read(finding.ids_of_guid, guid)

    async def text(
        self, subject: Subject, form: Form, number: Number = "latest", *, deleted: bool = False
    ) -> str | None:
        found = await self.version(subject, number, deleted=deleted)
        return (await self._ask(forms.formatted, found, form)).schema.text if found else None

    async def by_metadata(
        self, subject: Subject, properties: Mapping[str, str], *, deleted: bool = False
    ) -> Version | None:
        try:
            found = await self._ask(finding.by_metadata, Asked(subject), properties, deleted=deleted)
        except NotFoundError:
            return None
        return found if found.subject == subject else None

    async def holders(
        self, schema_id: int, *, context: str = DEFAULT_CONTEXT, deleted: bool = False
    ) -> list[tuple[Subject, int]]:
        return self._read(stored.holders, schema_id, context, deleted=deleted)

    async def lookup(
        self, subject: Subject, schema: Schema, *, normalize: bool = False, deleted: bool = False
    ) -> Version | None:
        try:
            return await self._ask(lookup.lookup, Asked(subject), _draft(schema), normalize=normalize, deleted=deleted)
        except NotFoundError:
            return None

    async def check(
        self, subject: Subject, schema: Schema, *, number: Number | None = None, normalize: bool = False
    ) -> Verdict:
        draft = _draft(schema)
        if number is None:
            outcome = await self._ask(judging.verdict, subject, draft, normalize=normalize)
        else:
            found = _number(number)
            outcome = await self._ask(judging.verdict_on_version, subject, found, draft, normalize=normalize)
        return Verdict(outcome.compatible, outcome.messages)

    async def register(
        self,
        subject: Subject,
        schema: Schema,
        *,
        schema_id: int | None = None,
        number: int | None = None,
        normalize: bool = False,
    ) -> Version:
        draft = _draft(schema, schema_id=NO_ID if schema_id is None else schema_id, number=number or 0)
        return await self._change(registration.register, subject, draft, normalize=normalize)

    async def amend(self, subject: Subject, number: int, change: TagChange) -> Version:
        return await self._change(tags.change, subject, number, change)

    async def delete_version(self, subject: Subject, number: int, *, permanent: bool = False) -> None:
        await self._change(deletion.delete_version, subject, number, permanent=permanent)

    async def delete_subject(self, subject: Subject, *, permanent: bool = False) -> list[int]:
        return await self._change(deletion.delete_subject, subject, permanent=permanent)

    async def delete_context(self, context: str) -> None:
        await self._change(deletion.delete_context, context)

    async def referrers(self, subject: Subject, number: Number = "latest", *, deleted: bool = False) -> list[int]:
        found = self._read(finding.version, Asked(subject), _number(number), deleted=True)
        return self._read(references.referrers, found.subject, found.number, deleted=deleted)

    async def config(self, scope: Subject, *, inherited: bool = False) -> Json | None:
        return self._unless_unset(settings.config, scope, inherited=inherited)

    async def set_config(self, scope: Subject, config: Json) -> None:
        await self._change(settings.set_config, scope, config)

    async def delete_config(self, scope: Subject) -> None:
        await self._change(settings.delete_config, scope)

    async def mode(self, scope: Subject, *, inherited: bool = False) -> Mode | None:
        return self._unless_unset(settings.mode, scope, inherited=inherited)

    async def set_mode(self, scope: Subject, mode: Mode, *, force: bool = False) -> None:
        await self._change(settings.set_mode, scope, mode, force=force)

    async def delete_mode(self, scope: Subject, *, recursive: bool = False) -> None:
        await self._change(settings.delete_mode, scope, recursive=recursive)

    async def highest_id(self, *, context: str = DEFAULT_CONTEXT) -> int:
        return self._read(stored.highest_id, context)

    def _read(self, ask: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """A short indexed read, on the event loop: a thread would cost more than the read."""
        with self._errors():
            return self.core.read(ask, *args, **kwargs)

    def _unless_unset(self, ask: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        try:
            return self.core.read(ask, *args, **kwargs)
        except Refusal as no:
            if no.error_code in UNSET:
                return None
            raise

    async def _ask(self, ask: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        with self._errors():
            return await self.core.ask(ask, *args, **kwargs)

    async def _change(self, act: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        with self._errors():
            return await self.core.change(act, *args, **kwargs)

    @contextmanager
    def _errors(self) -> Generator[None, None, None]:
        try:
            yield
        except Refusal as no:
            raise refusal(self.name, no.status, no.error_code, no.message) from no
        except sqlite3.Error as error:
            raise RegistryError(
                f"{self.name}: SQLite said {error}",
                hint="Is the file writable, and not held by another process for long?",
                details={"registry": self.name},
            ) from error


def _prefix(context: str | None, prefix: str) -> str:
    """What the registry's lists understand: every context, or one."""
    return f":{ALL_CONTEXTS if context is None else context}:{prefix}"


def _number(number: Number) -> int:
    return LATEST if number == "latest" else number


def _draft(schema: Schema, *, schema_id: int = NO_ID, number: int = 0) -> Draft:
    return Draft(
        schema.text,
        schema.type,
        schema.references,
        checked_metadata(schema.metadata),
        checked_rule_set(schema.rule_set),
        schema_id,
        number,
    )


def _settings(connection: Connection) -> ServerSettings:
    """The server settings that a connection's options name: `level` and `mutable_modes`."""
    # Settings of caches are taken and not needed: what is read here is read from the file at once.
    unknown = {name for name in connection.options if not name.startswith("cache_")} - {"level", "mutable_modes"}
    if unknown:
        raise ConfigurationError(
            f"{connection.name}: unknown option {min(unknown)!r}", hint="An embedded registry has level, mutable_modes."
        )
    mutable_modes = connection.options.get("mutable_modes", True)
    if not isinstance(mutable_modes, bool):
        raise ConfigurationError(f"{connection.name}: mutable_modes is {mutable_modes!r}", hint="Use true or false.")
    try:
        level = Level(str(connection.options.get("level", Level.BACKWARD)).upper())
    except ValueError as error:
        raise ConfigurationError(f"{connection.name}: {error}", hint=f"One of {', '.join(Level)}.") from error
    return ServerSettings(level=level, mutable_modes=mutable_modes)
