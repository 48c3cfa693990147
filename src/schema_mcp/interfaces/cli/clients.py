"""How MCP clients are told of us: which file, and what stands in it."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, cast

from schema_mcp.domain import once
from schema_mcp.domain.errors import ConfigurationError

NAME = "schema-mcp"
CLIENTS = ("claude-desktop", "claude-code", "vscode", "cursor")


_Json: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """A client's file, and our entry in it."""

    path: Path
    section: str
    content: Mapping[str, Any]

    def written_into(self, text: str | None, *, force: bool) -> str:
        """The file with our entry put in; everything else in it stays."""
        document = self._document(text)
        servers = document.setdefault(self.section, {})
        if NAME in servers and servers[NAME] != self.content and not force:
            raise ConfigurationError(
                f"{self.path} has another entry {NAME!r}", hint="Pass --force to replace it, or edit it by hand."
            )
        servers[NAME] = dict(self.content)
        return json.dumps(document, indent=2, ensure_ascii=False) + "\n"

    def _document(self, text: str | None) -> dict[str, Any]:
        try:
            document: Any = once.parsed(text) if text and text.strip() else {}
        except ValueError as error:
            raise ConfigurationError(f"{self.path} is not JSON: {error}", hint="Mend it, or add us by hand.") from error
        if not isinstance(document, dict) or not isinstance(cast(_Json, document).get(self.section, {}), dict):
            raise ConfigurationError(f"{self.path} is not the file of an MCP client", hint="Add us by hand.")
        return cast(_Json, document)


def entry(client: str, folder: Path, home: Path) -> Entry:
    """What to write for a client; `folder` holds configuration and store."""
    command = {"command": str(_program()[0]), "args": [*_program()[1:], "serve", *_places(folder)]}
    match client:
        case "claude-desktop":
            return Entry(_desktop(home) / "claude_desktop_config.json", "mcpServers", command)
        case "vscode":
            return Entry(folder / ".vscode" / "mcp.json", "servers", {"type": "stdio", **command})
        case "cursor":
            return Entry(folder / ".cursor" / "mcp.json", "mcpServers", command)
        case _:
            return Entry(folder / ".mcp.json", "mcpServers", command)


def _places(folder: Path) -> list[str]:
    # A client starts us anywhere, and with little of the user's environment.
    return ["--config", str(folder / "registries.yaml"), "--store", str(folder)]


def _program() -> Sequence[str]:
    """How to start us from anywhere: clients have a short PATH."""
    beside = Path(sys.executable).with_name(f"{NAME}.exe" if sys.platform == "win32" else NAME)
    return [str(beside)] if beside.exists() else [sys.executable, "-m", "schema_mcp"]


def _desktop(home: Path) -> Path:
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "Claude"
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA", home)) / "Claude"
    return home / ".config" / "Claude"
