"""Which request is being served: it has one name, in its log lines, on the audit trail and in its answer."""

import secrets
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


class serving:  # noqa: N801 - reads as `with serving() as request`, and costs a third of a generator
    """Around all that is done for one request; without a name it is part of the one around it, or a new one."""

    def __init__(self, name: str = "") -> None:
        self._name = name

    def __enter__(self) -> str:
        name = self._name or request_id()
        self._token = REQUEST_ID.set(name)
        return name

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        REQUEST_ID.reset(self._token)
