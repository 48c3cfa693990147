"""In whose name registries are asked: known where a call begins, told where `caller_header` names a header for it.

A name is told, never what proved it: no token of a caller goes any further.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final
from urllib.parse import quote

_CALLER: Final[ContextVar[str]] = ContextVar("caller", default="")
_PLAIN = " !#$&'()*+,/:;=?@[]"
_LONGEST = 200


@contextmanager
def called_by(name: str) -> Generator[None]:
    """Around a call: what is asked for it, now or by work that it starts, is asked in this name."""
    token = _CALLER.set(name)
    try:
        yield
    finally:
        _CALLER.reset(token)


def telling(header: str) -> Mapping[str, str]:
    """The header that tells who calls; none where nobody is known, as for what the server does by itself."""
    caller = _CALLER.get() if header else ""
    # What no header can hold is percent-encoded, and with it whatever could end the line.
    return {header: quote(caller[:_LONGEST], safe=_PLAIN)} if caller else {}
