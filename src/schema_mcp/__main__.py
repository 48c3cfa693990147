"""`schema-mcp`: starts one of the interfaces."""

import gc
import sys
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from schema_mcp.settings import Settings

COLLECTING = 20_000, 20, 20
"""When the collector looks for garbage: it costs a plan over 10,000 schemas half its time where it looks often."""


def main() -> None:
    """Run the command that was asked for."""
    gc.set_threshold(*COLLECTING)
    if sys.argv[1:2] == ["serve"]:
        # A client waits. Nothing that an import makes is garbage, and collecting costs a tenth of the start.
        gc.disable()
    import_module("schema_mcp.interfaces.cli.start").run(sys.argv[1:], _serve)


def _serve(settings: "Settings") -> None:
    serving = import_module("schema_mcp.serving")
    gc.freeze()
    gc.enable()
    serving.serve(settings)


if __name__ == "__main__":
    main()
