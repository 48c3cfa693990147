"""`doctor`: what is found where, what answers, what is wrong and how to mend it."""

import json
import sys
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from importlib.metadata import version

import anyio
import click

from schema_mcp import app
from schema_mcp.domain.errors import SchemaMcpError
from schema_mcp.interfaces.cli.options import ending, settings_of
from schema_mcp.settings import Settings
from schema_mcp.toolkit.workspace import Workspace

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    found: str
    broken: bool = False
    mend: str = ""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@click.pass_context
def doctor(context: click.Context, *, as_json: bool) -> None:
    """Look at the set-up: what is found where, what answers, what is wrong and how to mend it."""
    with ending(as_json=as_json):
        findings = anyio.run(_examined, settings_of(context, toolsets="all"))
        if as_json:
            click.echo(json.dumps([asdict(one) for one in findings], ensure_ascii=False))
        else:
            click.echo("\n".join(map(_line, findings)))
        sys.exit(1 if any(one.broken for one in findings) else 0)


def _line(one: Finding) -> str:
    mark = "BROKEN" if one.broken else "ok    "
    return f"{mark} {one.what}: {one.found}" + (f"\n       {one.mend}" if one.mend else "")


async def _examined(settings: Settings) -> list[Finding]:
    findings = [*_configured(settings)]
    try:
        async with app.workspace(settings) as workspace:
            findings += [one async for one in _store(workspace)]
            findings += await _registries(workspace)
            findings += [one async for one in _audit(workspace)]
    except SchemaMcpError as error:
        findings.append(Finding("workspace", str(error), broken=True, mend=error.hint))
    return findings


def _configured(settings: Settings) -> list[Finding]:
    file = str(settings.config) if settings.config else "none"
    return [
        Finding("schema-mcp", f"{version('schema-mcp')} on Python {sys.version.split()[0]}"),
        Finding("configuration", file, mend="" if settings.config else "".join(settings.notes)),
        Finding("state", str(settings.state)),
        Finding("exports", str(settings.exports)),
        Finding("ids", f"handed out by the {settings.ids}"),
        Finding("sign-in", _sign_in(settings)),
        Finding("writes", "nowhere (--read-only)" if settings.read_only else "where a registry allows it"),
    ]


def _sign_in(settings: Settings) -> str:
    access = settings.access
    if access is None or not access.signs_in:
        return "not set up; over HTTP on loopback the owner of the process calls"
    ways = [
        *(["GitHub"] if access.github else []),
        *(["a page of ours"] if access.facade else []),
        *(f"pipelines of {one.url}" for one in access.issuers),
    ]
    return f"{access.url}: {', '.join(ways)}; {len(access.rules) + len(access.pipelines)} grants"


async def _store(workspace: Workspace) -> AsyncIterator[Finding]:
    store = workspace.store
    await store.refresh()
    count = len(store.subjects())
    yield Finding("store", f"{store.home.path}, {count} subjects at {(store.head or 'no commit')[:10]}")
    wrong = store.findings()
    for one in wrong[:_SHOWN]:
        yield Finding(
            "file of the store", f"{one.path}: {one.reason}", broken=True, mend="Mend the file and commit it."
        )
    if len(wrong) > _SHOWN:
        yield Finding("files of the store", f"{len(wrong) - _SHOWN} more are wrong", broken=True)


async def _registries(workspace: Workspace) -> list[Finding]:
    """Ask them all at once; one that is slow keeps no other waiting."""
    found: dict[str, Finding] = {}

    async def ask(name: str) -> None:
        try:
            registry = workspace.registry(name)
            info = await registry.info()
            closed = f", takes no writes: {registry.closed_by}" if registry.closed_by else ""
            found[name] = Finding(f"registry {name}", f"{info.product} {info.version} answers{closed}")
        except SchemaMcpError as error:
            found[name] = Finding(f"registry {name}", str(error), broken=True, mend=error.hint)

    async with anyio.create_task_group() as tasks:
        for name in workspace.fleet.names:
            tasks.start_soon(ask, name)
    return [found[name] for name in workspace.fleet.names]


async def _audit(workspace: Workspace) -> AsyncIterator[Finding]:
    wrong = await workspace.audit.verify()
    if not wrong:
        yield Finding("audit trail", "complete and unchanged")
    for one in wrong[:_SHOWN]:
        yield Finding(
            "audit trail", str(one), broken=True, mend="Somebody changed it: ask who has access to the folder."
        )
