"""Requests that a migration takes, per version and subject; and what is repeated after a kill half-way.

usage: python benchmarks/migration.py [--subjects 20] [--versions 100]
Two embedded registries. Planning, the check for staleness, applying and reading back are counted, listings per started
page of 1,000. The baseline is asking and writing version by version: one read and one write for each.
"""

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio

from schema_mcp import app
from schema_mcp.domain.plan import Plan
from schema_mcp.domain.schema import Schema, Subject
from schema_mcp.registries.guard import GuardedRegistry
from schema_mcp.services import application, migration
from schema_mcp.services.ground import silent
from schema_mcp.services.kept import keep_plan
from schema_mcp.services.selection import Selection
from schema_mcp.settings import load
from schema_mcp.toolkit.workspace import Workspace

REGISTRIES = "default: dev\nregistries:\n  dev: { path: dev.sqlite }\n  prod: { path: prod.sqlite }\n"
READS = ("subjects", "numbers", "version", "schema", "holders", "lookup", "referrers", "highest_id", "contexts")
SETTINGS, MODES = ("config", "mode"), ("set_mode", "delete_mode")
WRITES = ("register", "delete_version", "set_config", "delete_config")
PAGE = 1_000


class KilledError(BaseException):
    """As if the process ended here."""


class Counted:
    """Counts what a registry is asked, and ends the run at a certain registration."""

    def __init__(self, registry: Any, *, dies_at: int = 0) -> None:
        self.calls: Counter[str] = Counter()
        self._dies_at = dies_at
        self._listing = registry.versions
        for name in (*READS, *SETTINGS, *MODES, *WRITES):
            setattr(registry, name, self._counting(name, getattr(registry, name)))
        registry.versions = self._versions

    def _counting(self, name: str, method: Any) -> Any:
        async def call(*args: Any, **kwargs: Any) -> Any:
            is_wide = name in SETTINGS and not args[0].name
            self.calls[f"{name} of a context" if is_wide else name] += 1
            if name == "register" and self.calls[name] == self._dies_at:
                raise KilledError
            return await method(*args, **kwargs)

        return call

    async def _versions(self, **kwargs: Any) -> Any:
        self.calls["pages"] += 1
        seen = 0
        async for version in self._listing(**kwargs):
            seen += 1
            self.calls["pages"] += seen % PAGE == 0
            yield version

    def sum(self, *names: str) -> int:
        return sum(self.calls[name] for name in names)


@asynccontextmanager
async def opened(folder: Path) -> AsyncGenerator[Workspace]:
    (folder / "registries.yaml").write_text(REGISTRIES, encoding="utf-8")
    settings = load({}, environ={"HOME": str(folder)}, folder=folder)
    async with app.workspace(settings, patience=None) as workspace:
        yield workspace


async def fill(registry: GuardedRegistry, subjects: int, versions: int) -> None:
    for number in range(subjects):
        for version in range(versions):
            notes = "".join(f',{{"name":"n{one}","type":"string","default":""}}' for one in range(version))
            fields = f'[{{"name":"id","type":"long"}}{notes}]'
            await registry.register(
                Subject(f"orders-{number:03}"), Schema(f'{{"type":"record","name":"R{number}","fields":{fields}}}')
            )


async def planned(workspace: Workspace) -> Plan:
    ends = workspace.registry("dev"), workspace.registry("prod")
    plan = (await migration.plan(*ends, Selection())).plan
    await keep_plan(workspace.journal, plan, "Ann")
    return plan


async def applied(workspace: Workspace, plan: Plan) -> None:
    signed = workspace.signature("benchmark")
    await application.apply(workspace.ground, plan.digest, signed, silent, None, None)


async def undisturbed(subjects: int, versions: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with opened(Path(folder)) as workspace:
            await fill(workspace.registry("dev"), subjects, versions)
            source, target = Counted(workspace.registry("dev")), Counted(workspace.registry("prod"))
            began = time.perf_counter()
            await applied(workspace, await planned(workspace))
            seconds = time.perf_counter() - began
    total = subjects * versions
    reads = source.sum(*READS, "pages") + target.sum(*READS, "pages")
    print(
        f"a migration of {subjects} subjects, {versions} versions each: {seconds:.1f} s, {total / seconds:.0f} a second"
    )
    _say("writes per version", target.sum(*WRITES) / total, "1.1 (baseline 1)")
    _say("reads per version", reads / total, "0.2 (baseline 1)")
    _say("mode writes per subject", target.sum(*MODES) / subjects, "2")
    _say("settings reads per subject, target", target.sum(*SETTINGS) / subjects, "2")
    _say("settings reads per subject, source", source.sum(*SETTINGS) / subjects, "2")
    wide = [f"{name} of a context" for name in SETTINGS]
    _say("of its context and the registry, both", source.sum(*wide) + target.sum(*wide), "(however many subjects)")


async def killed(subjects: int, versions: int) -> None:
    total = subjects * versions
    with tempfile.TemporaryDirectory() as folder:
        async with opened(Path(folder)) as workspace:
            await fill(workspace.registry("dev"), subjects, versions)
            target = Counted(workspace.registry("prod"), dies_at=total // 2)
            plan = await planned(workspace)
            try:
                await applied(workspace, plan)
            except* KilledError:
                pass
            before = target.sum(*WRITES)
            await applied(workspace, plan)
            repeated = target.sum(*WRITES) - 1 - total  # the one that was cut off never reached the registry
    print(f"  cut off after {before - 1} writes, resumed: {repeated} repeated, {repeated / total:.2%}; target: 1 %")


def _say(what: str, figure: float, target: str) -> None:
    print(f"  {what:36} {figure:6.3f}  target: {target}")


async def run(subjects: int, versions: int) -> None:
    await undisturbed(subjects, versions)
    await killed(subjects, versions)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subjects", type=int, default=20)
    parser.add_argument("--versions", type=int, default=100)
    asked = parser.parse_args()
    anyio.run(run, asked.subjects, asked.versions)


if __name__ == "__main__":
    main()
