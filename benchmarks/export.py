"""Backing up 10,000 versions and restoring them, beside plain JSON and beside registering them one by one.

usage: python benchmarks/export.py [--versions 10000]
Two embedded registries in process; five versions a subject, one reference in ten. The export's baseline is one JSON
document with the same rows, the restore's is a plain register call for each version, without journal or read-back.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio

from schema_mcp import app
from schema_mcp.domain.schema import Mode, Reference, Schema, SchemaType, Subject
from schema_mcp.registries.backends.embedded import EmbeddedRegistry
from schema_mcp.registries.contract import Connection
from schema_mcp.services import application, exporting, holdings, restoring
from schema_mcp.services.exporting import Form
from schema_mcp.services.ground import silent
from schema_mcp.services.holdings import Extent, Holding
from schema_mcp.services.judgement import Side
from schema_mcp.services.kept import keep_plan
from schema_mcp.services.restoring import Terms
from schema_mcp.services.selection import Selection
from schema_mcp.settings import load
from schema_mcp.toolkit.workspace import Workspace

VERSIONS, FIELDS, REFERENCES = 5, 12, 10
CONFIG = """\
default: here
registries:
  here: { backend: embedded, path: here.sqlite }
  there: { backend: embedded, path: there.sqlite }
"""
FORMS: tuple[Form, ...] = ("zip", "tar.gz", "jsonl", "markdown", "avdl")


def text(number: int, version: int) -> str:
    fields: list[Any] = [{"name": f"f{place}", "type": ["null", "string"], "default": None} for place in range(FIELDS)]
    fields += [{"name": f"v{place}", "type": "long", "default": place} for place in range(version)]
    if number % REFERENCES == 0:
        fields.append({"name": "of", "type": ["null", "shop.Customer"], "default": None})
    return json.dumps({"type": "record", "name": f"R{number}", "namespace": "shop", "fields": fields})


async def fill(registry: Any, versions: int) -> None:
    customer = {"type": "record", "name": "Customer", "namespace": "shop", "fields": []}
    await registry.register(Subject("customers"), Schema(json.dumps(customer)))
    for number in range(versions // VERSIONS):
        used = (Reference("shop.Customer", "customers", 1),) if number % REFERENCES == 0 else ()
        for version in range(VERSIONS):
            schema = Schema(text(number, version), SchemaType.AVRO, used)
            await registry.register(Subject(f"team-{number:05}-value"), schema)


async def timed(work: Callable[[], Awaitable[Any]]) -> tuple[float, Any]:
    began = time.perf_counter()
    found = await work()
    return time.perf_counter() - began, found


async def one_by_one(holding: Holding, folder: Path) -> None:
    """Ids kept, nothing else: no journal, no plan, no read-back."""
    registry = EmbeddedRegistry(Connection("bare", path=folder / "bare.sqlite"))
    await registry.set_mode(Subject(""), Mode.IMPORT, force=True)
    for one in sorted(holding.versions, key=lambda version: version.id):
        await registry.register(one.subject, one.schema, schema_id=one.id, number=one.number)
    await registry.close()


async def measured(workspace: Workspace, folder: Path, versions: int) -> None:
    here = workspace.registry("here")
    await fill(here, versions)
    side = Side("here", workspace.store, here)
    extent = Extent(deleted=True, settings=True)
    reading, holding = await timed(lambda: holdings.read(side, Selection(), extent, silent))
    count = len(holding.versions)
    began = time.perf_counter()
    plain = json.dumps([[str(one.subject), one.number, one.id, one.schema.text] for one in holding.versions]).encode()
    dumping = time.perf_counter() - began
    print(
        f"{count:,} versions; read with settings in {reading:.2f} s; as one JSON {len(plain):,} bytes, {dumping:.3f} s"
    )
    for form in FORMS:
        took, done = await timed(lambda form=form: exporting.export(holding, form, workspace.clock()))
        print(f"  {form:9} {took:7.2f} s  {count / took:9,.0f} versions/s  {len(done.data):11,} bytes")
        if form == "tar.gz":
            (folder / "backup.tar.gz").write_bytes(done.data)
    await restore(workspace, folder, holding)


async def restore(workspace: Workspace, folder: Path, holding: Holding) -> None:
    path, count = folder / "backup.tar.gz", len(holding.versions)
    planning, made = await timed(lambda: restoring.plan(workspace.fleet, path, "there", Terms()))
    await keep_plan(workspace.journal, made.plan, "bench")
    signed = workspace.signature("bench")

    async def apply() -> Any:
        return await application.apply(workspace.ground, made.plan.digest, signed, silent, None, None)

    applying, run = await timed(apply)
    bare, _ = await timed(lambda: one_by_one(holding, folder))
    print(f"restore: plan {planning:.2f} s, apply {applying:.2f} s ({run.status}), {count / applying:,.0f} versions/s")
    print(f"bare register calls with ids {bare:.2f} s   ratio {(planning + applying) / bare:.2f}")
    again, seen = await timed(lambda: restoring.plan(workspace.fleet, path, "there", Terms()))
    print(f"planned again in {again:.2f} s: {len(seen.plan.steps)} steps left, {dict(seen.migration.clashes)}")


async def run(versions: int) -> None:
    with tempfile.TemporaryDirectory() as named:
        folder = Path(named)
        (folder / "registries.yaml").write_text(CONFIG)
        environ = {"HOME": named, "PATH": "/usr/bin:/bin"}
        async with app.workspace(load({}, environ=environ, folder=folder), patience=None) as workspace:
            await measured(workspace, folder, versions)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--versions", type=int, default=10_000)
    anyio.run(run, asked.parse_args().versions)


if __name__ == "__main__":
    main()
