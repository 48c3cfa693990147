"""Everything that can go wrong, as one tree: a stable code, what happened, and what to do next.

SchemaMcpError
├── InvalidRequestError     the arguments do not make sense
├── NotFoundError           the thing you named is not there
├── InvalidSchemaError      the text is not a schema
├── IncompatibleError       a reader or writer would break
├── ConflictError           someone else changed it first
│   ├── StalePlanError      the world moved since the plan was made
│   └── MarkReachedError    ids beyond the mark in Git were asked for
├── LockHeldError           somebody else is writing; try again
├── NotPermittedError       the caller lacks a scope
│   ├── RateLimitedError    the caller asks too often
│   ├── ReadOnlyError       the registry, or the server, does not take writes
│   └── UnknownCallerError  we do not know who calls
│       └── IdentityAwayError   whoever could tell us does not answer
├── RegistryError           the registry said no, or did not answer
├── StoreError              Git or the files of the store said no
└── ConfigurationError      a setting is wrong; the process does not start
"""

from collections.abc import Mapping
from typing import Any, ClassVar


class SchemaMcpError(Exception):
    """Something a user can read and act on.

    `code` is stable and meant for machines, `str(error)` says what happened, `hint` what to do next, and
    `details` carries data that a program may want (a registry's own error code, the breaks, a plan).
    """

    code: ClassVar[str] = "error"

    def __init__(self, message: str, *, hint: str = "", details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.hint = hint
        self.details: dict[str, Any] = dict(details or {})


class InvalidRequestError(SchemaMcpError):
    """The arguments do not make sense."""

    code = "invalid_request"


class NotFoundError(SchemaMcpError):
    """The thing you named is not there."""

    code = "not_found"


class InvalidSchemaError(SchemaMcpError):
    """The text is not a schema."""

    code = "invalid_schema"


class IncompatibleError(SchemaMcpError):
    """A reader or writer would break."""

    code = "incompatible"


class ConflictError(SchemaMcpError):
    """Someone else changed it first, or the name is taken by other content."""

    code = "conflict"


class StalePlanError(ConflictError):
    """The world moved since the plan was made."""

    code = "stale_plan"


class MarkReachedError(ConflictError):
    """Ids beyond the high-water mark in Git were asked for; `details["mark"]` is the lowest mark that would do."""

    code = "mark_reached"


class LockHeldError(SchemaMcpError):
    """Somebody else is writing; nothing was changed."""

    code = "lock_held"


class NotPermittedError(SchemaMcpError):
    """The caller lacks a scope."""

    code = "not_permitted"


class RateLimitedError(NotPermittedError):
    """The caller asks too often; wait, then go on."""

    code = "rate_limited"


class ReadOnlyError(NotPermittedError):
    """The registry, or the whole server, does not take writes."""

    code = "read_only"


class UnknownCallerError(NotPermittedError):
    """Nobody we know calls: there is no token, or none that holds here."""

    code = "unknown_caller"


class IdentityAwayError(UnknownCallerError):
    """Whoever could tell us who calls does not answer; try again."""

    code = "identity_away"


class RegistryError(SchemaMcpError):
    """The registry said no, or did not answer.

    `details` holds `registry` and, where the registry gave them, `status` and `error_code`.
    """

    code = "registry_error"


class StoreError(SchemaMcpError):
    """Git, the ledger or the files of the store said no."""

    code = "store_error"


class ConfigurationError(SchemaMcpError):
    """A setting is wrong; the process does not start."""

    code = "configuration_error"
