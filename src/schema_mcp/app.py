"""Settings in, workspace out: the one place where all parts meet."""

import getpass
import logging
import os
import socket
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, closing
from itertools import chain, repeat
from pathlib import Path

import anyio
from anyio import to_thread
from anyio.abc import TaskGroup

from schema_mcp.domain.allocation import IdSource
from schema_mcp.domain.caller import Caller
from schema_mcp.domain.errors import SchemaMcpError, StoreError
from schema_mcp.registries.configuration import RemotePlace
from schema_mcp.registries.embedded.core import Core
from schema_mcp.registries.fleet import Fleet
from schema_mcp.registries.plugins import open_registry
from schema_mcp.services import recovery
from schema_mcp.services.digests import stored_digest
from schema_mcp.services.search import Index
from schema_mcp.settings import Settings
from schema_mcp.stores.approvals import Approvals
from schema_mcp.stores.audit import Audit
from schema_mcp.stores.clock import utc_now
from schema_mcp.stores.home import Home
from schema_mcp.stores.ids import BookLedger, PostgresLedger, SqliteLedger
from schema_mcp.stores.journal import Journal
from schema_mcp.stores.leases import Leases
from schema_mcp.stores.repository import Author, Repository
from schema_mcp.stores.schemastore import SchemaStore, Upstream
from schema_mcp.stores.sightings import Sightings
from schema_mcp.stores.signing import Form
from schema_mcp.stores.sqlite import private_folder
from schema_mcp.toolkit.listing import Listing
from schema_mcp.toolkit.surface import Choice, listings
from schema_mcp.toolkit.workspace import Workspace
from schema_mcp.tools import CATALOGUE

_PATIENCE = 2.0
"""Seconds that a call waits for its own long work before it answers with a task."""

_CLOSING_SECONDS = 5
_RECOVERY_PAUSES = (2, 5, 10, 30, 60)
"""Seconds between attempts to put in order what a crash left."""

_log = logging.getLogger(__name__)


@asynccontextmanager
async def workspace(settings: Settings, *, patience: float | None = _PATIENCE) -> AsyncGenerator[Workspace]:
    """Open everything that tools may touch, and close it at the end.

    Raises a `SchemaMcpError` where that is impossible. With `patience` None every call waits for the end of its work,
    as a command line must, whose process ends with the call.
    """
    shown = directory(settings)
    async with AsyncExitStack() as opened:
        state, home = await to_thread.run_sync(_places, settings)
        fleet = Fleet(
            settings.connections,
            default=settings.default,
            opener=open_registry,
            read_only=settings.read_only,
            copies=state / "cache",
            bounds=settings.access.bounds if settings.access else None,
        )
        opened.push_async_callback(_close, fleet)
        audit = opened.enter_context(closing(Audit(state / "audit")))
        ledger, leases = _ledger(settings, state)
        opened.enter_context(closing(ledger))
        journal = opened.enter_context(closing(Journal(state / "journal", leases=leases)))
        background = await opened.enter_async_context(_background())
        opened_one = Workspace(
            fleet=fleet,
            store=SchemaStore(
                home,
                stored_digest,
                upstream=await to_thread.run_sync(_upstream, settings.remote, home),
                passwords=settings.passwords,
            ),
            ledger=ledger,
            journal=journal,
            audit=audit,
            ids=settings.ids,
            state=state,
            exports=settings.exports,
            clock=utc_now,
            caller=_owner(settings, home),
            index=Index(utc_now),
            approvals=opened.enter_context(closing(Approvals(state))),
            sightings=opened.enter_context(closing(Sightings(state))),
            background=None if patience is None else background,
            patience=patience,
            read_only=settings.read_only,
            notes=settings.notes,
            listings=shown,
        )
        if patience is not None:
            _warn_of_ledgers(settings)
        if patience is not None and not settings.read_only:
            background.start_soon(_put_in_order, opened_one)
        yield opened_one


async def _put_in_order(workspace: Workspace) -> None:
    """What a crash left, beside the first calls of a server; what cannot be done yet is tried again."""
    told = workspace.recovery
    told.under_way = True
    for pause in chain(_RECOVERY_PAUSES, repeat(_RECOVERY_PAUSES[-1])):
        try:
            await recovery.settle(workspace.ground, workspace.signature("recovery"))
        except SchemaMcpError as error:
            _log.warning("recovery has to wait: %s", error)
            told.problem = str(error)
            await anyio.sleep(pause)
        else:
            break
    told.under_way, told.problem = False, ""


