"""The main job, from an empty folder to a drift mended: a real client, the real server, and every claim read back.

usage: python -m examples.demo [FOLDER]        (default: .demo, made anew)

An assistant's side of the talk goes over stdio. What it is told is then read again from outside: the store through
`git`, the ledger from its file, the registries over their REST face, served by a second process.
"""

import argparse
import json
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import anyio
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from rich.console import Console

REGISTRIES = """\
default: dev
registries:
  dev: { backend: embedded, path: .schema-mcp/dev.sqlite }
  eu:  { backend: embedded, path: .schema-mcp/eu.sqlite }
  us:  { backend: embedded, path: .schema-mcp/us.sqlite }
  lab: { backend: embedded, path: .schema-mcp/lab.sqlite }
"""

CUSTOMER = {
    "type": "record",
    "name": "Customer",
    "namespace": "shop",
    "doc": "Who buys.",
    "fields": [{"name": "id", "type": "long"}, {"name": "name", "type": "string"}],
}
ORDER = {
    "type": "record",
    "name": "Order",
    "namespace": "shop",
    "fields": [{"name": "id", "type": "long"}, {"name": "customer", "type": "shop.Customer"}],
}
ORDER_WITH_NOTE = {**ORDER, "fields": [*ORDER["fields"], {"name": "note", "type": "string"}]}
PAYMENT = 'syntax = "proto3";\npackage shop;\n\nmessage Payment {\n  int64 id = 1;\n  int64 order_id = 2;\n}\n'
REFUND = {"type": "object", "properties": {"payment_id": {"type": "integer"}}, "additionalProperties": False}

console = Console(highlight=False, soft_wrap=True)


class NotSoError(Exception):
    """A claim does not hold, or a tool did not do what the demo needs."""


