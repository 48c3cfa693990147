"""Every setting: its name, where it is looked for, its default and its meaning; read once, handed down as values."""

import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import SecretStr

from schema_mcp.domain.allocation import IdRange, IdSource
from schema_mcp.domain.caller import Scope, with_implied
from schema_mcp.domain.errors import ConfigurationError
from schema_mcp.registries import variables
from schema_mcp.registries.configuration import Configuration, RemotePlace, Signing, configuration
from schema_mcp.registries.contract import NO_SECRET, Connection
from schema_mcp.registries.document import nearest, value_of
from schema_mcp.registries.variables import truth_at

if TYPE_CHECKING:
    from schema_mcp.identity.policy import Access

CONFIG_FILE = "registries.yaml"
ACCESS_FILE = "access.yaml"
STATE_FOLDER = ".schema-mcp"
STORE_FOLDER = "SCHEMASTORE"
_LAST_PORT = 65_535
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?")
_LONGEST_RATE = 9
LOG_LEVELS = ("debug", "info", "warning", "error")


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: `--name`, the environment variables that say the same, and what holds without either."""

    name: str
    variables: tuple[str, ...]
    default: str
    meaning: str
    is_flag: bool = False
    serves: bool = False
    secret: bool = False
    """Said by a variable alone: everybody on the machine can read the options of a process."""

    @property
    def option(self) -> str:
        """Its name on the command line; empty where only a variable can say it."""
        return "" if self.secret else f"--{self.name.replace('_', '-')}"


SETTINGS = (
    Setting(
        "config",
        ("SCHEMA_MCP_CONFIG",),
        "`registries.yaml` of the working directory",
        "The file that names the registries.",
    ),
    Setting(
        "store",
        ("SCHEMA_MCP_STORE", "GIT_REPO_PATH"),
        "the working directory's repository where it has a `SCHEMASTORE` or the configuration, "
        "else `store` in the state folder",
        "The Git repository that keeps the schemas.",
    ),
    Setting(
        "state",
        ("SCHEMA_MCP_STATE",),
        "`.schema-mcp` beside the configuration, else in the store; with neither, the user's data folder",
        "The folder for ledger, audit, journals and embedded registries.",
    ),
    Setting(
        "database_url",
        ("DATABASE_URL",),
        "",
        "The PostgreSQL that keeps the ledger of ids for several servers, as postgresql://user:password@host/database; "
        "without it the ledger is a file in the state folder. DATABASE_URL_FILE names a file that says it.",
        secret=True,
    ),
    Setting(
        "access",
        ("SCHEMA_MCP_ACCESS",),
        "`access.yaml` beside the configuration",
        "The file that says who may come in over HTTP, what is granted to whom, and what is limited for everybody.",
    ),
    Setting("exports", ("SCHEMA_MCP_EXPORTS",), "`exports` in the state folder", "The only folder exports go to."),
    Setting(
        "read_only",
        ("SCHEMA_MCP_READ_ONLY", "READONLY"),
        "false",
        "Write nowhere, whatever else is set.",
        is_flag=True,
    ),
    Setting("scopes", ("SCHEMA_MCP_SCOPES",), "admin", "What the process owner may do: `read`, `write`, `admin`."),
    Setting(
        "toolsets",
        ("SCHEMA_MCP_TOOLSETS",),
        "core",
        "Which tools an assistant sees: `core`, `all`, `none`, or names of toolsets, separated by commas.",
    ),
    Setting("tools", ("SCHEMA_MCP_TOOLS",), "", "Tools to show beside the toolsets, by name."),
    Setting("exclude_tools", ("SCHEMA_MCP_EXCLUDE_TOOLS",), "", "Tools to switch off, whatever else names them."),
    Setting("http", (), "false", "Serve HTTP instead of stdin and stdout.", is_flag=True, serves=True),
    Setting("host", ("SCHEMA_MCP_HOST",), "127.0.0.1", "The address to listen on.", serves=True),
    Setting("port", ("SCHEMA_MCP_PORT",), "8000", "The port to listen on; 0 takes a free one.", serves=True),
    Setting(
        "open_metrics",
        ("SCHEMA_MCP_OPEN_METRICS",),
        "false",
        "Answer `/metrics`, and the details of `/health`, to callers from other machines, too.",
        is_flag=True,
        serves=True,
    ),
    Setting(
        "rate_limit",
        ("SCHEMA_MCP_RATE_LIMIT",),
        "1200",
        "How many calls a minute each caller may make who signed in; 0 for any number.",
        serves=True,
    ),
    Setting(
        "origins",
        ("SCHEMA_MCP_ORIGINS",),
        "",
        "Whose web pages may call from a browser (CORS), as https://tools.example.com, separated by commas.",
        serves=True,
    ),
    Setting("log", ("SCHEMA_MCP_LOG",), "warning", "How much to log to stderr: debug, info, warning, error."),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the process was told, checked."""

    connections: tuple[Connection, ...]
    default: str
    ids: IdSource
    store: Path
    state: Path
    exports: Path
    config: Path | None = None
    access: "Access | None" = None
    id_range: IdRange | None = None
    remote: RemotePlace | None = None
    signing: Signing | None = None
    database_url: SecretStr = NO_SECRET
    read_only: bool = False
    scopes: frozenset[Scope] = Scope.ADMIN.implied
    toolsets: tuple[str, ...] = ("core",)
    tools: tuple[str, ...] = ()
    exclude_tools: tuple[str, ...] = ()
    http: bool = False
    host: str = "127.0.0.1"
    port: int = 8000
    open_metrics: bool = False
    rate_limit: int = 1_200
    origins: tuple[str, ...] = ()
    log: str = "warning"
    notes: tuple[str, ...] = ()

    @property
    def names_tools(self) -> bool:
        """Whether a setting speaks of tools or toolsets."""
        return bool(self.tools or self.exclude_tools or self.toolsets != ("core",))

    @property
    def secrets(self) -> frozenset[str]:
        """Everything that must never be shown."""
        headers = {value for connection in self.connections for value in connection.auth.header_texts.values()}
        return self.passwords | headers - {""}

    @property
    def passwords(self) -> frozenset[str]:
        """What proves to others who we are; headers may hold such things too, or anything else."""
        signs = [connection.auth for connection in self.connections]
        kept = {secret for auth in signs for secret in (auth.password, auth.token, auth.client_secret)}
        kept |= {self.remote.secret} if self.remote else set()
        kept |= self.access.secrets if self.access else frozenset()
        told = {secret.get_secret_value() for secret in kept} | _secrets_of(self.database_url.get_secret_value())
        return frozenset(told) - {""}


