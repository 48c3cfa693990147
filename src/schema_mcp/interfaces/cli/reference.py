"""`reference`: write the pages that are generated, or say which of them are not current; for those who work on us."""

import sys
from pathlib import Path

import click

from schema_mcp.identity.access import ACCESS_KEYS
from schema_mcp.registries.configuration import KEYS
from schema_mcp.registries.variables import VARIABLES
from schema_mcp.settings import SETTINGS
from schema_mcp.toolkit.reference import errors_page, settings_page, tools_page
from schema_mcp.tools import CATALOGUE


def pages() -> dict[str, str]:
    """Every generated page by its file name."""
    return {
        "tools.md": tools_page(CATALOGUE.values()),
        "settings.md": settings_page(SETTINGS, KEYS, ACCESS_KEYS, VARIABLES),
        "errors.md": errors_page(),
    }


@click.command(hidden=True)
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--check", is_flag=True, help="Write nothing; exit 1 where a page is not current.")
def reference(folder: Path, *, check: bool) -> None:
    """Write the generated reference pages into FOLDER."""
    stale = [name for name, text in pages().items() if _read(folder / name) != text]
    if check:
        click.echo("\n".join(f"{folder / name} is not current: run `make docs`" for name in stale), nl=bool(stale))
        sys.exit(1 if stale else 0)
    folder.mkdir(parents=True, exist_ok=True)
    for name in stale:
        (folder / name).write_text(pages()[name], encoding="utf-8")


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None
