"""How a call ended, as a process says it: the exit status a pipeline acts on."""

from enum import IntEnum

from schema_mcp.domain.errors import (
    ConfigurationError,
    IncompatibleError,
    InvalidRequestError,
    LockHeldError,
    NotPermittedError,
    SchemaMcpError,
    StalePlanError,
)


class Status(IntEnum):
    """The exit statuses of the command line."""

    DONE = 0
    """Nothing to do, or done."""

    ERROR = 1
    """Something went wrong."""

    USAGE = 2
    """The command, an argument or a setting does not make sense."""

    PENDING = 3
    """Changes are pending, or drift was found."""

    BLOCKED = 4
    """Policy, permission or compatibility stands against it."""

    LOCKED = 5
    """Somebody else holds the lock."""

    STALE = 6
    """The world moved since the plan was made."""


_STATUS: dict[type[SchemaMcpError], Status] = {
    InvalidRequestError: Status.USAGE,
    ConfigurationError: Status.USAGE,
    IncompatibleError: Status.BLOCKED,
    NotPermittedError: Status.BLOCKED,
    LockHeldError: Status.LOCKED,
    StalePlanError: Status.STALE,
}


def status_of(error: SchemaMcpError) -> Status:
    """The exit status of an error: that of the nearest class above it which has one."""
    return next((_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS), Status.ERROR)
