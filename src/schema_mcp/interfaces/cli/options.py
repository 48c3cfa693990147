"""Settings as command-line options, and errors as the last words of a process; light, because `serve` uses it too."""

import json
import sys
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn

import click

from schema_mcp.domain.errors import SchemaMcpError, StoreError
from schema_mcp.domain.untrusted import spelled_out
from schema_mcp.settings import SETTINGS, Setting, Settings, load
from schema_mcp.toolkit.status import status_of

_KEPT = "schema_mcp.settings"


def options(settings: Iterable[Setting] = SETTINGS, *, hidden: bool = False) -> list[click.Parameter]:
    """One option for each setting, but for secrets."""
    return [
        click.Option(
            [setting.option, f"setting_{setting.name}"],
            is_flag=setting.is_flag,
            default=None,
            expose_value=False,
            callback=_keep,
            hidden=hidden,
            help=_help(setting),
        )
        for setting in settings
        if setting.option
    ]


def settings_of(context: click.Context, **also: Any) -> Settings:
    """The settings that the options before and behind the command make, with the environment and the defaults."""
    return load({**also, **context.meta.get(_KEPT, {})})


@contextmanager
def ending(*, as_json: bool = False) -> Generator[None]:
    """Turn an error into two lines on stderr, or into JSON on stdout, and an exit status."""
    try:
        yield
    except SchemaMcpError as error:
        end(error, as_json=as_json)
    except (OSError, UnicodeError) as error:
        # What our own files and folders answer; whatever a part of ours could name, it has named already.
        end(StoreError(str(error), hint="Check that the place exists and that you may use it."), as_json=as_json)


def end(error: SchemaMcpError, *, as_json: bool = False) -> NoReturn:
    """The last words of a process that failed."""
    if as_json:
        click.echo(spelled_out(json.dumps(described(error), ensure_ascii=False, default=str)))
    else:
        click.echo(spelled_out("\n".join(filter(None, (f"schema-mcp: {error}", error.hint)))), err=True)
    sys.exit(status_of(error))


def described(error: SchemaMcpError) -> Mapping[str, Any]:
    """An error as data."""
    said = {"code": error.code, "message": str(error), "hint": error.hint, "details": error.details}
    return {key: value for key, value in said.items() if value}


def _keep(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    if value is not None:
        context.meta.setdefault(_KEPT, {})[str(parameter.name).removeprefix("setting_")] = value


def _help(setting: Setting) -> str:
    places = f"Also {' or '.join(setting.variables)}. " if setting.variables else ""
    return f"{setting.meaning} {places}Default: {setting.default or 'none'}."