class Demo:
    """One run: the folder, the client, and the registries as a stranger sees them."""

    def __init__(self, folder: Path, client: Client, outside: str) -> None:
        self.folder = folder
        self.client = client
        self.outside = outside
        self.claims = 0

    async def ask(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool and take its answer."""
        result = await self.client.call_tool(tool, arguments)
        answer: dict[str, Any] = result.structured_content or {}
        if result.is_error:
            raise NotSoError(f"{tool} failed: {answer or result.content}")
        return answer

    async def refused(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool that has to say no, and take its reasons."""
        result = await self.client.call_tool(tool, arguments)
        answer: dict[str, Any] = result.structured_content or {}
        if not result.is_error:
            raise NotSoError(f"{tool} should have refused and answered {answer}")
        return answer

    def claim(self, text: str, *, said: object, seen: object) -> None:
        """Print a claim once what was said equals what is there."""
        if said != seen:
            raise NotSoError(f"This is not so: {text}\n  said: {said!r}\n  seen: {seen!r}")
        self.claims += 1
        console.print(f"  [green]✓[/] {text}")

    def git(self, *arguments: str) -> str:
        """What Git says of the store."""
        run = subprocess.run(
            ["git", *arguments], cwd=self.folder, check=True, capture_output=True, text=True, timeout=30
        )
        return run.stdout.strip()

    def stored(self, subject: str, version: int) -> dict[str, Any]:
        """A version's metadata as committed."""
        return json.loads(self.git("show", f"HEAD:SCHEMASTORE/default/{subject}/v{version}/metadata.json"))

    def ledger_id(self, digest: str) -> int:
        """The id that the ledger keeps for a content."""
        with sqlite3.connect(self.folder / ".schema-mcp" / "ids.sqlite") as ledger:
            return ledger.execute("SELECT id FROM ids WHERE schema_hash = ?", (digest,)).fetchone()[0]

    def registry(self, name: str, path: str, *, method: str = "GET", body: object = None) -> Any:
        """What a registry answers to a stranger; None for a 404."""
        request = urllib.request.Request(
            f"{self.outside}/registries/{name}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/vnd.schemaregistry.v1+json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise

    def version(self, name: str, subject: str, number: int) -> tuple[int, str] | None:
        """Id and text of a version in a registry."""
        found = self.registry(name, f"/subjects/{urllib.parse.quote(subject, safe='')}/versions/{number}")
        return (found["id"], found["schema"]) if found else None


def heading(text: str) -> None:
    console.print(f"\n[bold]{text}[/]")


def say(text: str) -> None:
    console.print(f"  {text}")


async def register(demo: Demo) -> None:
    heading("1. Register: proven, numbered, committed, deployed")
    used = [{"name": "shop.Customer", "subject": "customers-value", "version": 1}]
    wanted = [
        ("customers-value", {"schema_text": json.dumps(CUSTOMER)}, "Avro"),
        ("orders-value", {"schema_text": json.dumps(ORDER), "references": used}, "Avro, references customers-value"),
        ("refunds-value", {"schema_text": json.dumps(REFUND), "schema_type": "JSON"}, "JSON Schema"),
        ("payments-value", {"schema_text": PAYMENT, "schema_type": "PROTOBUF"}, "Protobuf"),
    ]
    for subject, schema, kind in wanted:
        done = await demo.ask("register_schema", subject=subject, **schema)
        committed = demo.stored(subject, 1)
        deployed = demo.version("dev", subject, 1)
        demo.claim(
            f"{subject} ({kind}): version 1, id {done['id']}, commit {done['commit']}",
            said=(done["id"], done["id"], done["id"]),
            seen=(committed["schemaId"], deployed and deployed[0], demo.ledger_id(committed["schemaHash"])),
        )
    demo.claim("the store is a Git repository and nothing is left uncommitted in it", said="", seen=_dirt(demo))


def _dirt(demo: Demo) -> str:
    return demo.git("status", "--porcelain", "--", "SCHEMASTORE")


async def refuse(demo: Demo) -> dict[str, Any]:
    heading("2. An incompatible change is refused, with the reason and the way out")
    before = demo.git("rev-parse", "HEAD")
    used = [{"name": "shop.Customer", "subject": "customers-value", "version": 1}]
    no = await demo.refused(
        "register_schema", subject="orders-value", schema_text=json.dumps(ORDER_WITH_NOTE), references=used
    )
    say(f"refused: {no['message']}")
    way = no["details"]["ways_out"][0]
    say(f"way out: {way['text']}")
    demo.claim("nothing was committed", said=before, seen=demo.git("rev-parse", "HEAD"))
    done = await demo.ask("register_schema", subject="orders-value", schema_text=way["schema_text"], references=used)
    demo.claim(
        f"the mended text passes: version {done['version']}, id {done['id']}",
        said=done["id"],
        seen=(demo.version("dev", "orders-value", 2) or (0, ""))[0],
    )
    return done


async def ids(demo: Demo) -> None:
    heading("3. Ids are handed out once")
    wanted = {"subject": "invoices-value", "version": 1, "schema_text": json.dumps("string")}
    first = await demo.ask("allocate_id", **wanted)
    second = await demo.ask("allocate_id", **wanted)
    demo.claim(
        f"the same content twice: id {first['id']} both times, and so says the ledger",
        said=(first["id"], first["id"]),
        seen=(second["id"], demo.ledger_id(first["schema_hash"])),
    )
    other = await demo.refused("allocate_id", **{**wanted, "schema_text": json.dumps("bytes")})
    say(f"other content for the same version is refused: {other['message']}")


async def deploy(demo: Demo) -> None:
    heading("4. A plan for two registries, applied, and applied again")
    plan = await demo.ask("plan_deployment", registries=["eu", "us"])
    for step in plan["steps"]:
        say(f"{step['registry']}: {step['action']} {step['subject']} v{step['version']} with id {step['id']}")
    demo.claim(
        "planning wrote nothing", said=[[], []], seen=[demo.registry(name, "/subjects") for name in ("eu", "us")]
    )
    task = await demo.ask("apply_plan", plan=plan["plan"], wait=60)
    for name in ("eu", "us"):
        versions = [
            (step["subject"], step["version"], step["id"]) for step in plan["steps"] if step["registry"] == name
        ]
        found = [
            (subject, number, (demo.version(name, subject, number) or (0, ""))[0]) for subject, number, _ in versions
        ]
        demo.claim(f"{name}: {len(versions)} versions, every id as planned", said=versions, seen=found)
    say(f"task {task['task']}: {task['status']}, {task['done']} of {task['total']} steps")
    again = await demo.ask("plan_deployment", registries=["eu", "us"])
    demo.claim("planned again: nothing to do", said=[], seen=again["steps"])
    noop = await demo.ask("apply_plan", plan=again["plan"], wait=60)
    demo.claim("applied again: nothing done", said=("succeeded", 0), seen=(noop["status"], noop["total"]))


async def drift(demo: Demo) -> None:
    heading("5. Somebody changes a registry behind our back")
    await demo.ask("update_config", registry="eu", subject="orders-value", level="FULL")
    level = demo.registry("eu", "/config/orders-value")
    demo.claim("the store wants FULL for orders-value in eu", said="FULL", seen=level and level["compatibilityLevel"])
    demo.registry("eu", "/subjects/orders-value/versions/2", method="DELETE")
    demo.registry("eu", "/config/orders-value", method="PUT", body={"compatibility": "NONE"})
    say("a stranger deleted version 2 of orders-value in eu and set its level to NONE")
    found = await demo.ask("detect_drift", registry="eu")
    for row in found["drift"]:
        say(f"drift: {row['subject']} v{row.get('version') or '-'} {row['kind']}: {row['detail']}")
    demo.claim(
        "both are found, and nothing else",
        said=[("orders-value", "missing"), ("orders-value", "settings")],
        seen=sorted((row["subject"], row["kind"]) for row in found["drift"]),
    )
    plan = await demo.ask("plan_deployment", registries=["eu"])
    await demo.ask("apply_plan", plan=plan["plan"], wait=60)
    level = demo.registry("eu", "/config/orders-value")
    demo.claim(
        "mended: version 2 is back under its id, and the level is FULL",
        said=(demo.stored("orders-value", 2)["schemaId"], "FULL"),
        seen=((demo.version("eu", "orders-value", 2) or (0, ""))[0], level and level["compatibilityLevel"]),
    )
    demo.claim("no drift any more", said=True, seen=(await demo.ask("detect_drift", registry="eu"))["in_sync"])


async def export(demo: Demo) -> None:
    heading("6. Export")
    done = await demo.ask("export_schema", subject="payments-value", to_file=True)
    file = Path(done["file"])
    demo.claim(
        f"payments-value exported to {file.relative_to(demo.folder)}",
        said=(demo.version("dev", "payments-value", 1) or (0, ""))[1],
        seen=file.read_text(encoding="utf-8"),
    )


async def move(demo: Demo) -> None:
    heading("7. Move a subject to another registry, its id kept")
    plan = await demo.ask("plan_migration", source="dev", target="lab", subjects=["payments-value"])
    say(f"on the target: {', '.join(f'{count} {what}' for what, count in plan['clashes'].items())}")
    await demo.ask("apply_plan", plan=plan["plan"], wait=60)
    demo.claim(
        "payments-value is in lab, with the id and the text it has in dev",
        said=demo.version("dev", "payments-value", 1),
        seen=demo.version("lab", "payments-value", 1),
    )
    modes = [demo.registry(name, "/mode/payments-value") for name in ("eu", "us", "lab")]
    demo.claim("no subject was left in mode IMPORT", said=[None, None, None], seen=modes)


@asynccontextmanager
async def talking(folder: Path) -> AsyncGenerator[Client]:
    """The real server over stdio, and a real client."""
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "schema_mcp", "--toolsets", "core,settings", "serve"],
        cwd=str(folder),
    )
    async with Client(stdio_client(server)) as client:
        yield client


