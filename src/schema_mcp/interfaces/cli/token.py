"""`token`: make, list and revoke tokens of our own, for clients that can send a password and nothing else."""

import json
import re
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager, closing
from datetime import datetime, timedelta
from typing import Any

import anyio
import click

from schema_mcp import app
from schema_mcp.domain.caller import Grant, Reach, Scope
from schema_mcp.domain.errors import InvalidRequestError
from schema_mcp.domain.naming import parse_context
from schema_mcp.identity.opening import TOKENS
from schema_mcp.interfaces.cli.options import ending, options, settings_of
from schema_mcp.registries.document import nearest
from schema_mcp.settings import SETTINGS, Settings
from schema_mcp.stores.audit import Entry
from schema_mcp.stores.clock import stamp, utc_now
from schema_mcp.stores.tokens import Token, Tokens
from schema_mcp.toolkit.recording import recorded
from schema_mcp.toolkit.request import request_id
from schema_mcp.toolkit.tool import Effect
from schema_mcp.toolkit.workspace import Workspace

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SPAN = re.compile(r"([0-9]{1,5})([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_NEVER = "never"
_SETTINGS = [setting for setting in SETTINGS if not setting.serves and setting.name != "scopes"]


@click.group()
def token() -> None:
    """Tokens of our own, for clients that can send a password and nothing else."""


@token.command(params=options(_SETTINGS, hidden=True))
@click.argument("name")
@click.option("--scopes", required=True, help="What its holder may do: read, write or admin.")
@click.option("--expires", default="90d", show_default=True, help="For how long: 12h, 90d, 4w, or never.")
@click.option("--registries", default="", help="Only in these registries, separated by commas.")
@click.option("--contexts", default="", help="Only in these contexts.")
@click.option("--subjects", default="", help="Only for subjects of these shapes; * stands for any text.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.pass_context
def create(context: click.Context, name: str, *, as_json: bool, **said: str) -> None:
    """Make a token; its secret is printed once, and never again."""
    with ending(as_json=as_json):
        settings = settings_of(context)
        grant, expires = _grant(said, settings), _until(said["expires"])
        if not _NAME.fullmatch(name):
            raise InvalidRequestError(f"{name[:80]!r} cannot name a token", hint="Use letters, digits, `-`, `_`, `.`.")
        made, secret = anyio.run(_made, settings, name, grant, expires)
        if as_json:
            click.echo(json.dumps({**_told(made), "secret": secret}))
            return
        click.echo(secret)
        click.echo(
            f"{_line(made)}\nThis is shown once. As a basic login it is the password, with any user name.", err=True
        )


@token.command("list", params=options(_SETTINGS, hidden=True))
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
@click.pass_context
def listed(context: click.Context, *, as_json: bool) -> None:
    """List all tokens, the newest first; what is secret of them nobody knows."""
    with ending(as_json=as_json):
        settings = settings_of(context)
        with closing(Tokens(settings.state / TOKENS)) as tokens:
            found = tokens.all()
        if as_json:
            click.echo(json.dumps([_told(one) for one in found]))
        else:
            click.echo("\n".join(map(_line, found)) or "There are none.")


@token.command(params=options(_SETTINGS, hidden=True))
@click.argument("token")
@click.pass_context
def revoke(context: click.Context, token: str) -> None:
    """End TOKEN, an id or a name, from now on."""
    with ending():
        ended = anyio.run(_revoked, settings_of(context), token)
        click.echo(_line(ended))


async def _made(settings: Settings, name: str, grant: Grant, expires: datetime | None) -> tuple[Token, str]:
    async with _at_work(settings) as (workspace, tokens), _recorded(workspace, "token create", name, grant.scope):
        return tokens.make(name, grant, workspace.caller.name, expires)


async def _revoked(settings: Settings, name: str) -> Token:
    async with _at_work(settings) as (workspace, tokens), _recorded(workspace, "token revoke", name):
        return tokens.revoke(name)


@asynccontextmanager
async def _at_work(settings: Settings) -> AsyncGenerator[tuple[Workspace, Tokens]]:
    async with app.workspace(settings, patience=None) as workspace:
        with closing(Tokens(settings.state / TOKENS)) as tokens:
            yield workspace, tokens


def _recorded(workspace: Workspace, deed: str, name: str, scope: str = "") -> recorded:
    """Around the deed: it is on the audit trail before and after, or it does not happen."""
    caller = workspace.caller
    caller.require(Scope.ADMIN, deed)
    entry = Entry(
        deed,
        request_id=request_id(),
        caller=caller.name,
        scopes=tuple(sorted(caller.scopes)),
        effect=Effect.REPLACES,
        reason=f"{name[:80]} {scope}".strip(),
    )
    return recorded(entry, workspace.audit, writes=True)


def _grant(said: dict[str, str], settings: Settings) -> Grant:
    for name in (scopes := _names(said["scopes"])):
        _refuse_unknown("--scopes", name, Scope)
    for name in (registries := _names(said["registries"])):
        _refuse_unknown("--registries", name, [one.name for one in settings.connections])
    if not scopes:
        raise InvalidRequestError("--scopes names none", hint=nearest("", Scope))
    contexts = frozenset(map(parse_context, _names(said["contexts"])))
    highest = max(map(Scope, scopes), key=list(Scope).index)
    return Grant(highest, Reach(frozenset(registries), contexts, _names(said["subjects"])))


def _refuse_unknown(option: str, name: str, known: Iterable[str]) -> None:
    if name not in list(known):
        raise InvalidRequestError(f"{option}: there is no {name[:80]!r}", hint=nearest(name, known))


def _names(said: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for one in re.split(r"[,\s]+", said) if one))


def _until(said: str) -> datetime | None:
    if said == _NEVER:
        return None
    found = _SPAN.fullmatch(said)
    if found is None or int(found[1]) == 0:
        raise InvalidRequestError(f"--expires: {said[:40]!r} is no span of time", hint="Write 12h, 90d, 4w, or never.")
    return utc_now() + timedelta(**{_UNITS[found[2]]: int(found[1])})


def _told(one: Token) -> dict[str, Any]:
    reach = one.grant.reach
    narrowed = {
        "registries": sorted(reach.registries),
        "contexts": sorted(reach.contexts),
        "subjects": list(reach.subjects),
    }
    told = {"id": one.id, "name": one.name, "scope": one.grant.scope.value, **{k: v for k, v in narrowed.items() if v}}
    dates = {"made_at": one.made_at, "expires_at": one.expires_at, "revoked_at": one.revoked_at}
    return {**told, "made_by": one.made_by, **{name: at for name, at in dates.items() if at}, "state": _state(one)}


def _state(one: Token) -> str:
    if one.revoked_at:
        return "revoked"
    return "in use" if one.holds(stamp(utc_now())) else "expired"


def _line(one: Token) -> str:
    reach = one.grant.reach
    where = " ".join([*sorted(reach.registries), *sorted(reach.contexts), *reach.subjects]) or "everywhere"
    until = f"until {one.expires_at[:16]}Z" if one.expires_at else "for ever"
    return f"{one.id}  {one.name}  {one.grant.scope}  {where}  {until}  by {one.made_by}  {_state(one)}"