def load(
    options: Mapping[str, Any] | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Settings:
    """The settings that options, environment and files make; an option beats a variable, a variable a default.

    Raises `ConfigurationError` for whatever is wrong.
    """
    environ = os.environ if environ is None else environ
    folder = folder or Path.cwd()
    given = _Given(options or {}, environ)
    config = _config(given.text("config"), folder)
    registries = _registries(config, environ)
    places = _places(given, config, folder, environ)
    connections = tuple(_placed(one, places.state) for one in registries.connections) or (_local(places.state),)
    _refuse_shared_files(connections)
    return Settings(
        connections=connections,
        default=registries.default or connections[0].name,
        ids=registries.ids or _id_source(connections),
        store=places.store,
        state=places.state,
        exports=places.exports,
        config=config,
        access=_access(given.text("access"), config, folder, environ, connections),
        id_range=registries.id_range,
        remote=registries.remote,
        signing=registries.signing,
        database_url=_database(given.text("database_url")),
        read_only=given.any_true("read_only"),
        scopes=_scopes(given.names("scopes")),
        toolsets=given.names("toolsets") or ("core",),
        tools=given.names("tools"),
        exclude_tools=given.names("exclude_tools"),
        http=given.any_true("http"),
        host=given.text("host") or "127.0.0.1",
        port=_port(given.text("port") or "8000"),
        open_metrics=given.any_true("open_metrics"),
        rate_limit=_rate(given.text("rate_limit") or "1200"),
        origins=_origins(given.names("origins")),
        log=_log(given.text("log") or "warning"),
        notes=() if registries.connections else (_nothing_configured(places.state),),
    )


class _Given:
    """What options and environment say, by the name of the setting."""

    def __init__(self, options: Mapping[str, Any], environ: Mapping[str, str]) -> None:
        self._options = options
        self._environ = environ
        self._settings = {setting.name: setting for setting in SETTINGS}

    def text(self, name: str) -> str:
        return next((said for _, said in self._said(name) if said), "")

    def names(self, name: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(one for one in re.split(r"[,\s]+", self.text(name)) if one))

    def any_true(self, name: str) -> bool:
        """Whether any of the places says yes: for a guard, the strictest voice counts."""
        return any(truth_at(where, said) for where, said in self._said(name) if said)

    def _said(self, name: str) -> Iterator[tuple[str, str]]:
        setting = self._settings[name]
        yield setting.option, str(self._options.get(name) or "")
        for variable in setting.variables:
            yield variable, value_of(self._environ, variable) if setting.secret else self._environ.get(variable, "")


# --- registries ------------------------------------------------------------------------------------------------------


def _config(wanted: str, folder: Path) -> Path | None:
    if wanted:
        return folder / Path(wanted).expanduser()
    usual = folder / CONFIG_FILE
    return usual if usual.is_file() else None


def _registries(config: Path | None, environ: Mapping[str, str]) -> Configuration:
    """The registries of the file; without one, those of the older variables; perhaps none."""
    if config:
        return configuration(config, environ)
    connections = variables.connections(environ)
    return Configuration(connections, default=connections[0].name if connections else "")


def _access(
    wanted: str, config: Path | None, folder: Path, environ: Mapping[str, str], connections: tuple[Connection, ...]
) -> "Access | None":
    """Who may do what; without such a file its owner does as `--scopes` says, and nobody else comes in."""
    path = folder / Path(wanted).expanduser() if wanted else (config.parent if config else folder) / ACCESS_FILE
    if not wanted and not path.is_file():
        return None
    from schema_mcp.identity.access import access  # noqa: PLC0415 - most servers have none, and start sooner

    return access(path, environ, [one.name for one in connections])


def _local(state: Path) -> Connection:
    return _placed(Connection("local"), state)


def _placed(connection: Connection, state: Path) -> Connection:
    """An embedded registry without a path lives in the state folder."""
    if connection.backend != "embedded" or connection.path:
        return connection
    return replace(connection, path=state / f"{connection.name}.sqlite")


def _refuse_shared_files(connections: tuple[Connection, ...]) -> None:
    """Two names for one file would let a write past the guard of either."""
    owner: dict[str, str] = {}
    for connection in connections:
        if connection.path is None:
            continue
        other = owner.setdefault(str(connection.path.resolve()).casefold(), connection.name)
        if other != connection.name:
            raise ConfigurationError(
                f"{other} and {connection.name} share the file {connection.path}", hint="Give each its own `path`."
            )


def _id_source(connections: tuple[Connection, ...]) -> IdSource:
    writable = [connection for connection in connections if not connection.readonly]
    return IdSource.LEDGER if len(writable) > 1 else IdSource.REGISTRY


def _nothing_configured(state: Path) -> str:
    return (
        f"Nothing is configured: this is the embedded registry `local` in {state}. "
        "`schema-mcp init` sets up registries and a store of your own."
    )


# --- places ----------------------------------------------------------------------------------------------------------


_PLACES = ("store", "state", "exports")


@dataclass(frozen=True, slots=True)
class _Places:
    store: Path
    state: Path
    exports: Path


def _places(given: _Given, config: Path | None, folder: Path, environ: Mapping[str, str]) -> _Places:
    """Where everything is kept: said, else found around the working directory, else in the user's data folder."""
    said = {name: folder / Path(text).expanduser() for name in _PLACES if (text := given.text(name))}
    store = said.get("store") or _repository(folder, config)
    beside = config.parent if config else store
    state = said.get("state") or (beside / STATE_FOLDER if beside else _data_folder(environ))
    return _Places(store=store or state / "store", state=state, exports=said.get("exports") or state / "exports")


def _repository(folder: Path, config: Path | None) -> Path | None:
    """The repository around the working directory, where it has a store or the configuration."""
    root = next((one for one in (folder, *folder.parents) if _is_repository(one)), None)
    if root is None:
        return None
    has_store = (root / STORE_FOLDER).is_dir() or (folder / STORE_FOLDER).is_dir()
    return root if has_store or (config and config.is_relative_to(root)) else None


def _is_repository(folder: Path) -> bool:
    bare = (folder / "HEAD").is_file() and (folder / "objects").is_dir() and (folder / "refs").is_dir()
    return bare or (folder / ".git").exists()


def _data_folder(environ: Mapping[str, str]) -> Path:
    """The folder where this platform keeps the data of a user's programs."""
    for variable in ("XDG_DATA_HOME", "LOCALAPPDATA", "APPDATA"):
        if said := environ.get(variable):
            return Path(said) / "schema-mcp"
    home = Path(environ["HOME"]) if environ.get("HOME") else Path.home()
    usual = home / "Library" / "Application Support" if sys.platform == "darwin" else home / ".local" / "share"
    return usual / "schema-mcp"


# --- the rest --------------------------------------------------------------------------------------------------------


def _scopes(names: tuple[str, ...]) -> frozenset[Scope]:
    for name in names:
        if name not in set(Scope):
            raise ConfigurationError(f"--scopes: unknown scope {name[:40]!r}", hint=nearest(name, Scope))
    return with_implied(Scope(name) for name in names) if names else Scope.ADMIN.implied


def _database(said: str) -> SecretStr:
    """The address of a PostgreSQL; what else is wrong with it, the first question to it tells."""
    try:
        known = not said or urlsplit(said).scheme in ("postgresql", "postgres")
    except ValueError:
        known = False
    if not known:
        raise ConfigurationError(
            "DATABASE_URL is not the address of a PostgreSQL",
            hint="Write postgresql://user:password@host:5432/database, or unset it: the ledger is a file then.",
        )
    return SecretStr(said)


def _secrets_of(url: str) -> set[str]:
    parts = urlsplit(url)
    asked = {value for name, value in parse_qsl(parts.query) if "password" in name}
    password = parts.password or ""
    return {url, password, unquote(password), *asked}


def _port(said: str) -> int:
    if not said.isdecimal() or int(said) > _LAST_PORT:
        raise ConfigurationError(f"--port is not a number from 0 to {_LAST_PORT}", hint="8000 is the usual one.")
    return int(said)


def _rate(said: str) -> int:
    if not said.isascii() or not said.isdecimal() or len(said) > _LONGEST_RATE:
        raise ConfigurationError(
            f"--rate-limit is not a number of calls: {said[:40]!r}", hint="Write 1200, or 0 for any number."
        )
    return int(said)


def _origins(said: tuple[str, ...]) -> tuple[str, ...]:
    """As browsers write them: no wildcard, no path, nothing that could never be sent."""
    for one in said:
        if not _ORIGIN.fullmatch(one):
            raise ConfigurationError(
                f"--origins: {one[:80]!r} is not an origin", hint="Write https://tools.example.com, with a port if any."
            )
    return said


def _log(said: str) -> str:
    if said.lower() not in LOG_LEVELS:
        raise ConfigurationError(f"--log: unknown level {said[:40]!r}", hint=nearest(said.lower(), LOG_LEVELS))
    return said.lower()