def _ledger(settings: Settings, state: Path) -> tuple[BookLedger, Leases | None]:
    """The ledger of this machine, or the one that servers share, with their turns."""
    if settings.database_url:
        shared = PostgresLedger(settings.database_url.get_secret_value(), ids=settings.id_range)
        return shared, shared.leases
    return SqliteLedger(state / "ids.sqlite", ids=settings.id_range), None


def _warn_of_ledgers(settings: Settings) -> None:
    if settings.remote and settings.ids is IdSource.LEDGER and not settings.database_url:
        _log.warning(
            "the store has a remote, and the ledger of ids is this machine's own: servers that share a store should "
            "share a ledger (DATABASE_URL); until then each takes its ids in stretches, and clashes are numbered anew"
        )


def directory(settings: Settings) -> dict[str, Listing]:
    """All tools, switched on or off; raises `ConfigurationError` where a setting names one that does not exist."""
    choice = Choice(settings.toolsets, settings.tools, settings.exclude_tools, settings.read_only)
    return listings(CATALOGUE, choice)


@asynccontextmanager
async def _background() -> AsyncGenerator[TaskGroup]:
    """Where long work goes on; it ends with the workspace, and an error of the workspace's user stays what it is."""
    failed: Exception | None = None
    async with anyio.create_task_group() as tasks:
        try:
            yield tasks
        except Exception as error:  # noqa: BLE001 - a task group would wrap it
            failed = error
        tasks.cancel_scope.cancel()
    if failed:
        raise failed


@asynccontextmanager
async def cores(workspace: Workspace) -> AsyncGenerator[dict[str, Core]]:
    """The embedded registries themselves, for their REST face; whoever uses them asks the gate first."""
    found: dict[str, Core] = {}
    async with AsyncExitStack() as opened:
        for name, connection in workspace.fleet.connections.items():
            if connection.backend != "embedded":
                continue
            registry = open_registry(connection)
            opened.push_async_callback(registry.close)
            core = getattr(registry, "core", None)
            if isinstance(core, Core):
                found[name] = core
        yield found


async def _close(fleet: Fleet) -> None:
    with anyio.move_on_after(_CLOSING_SECONDS, shield=True):
        await fleet.close()


def _places(settings: Settings) -> tuple[Path, Home]:
    """The state folder, and the store where it is or will be."""
    try:
        _make_state(settings.state)
        own = settings.store.is_relative_to(settings.state)
        is_ours = own or (not settings.read_only and _is_empty(settings.store))
        # A copy of an upstream for ourselves needs no files, and an upstream may have some that we would not write.
        bare = own and settings.remote is not None
        home = Home(settings.store, bare=bare) if is_ours else Home.of(Repository.open(settings.store))
    except OSError as error:
        raise StoreError(f"{error.filename} cannot be used: {error.strerror}", hint="Choose another folder.") from error
    if settings.signing:
        form = settings.signing.form
        home.sign(None if form == "none" else Form(form), settings.signing.key)
    return settings.state, home


def _upstream(remote: RemotePlace | None, home: Home) -> Upstream | None:
    if remote is None:
        return None
    from schema_mcp.stores.remote import Remote  # noqa: PLC0415 - GitPython is slow to load, and few stores need it

    repository = home.make()
    return Remote(repository.path, remote.url, remote.branch or repository.branch)


def _make_state(folder: Path) -> None:
    private_folder(folder)
    ignore = folder / ".gitignore"  # the folder may stand in somebody's repository, and is none of its business
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")


def _is_empty(folder: Path) -> bool:
    return not folder.exists() or not any(folder.iterdir())


def _owner(settings: Settings, home: Home) -> Caller:
    """Whoever runs the process, by the name that Git knows."""
    author = _named_by(os.environ) or home.user or _system_user()
    return Caller(author.name, author.email, settings.scopes)


def _named_by(environ: Mapping[str, str]) -> Author | None:
    name, email = (environ.get(f"GIT_AUTHOR_{what}", "") for what in ("NAME", "EMAIL"))
    return Author(name, email) if name and email else None


def _system_user() -> Author:
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a container may run under a number that nobody named
        user = "unknown"
    return Author(user, f"{user}@{socket.gethostname()}")
