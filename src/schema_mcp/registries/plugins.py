"""Find a backend by its name; nobody imports one."""

from collections.abc import Callable
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from schema_mcp.domain.errors import ConfigurationError
from schema_mcp.registries.contract import Connection, Registry

GROUP = "schema_mcp.registries"


def open_registry(connection: Connection) -> Registry:
    """The registry that a connection describes; no request is sent yet."""
    return backend(connection.backend)(connection)


@cache
def backend(name: str) -> Callable[[Connection], Registry]:
    """What makes a registry of this backend; raises `ConfigurationError` that lists the known ones."""
    if name not in _installed():
        raise ConfigurationError(f"No backend named {name[:80]!r}", hint=f"Known: {', '.join(known())}.")
    try:
        return _installed()[name].load()
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(
            f"The backend {name!r} cannot be loaded: {error}",
            hint="Its package is installed, but something it needs is not.",
        ) from error


def known() -> list[str]:
    """The names of the installed backends, ours and those of other packages."""
    return sorted(_installed())


@cache
def _installed() -> dict[str, EntryPoint]:
    # Reading what is installed takes some 10 ms; it cannot change while we run.
    return {found.name: found for found in entry_points(group=GROUP)}
