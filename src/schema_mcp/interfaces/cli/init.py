"""`init`: a repository for the schemas, a `registries.yaml`, and the clients told of both."""

from collections.abc import Iterator
from pathlib import Path

import click

from schema_mcp.domain.errors import ConfigurationError, NotFoundError
from schema_mcp.interfaces.cli.clients import CLIENTS, entry
from schema_mcp.interfaces.cli.options import ending
from schema_mcp.registries.configuration import REGISTRY_NAME, address
from schema_mcp.stores.repository import Repository

_EMBEDDED = """\
# Registries by name; see `schema-mcp --help`. This one needs nothing: it lives in a file of its own.
default: {name}
registries:
  {name}: {{ backend: embedded }}
"""
_REMOTE = """\
# Registries by name; see `schema-mcp --help`. Secrets come from the environment: "${{SR_PASSWORD}}".
default: {name}
registries:
  {name}:
    backend: confluent
    url: {url}
    # auth: {{ type: basic, username: "${{SR_USER}}", password: "${{SR_PASSWORD}}" }}
    # readonly: true
"""


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=Path())
@click.option("--name", default="dev", show_default=True, help="Name of the first registry.")
@click.option("--url", default="", help="Its URL; without one it is embedded and needs nothing else.")
@click.option("--client", "clients", multiple=True, type=click.Choice(CLIENTS), help="Tell this client of us.")
@click.option("--force", is_flag=True, help="Replace what is there.")
def init(folder: Path, *, name: str, url: str, clients: tuple[str, ...], force: bool) -> None:
    """Set up FOLDER: a store in Git and a registries.yaml, and clients that know both."""
    with ending():
        folder = folder.resolve()
        files = {folder / "registries.yaml": _configuration(folder / "registries.yaml", name, url, force=force)}
        files |= dict(_clients(folder, clients, force=force))
        # Everything is decided; only now something is written.
        click.echo(f"store: {_repository(folder)}")
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            click.echo(f"wrote: {path}")
        click.echo(f"next: commit registries.yaml, then try `schema-mcp list-registries` in {folder}")


def _configuration(path: Path, name: str, url: str, *, force: bool) -> str:
    if path.exists() and not force:
        raise ConfigurationError(f"{path} is there already", hint="Pass --force to replace it.")
    if not REGISTRY_NAME.fullmatch(name):
        raise ConfigurationError(f"{name[:80]!r} cannot name a registry", hint="Use letters, digits, `-`, `_` and `.`.")
    if url and (wrong := address(url)):
        raise ConfigurationError(f"--url is not the URL of a registry: {wrong}", hint="Write https://sr.example.com.")
    return (_REMOTE if url else _EMBEDDED).format(name=name, url=url)


def _clients(folder: Path, clients: tuple[str, ...], *, force: bool) -> Iterator[tuple[Path, str]]:
    for client in clients:
        one = entry(client, folder, Path.home())
        text = one.path.read_text(encoding="utf-8") if one.path.exists() else None
        yield one.path, one.written_into(text, force=force)


def _repository(folder: Path) -> Path:
    """The repository around the folder, or a new one in it."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        return Repository.open(folder).path
    except NotFoundError:
        return Repository.create(folder).path
