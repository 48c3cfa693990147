"""Logs: JSON lines on stderr, secrets masked; stdout belongs to the protocol."""

import logging
import sys
from collections.abc import Iterable
from functools import cached_property

_MASK = "********"
_SHORTEST_SECRET = 4  # shorter ones would blot out ordinary words


def start(level: str, secrets: Iterable[str] = ()) -> None:
    """Log from this level on; whatever is secret is masked wherever it turns up."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(secrets))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)


class JsonLines(logging.Formatter):
    """One JSON object per record, written by structlog.

    structlog is loaded with the first record: it costs a fifth of the time a server may take to start.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__()
        self._secrets = sorted({one for one in secrets if len(one) >= _SHORTEST_SECRET}, key=len, reverse=True)

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
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.format_exc_info,
            ],
        )
