"""`schema-mcp check --batch`: questions as JSON lines on standard input, answers as JSON lines, in order."""

import json
import sys
from typing import Any

import click

from schema_mcp.domain import once
from schema_mcp.services.batch import answer


def batch_option() -> click.Option:
    """The flag that turns a command into a stream; nothing else of the command is looked at."""
    return click.Option(
        ["--batch"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_stream,
        help="Answer JSON lines from standard input, one JSON line each; needs no registry.",
    )


def _stream(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if not wanted:
        return
    out = sys.stdout.buffer
    for line in sys.stdin.buffer:
        if line.strip():
            # ASCII: a schema may hold what some readers take for the end of a line, like U+2028.
            out.write(json.dumps(_answered(line)).encode("ascii") + b"\n")
            out.flush()
    context.exit(0)


def _answered(line: bytes) -> dict[str, Any]:
    try:
        question = once.parsed(line)
    except (ValueError, RecursionError) as error:
        return {"id": None, "error": f"invalid_request: not JSON: {error}"[:300]}
    return answer(question)
