"""Logs: JSON lines on stderr, each with its request, secrets masked; stdout belongs to the protocol."""

import json
import logging
import sys
from collections.abc import Iterable, MutableMapping
from functools import cached_property
from typing import Any

from schema_mcp.toolkit.request import REQUEST_ID

_MASK = "********"
_SHORTEST_SECRET = 4  # shorter ones would blot out ordinary words


def start(level: str, secrets: Iterable[str] = ()) -> None:
    """Log from this level on; whatever is secret is masked wherever it turns up.

    Libraries tell of warnings at most: below that they write down whole requests and answers.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(secrets))
    wanted = logging.getLevelNamesMapping()[level.upper()]
    logging.basicConfig(level=max(wanted, logging.WARNING), handlers=[handler], force=True)
    logging.getLogger("schema_mcp").setLevel(wanted)


class JsonLines(logging.Formatter):
    """One JSON object per record, written by structlog; what a record carries as `facts` are fields of their own.

    structlog is loaded with the first record: it costs a fifth of the time a server may take to start.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__()
        shown = {form for one in secrets if len(one) >= _SHORTEST_SECRET for form in (one, json.dumps(one)[1:-1])}
        self._secrets = sorted(shown, key=len, reverse=True)

    def format(self, record: logging.LogRecord) -> str:
        line = self._structured.format(record)
        for secret in self._secrets:
            line = line.replace(secret, _MASK)
        return line

    @cached_property
    def _structured(self) -> logging.Formatter:
        import structlog  # noqa: PLC0415 - see above

        return structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
            foreign_pre_chain=[
                _facts,
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.format_exc_info,
            ],
        )


def _facts(_: Any, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """What a record knows beside its words, and during which request it was written."""
    if served := REQUEST_ID.get():
        line["request_id"] = served
    line.update(getattr(line["_record"], "facts", {}))
    return line