@contextmanager
def outside(folder: Path) -> Generator[str]:
    """A second process on the same folder, which serves the registries to strangers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "schema_mcp", "serve", "--http", "--port", str(port)]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        _await_answer(f"{address}/health")
        yield address
    finally:
        process.terminate()
        process.wait(timeout=30)


def _await_answer(url: str) -> None:
    for _ in range(300):
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise NotSoError(f"{url} does not answer")


def prepare(folder: Path) -> None:
    """An empty folder with a repository and the configuration in it."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / "registries.yaml").write_text(REGISTRIES, encoding="utf-8")
    for command in (
        ["git", "init", "--quiet", "--initial-branch", "main"],
        ["git", "config", "user.name", "Dana Demo"],
        ["git", "config", "user.email", "dana@example.com"],
        ["git", "add", "registries.yaml"],
        ["git", "commit", "--quiet", "--message", "Name the registries"],
    ):
        subprocess.run(command, cwd=folder, check=True, timeout=30)


async def main(folder: Path) -> None:
    prepare(folder)
    began = time.perf_counter()
    console.print(f"Everything of this demo is in {folder}: the store in Git, state and registries in .schema-mcp.")
    with outside(folder) as address:
        async with talking(folder) as client:
            demo = Demo(folder, client, address)
            for chapter in (register, refuse, ids, deploy, drift, export, move):
                await chapter(demo)
    seconds = time.perf_counter() - began
    console.print(
        f"\n[bold]{demo.claims} claims, each read back from store, ledger or registry, in {seconds:.1f} s.[/]"
    )


def _innermost(error: BaseException) -> BaseException:
    return _innermost(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description="Drive schema-mcp from an empty folder to a drift mended.")
    arguments.add_argument("folder", nargs="?", default=".demo", type=Path)
    try:
        anyio.run(main, arguments.parse_args().folder.resolve())
    except* NotSoError as wrong:
        console.print(f"[red]{_innermost(wrong)}[/]")
        sys.exit(1)
