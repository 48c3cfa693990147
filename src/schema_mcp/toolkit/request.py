"""Which request is being served: it has one name, in its log lines, on the audit trail and in its answer."""

import secrets
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

REQUEST_ID: Final[ContextVar[str]] = ContextVar("request_id", default="")
"""The name of the request that is served here; empty where none is. Work that a request starts inherits it."""


def new_request_id() -> str:
    """A name that no request has had."""
    return secrets.token_hex(8)


def request_id() -> str:
    """The name of the request that is served here; a new one where none is."""
    return REQUEST_ID.get() or new_request_id()


@contextmanager
def serving(name: str = "") -> Generator[str]:
    """Around all that is done for one request; without a name it is part of the one around it, or a new one."""
    token = REQUEST_ID.set(name or request_id())
    try:
        yield REQUEST_ID.get()
    finally:
        REQUEST_ID.reset(token)
