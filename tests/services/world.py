"""A small world to work in: real embedded registries, a real store in Git, a real ledger and journal."""

import json
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from schema_mcp import app
from schema_mcp.domain.caller import Caller, Scope, with_implied
from schema_mcp.domain.plan import Plan
from schema_mcp.domain.schema import Level, Mode, Reference, Schema, SchemaType, Subject
from schema_mcp.registries.guard import GuardedRegistry
from schema_mcp.services import application, deployment, registration
from schema_mcp.services.draft import Terms
from schema_mcp.services.ground import Ground, Signature
from schema_mcp.services.kept import keep_plan
from schema_mcp.services.registration import Registered, Stop, Wanted
from schema_mcp.services.selection import Selection
from schema_mcp.settings import load
from schema_mcp.stores.journal import Run
from schema_mcp.stores.schemastore import Author, StoredVersion, SubjectWish, UpdateVersion
from schema_mcp.stores.schemastore import SetWish as Wish
from schema_mcp.toolkit.call import call
from schema_mcp.toolkit.tool import Shape
from schema_mcp.toolkit.workspace import Workspace
from schema_mcp.tools import CATALOGUE

ORDERS = Subject("orders-value")
ANN = Author("Ann", "ann@example.com")


def record(*fields: str, name: str = "Order") -> str:
    """An Avro record: `id:long`, or `note:string=` for a field with a default."""
    return json.dumps({"type": "record", "name": name, "namespace": "shop", "fields": [_field(one) for one in fields]})


def _field(text: str) -> dict[str, Any]:
    name, _, kind = text.partition(":")
    plain, has_default, default = kind.partition("=")
    return {"name": name, "type": plain} | ({"default": default} if has_default else {})


V1, V2, V3 = record("id:long"), record("id:long", "note:string="), record("id:long", "note:string=", "by:string=")
BREAKING = record("id:long", "total:double")


class World:
    """One workspace, and short words for what tests do in it."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.signed = self.signature(Scope.ADMIN)

    @property
    def ground(self) -> Ground:
        return self.workspace.ground

    @property
    def store(self):
        return self.workspace.store

    def signature(self, scope: Scope) -> Signature:
        return Signature(Caller("Ann", "ann@example.com", with_implied([scope])), "test", "r1", reason="a test")

    def registry(self, name: str = "dev") -> GuardedRegistry:
        return self.workspace.registry(name)

    async def register(  # noqa: PLR0913 - each is one word of a story
        self,
        text: str = V1,
        subject: Subject = ORDERS,
        *,
        registry: str = "dev",
        stop: Stop | None = None,
        level: Level | None = None,
        kind: SchemaType = SchemaType.AVRO,
        references: Iterable[Reference] = (),
        metadata: dict[str, Any] | None = None,
        rules: dict[str, Any] | None = None,
        scope: Scope = Scope.WRITE,
    ) -> Registered:
        schema = Schema(text, kind, tuple(references), metadata, rules)
        wanted = Wanted(registry, subject, schema, level)
        return await registration.register(self.ground, wanted, self.signature(scope), stop, silent)

    async def plan(
        self, *registries: str, selection: Selection | None = None, terms: Terms = deployment.DEFAULTS
    ) -> Plan:
        chosen, journal = selection or Selection(), self.ground.journal
        return await self.keep(
            await deployment.plan(self.workspace.fleet, self.store, registries, chosen, terms, journal)
        )

    async def keep(self, plan: Plan) -> Plan:
        await keep_plan(self.ground.journal, plan, "Ann")
        return plan

    async def apply(self, plan: Plan, scope: Scope = Scope.ADMIN) -> Run:
        return await application.apply(self.ground, plan.digest, self.signature(scope), silent, None, None)

    async def call(self, tool: str, **arguments: Any) -> Shape:
        return await call(CATALOGUE[tool], arguments, caller=self.workspace.caller, workspace=self.workspace)

    async def read(self, tool: str, arguments: dict[str, Any]) -> Shape:
        """Call a tool, also one that is switched off."""
        listings = {name: replace(one, off="") for name, one in self.workspace.listings.items()}
        everything = replace(self.workspace, listings=listings)
        return await call(CATALOGUE[tool], arguments, caller=self.workspace.caller, workspace=everything)

    async def wish(self, subject: Subject = ORDERS, **wish: Any) -> None:
        await self.store.commit([Wish(subject, SubjectWish(**wish))], "Wish", ANN)

    async def retire(self, subject: Subject, number: int) -> None:
        stored = self.store.version(subject, number)
        assert stored is not None
        gone = replace(stored, version=replace(stored.version, deleted=True))
        await self.store.commit([UpdateVersion(gone)], "Retire", ANN)

    def stored(self, subject: Subject = ORDERS) -> dict[int, int]:
        """Version numbers of the store, with their ids."""
        return {one.number: one.id for one in self.store.records(subject)}

    async def held(self, registry: str = "dev", subject: Subject = ORDERS) -> dict[int, int]:
        """Version numbers of a registry, with their ids."""
        there = self.registry(registry)
        found = [await there.version(subject, number) for number in await there.numbers(subject)]
        return {one.number: one.id for one in found if one}

    async def modes(self, *registries: str) -> list[Mode | None]:
        """The own modes of every subject, none of which may be IMPORT."""
        found: list[Mode | None] = []
        for name in registries or self.workspace.fleet.names:
            there = self.registry(name)
            found += [await there.mode(subject) for subject in await there.subjects(deleted=True)]
        return found

    async def traces(self) -> tuple[dict[str, int], str | None, list[Any]]:
        """Everything that a write would leave a trace in."""
        await self.store.refresh()
        writes = {name: self.registry(name).writes for name in self.workspace.fleet.names}
        return writes, self.store.head, await self.ground.ledger.entries()


async def silent(done: float, total: float | None, message: str) -> None:
    pass


@asynccontextmanager
async def world_at(folder: Path, registries: str, **options: Any) -> AsyncGenerator[World]:
    """A world in a folder, with the registries of a `registries.yaml`."""
    folder.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240 - small and local
    (folder / "registries.yaml").write_text(registries, encoding="utf-8")
    environ: Mapping[str, str] = {"HOME": str(folder), "PATH": "/usr/bin:/bin"}
    settings = load(options, environ=environ, folder=folder)
    async with app.workspace(settings, patience=None) as workspace:
        yield World(workspace)


def embedded(*names: str, **more: str) -> str:
    """A configuration of embedded registries; `name="readonly: true"` adds to one."""
    rows = [f"  {name}: {{ backend: embedded, path: {name}.sqlite, {more.get(name, '')} }}" for name in names]
    return "\n".join([f"default: {names[0]}", "registries:", *rows, ""])


def texts(history: Iterable[StoredVersion]) -> list[str]:
    return [one.version.schema.text for one in history]
