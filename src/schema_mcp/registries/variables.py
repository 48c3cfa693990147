"""Registries as the environment variables of older servers name them, so that their users can move over."""

import re
from collections.abc import Iterator, Mapping

from pydantic import SecretStr

from schema_mcp.domain.errors import ConfigurationError
from schema_mcp.registries.configuration import address
from schema_mcp.registries.contract import Auth, Connection
from schema_mcp.registries.document import truth_of, value_of

VARIABLES = (
    ("SCHEMA_REGISTRY_URL", "URL of a registry, where there is no `registries.yaml`."),
    ("SCHEMA_REGISTRY_USER", "Its user."),
    ("SCHEMA_REGISTRY_PASSWORD", "Its password; or `SCHEMA_REGISTRY_PASSWORD_FILE`, a file that says it."),
    ("SCHEMA_REGISTRY_URL_1", "URL of the first of several registries; the other names below go with it."),
    ("SCHEMA_REGISTRY_NAME_1", "Its name; `registry-1` when left out."),
    ("SCHEMA_REGISTRY_USER_1", "Its user."),
    ("SCHEMA_REGISTRY_PASSWORD_1", "Its password; or `SCHEMA_REGISTRY_PASSWORD_1_FILE`."),
    ("READONLY_1", "Refuse every write to it."),
)


def connections(environ: Mapping[str, str]) -> tuple[Connection, ...]:
    """The registries that the variables name, perhaps none; raises `ConfigurationError` for whatever is wrong."""
    found = tuple(_named(environ))
    names = [connection.name for connection in found]
    if len(set(names)) < len(names):
        raise ConfigurationError("Two SCHEMA_REGISTRY_NAME_… say the same name", hint="Give each its own.")
    return found


def truth_at(where: str, said: str) -> bool:
    """What a variable or an option means as a yes or no."""
    meant = truth_of(said)
    if meant is None:
        raise ConfigurationError(f"{where} is neither true nor false", hint="Write true or false.")
    return meant


def _named(environ: Mapping[str, str]) -> Iterator[Connection]:
    """Registries as the variables of older servers name them: one without a number, any number of numbered ones."""
    if environ.get("SCHEMA_REGISTRY_URL"):
        yield _from_variables(environ, "", "default")
    numbers = (re.fullmatch(r"SCHEMA_REGISTRY_URL_(\d{1,4})", name) for name in environ)
    for number in sorted({int(found[1]) for found in numbers if found}):
        yield _from_variables(environ, f"_{number}", f"registry-{number}")


def _from_variables(environ: Mapping[str, str], suffix: str, usual_name: str) -> Connection:
    url = environ.get(f"SCHEMA_REGISTRY_URL{suffix}", "")
    if wrong := address(url):
        raise ConfigurationError(
            f"SCHEMA_REGISTRY_URL{suffix} is not the URL of a registry: {wrong}",
            hint=f"User and password go into SCHEMA_REGISTRY_USER{suffix} and SCHEMA_REGISTRY_PASSWORD{suffix}.",
        )
    user = environ.get(f"SCHEMA_REGISTRY_USER{suffix}", "")
    password = value_of(environ, f"SCHEMA_REGISTRY_PASSWORD{suffix}")
    readonly = environ.get(f"READONLY{suffix}", "") if suffix else ""
    return Connection(
        name=environ.get(f"SCHEMA_REGISTRY_NAME{suffix}", "") or usual_name,
        backend="confluent",
        urls=(url.rstrip("/"),),
        auth=Auth("basic", username=user, password=SecretStr(password)) if user else Auth(),
        readonly=truth_at(f"READONLY{suffix}", readonly) if readonly else False,
    )
