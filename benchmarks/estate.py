"""Judging the histories of an estate offline, beside one REST call per pair of versions.

usage: python benchmarks/estate.py [--subjects 1000] [--sample 20]
Five versions each, in Avro, JSON Schema and Protobuf by turns, held to FULL_TRANSITIVE. The registry is ours, in a
process of its own on loopback, read over its REST face by both sides; the baseline is asked for a sample of the
subjects and scaled up.
"""

import argparse
import itertools
import json
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import anyio
from rest_face import Client, Server, ours

from schema_mcp import app
from schema_mcp.domain.schema import Level, SchemaType
from schema_mcp.services import estate
from schema_mcp.services.ground import silent
from schema_mcp.services.judgement import Side
from schema_mcp.services.selection import Selection
from schema_mcp.settings import load

VERSIONS, FIELDS = 5, 12
TARGET = 5.0


def avro(number: int, version: int) -> str:
    fields = [{"name": f"f{place}", "type": ["null", "string"], "default": None} for place in range(FIELDS + version)]
    return json.dumps({"type": "record", "name": f"R{number}", "namespace": "shop", "fields": fields})


def json_schema(number: int, version: int) -> str:
    properties = {f"f{place}": {"type": "string"} for place in range(FIELDS + version)}
    return json.dumps(
        {"type": "object", "title": f"R{number}", "additionalProperties": False, "properties": properties}
    )


def protobuf(number: int, version: int) -> str:
    fields = "".join(f"  string f{place} = {place + 1};\n" for place in range(FIELDS + version))
    return f'syntax = "proto3";\npackage shop;\n\nmessage R{number} {{\n{fields}}}\n'


LANGUAGES: Mapping[SchemaType, Callable[[int, int], str]] = {
    SchemaType.AVRO: avro,
    SchemaType.JSON: json_schema,
    SchemaType.PROTOBUF: protobuf,
}


def body(number: int, version: int) -> bytes:
    kind = list(LANGUAGES)[number % len(LANGUAGES)]
    return json.dumps({"schema": LANGUAGES[kind](number, version), "schemaType": kind}).encode()


def fill(client: Client, subjects: int) -> None:
    client.ask("PUT", "/config", b'{"compatibility":"NONE"}')
    for number, version in itertools.product(range(subjects), range(VERSIONS)):
        client.ask("POST", f"/subjects/team-{number:05}-value/versions", body(number, version))
    client.ask("PUT", "/config", b'{"compatibility":"FULL"}')


def pair_by_pair(client: Client, subjects: range) -> tuple[float, int]:
    """Seconds and calls for asking the registry about every pair of versions."""
    began, calls = time.perf_counter(), 0
    for number in subjects:
        for old, new in itertools.combinations(range(VERSIONS), 2):
            path = f"/compatibility/subjects/team-{number:05}-value/versions/{old + 1}"
            client.ask("POST", path, body(number, new))
            calls += 1
    return time.perf_counter() - began, calls


async def judged(server: Server, folder: Path) -> tuple[float, estate.Overview]:
    """Seconds for judging everything offline, the listing included."""
    url = f"http://127.0.0.1:{server.port}{server.base}"
    (folder / "registries.yaml").write_text(f"registries:\n  there: {{ backend: confluent, url: '{url}' }}\n")
    async with app.workspace(load({}, environ={"HOME": str(folder)}, folder=folder), patience=None) as workspace:
        side = Side("there", workspace.store, workspace.registry("there"))
        began = time.perf_counter()
        found = await estate.judge_all(side, Selection(), silent)
        return time.perf_counter() - began, estate.overview(found, Level.FULL_TRANSITIVE)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--subjects", type=int, default=1_000)
    asked.add_argument("--sample", type=int, default=20)
    options = asked.parse_args()
    with tempfile.TemporaryDirectory() as here, tempfile.TemporaryDirectory() as there, ours(Path(there)) as server:
        client = server.client()
        fill(client, options.subjects)
        took, calls = pair_by_pair(client, range(min(options.sample, options.subjects)))
        scaled = took * options.subjects / min(options.sample, options.subjects)
        seconds, seen = anyio.run(judged, server, Path(here))
    print(f"{seen.subjects:,} histories, {seen.versions:,} versions, {seen.keeping:,} keep FULL_TRANSITIVE")
    print(f"pair by pair over REST   {scaled:8.2f} s   ({calls} calls took {took:.2f} s)")
    print(f"the estate, offline      {seconds:8.2f} s   ratio {scaled / seconds:5.1f}   target <= {TARGET:g} s")


if __name__ == "__main__":
    main()
