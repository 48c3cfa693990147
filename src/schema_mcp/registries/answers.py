"""A registry's error codes, turned into our errors once for every backend.

Codes and meanings: Confluent's error table (status = first three digits); 409 and 40901 are one condition.
"""

from schema_mcp.domain.errors import (
    ConflictError,
    IncompatibleError,
    InvalidRequestError,
    InvalidSchemaError,
    NotFoundError,
    ReadOnlyError,
    RegistryError,
    SchemaMcpError,
)

MISSING = frozenset({40401, 40402, 40403})
HIDDEN = 40406
"""A soft-deleted version, where deleted ones were not asked for; Confluent says 40402."""
UNSET = frozenset({40408, 40409})

_ERRORS: dict[int, type[SchemaMcpError]] = {
    409: IncompatibleError,
    40901: IncompatibleError,
    40401: NotFoundError,
    40402: NotFoundError,
    40403: NotFoundError,
    42201: InvalidSchemaError,
    42202: InvalidRequestError,
    42203: InvalidRequestError,
    42204: InvalidRequestError,
    42206: ConflictError,
    42208: InvalidRequestError,
    42209: InvalidSchemaError,
    42210: InvalidRequestError,
    42211: ConflictError,
}

_HINTS: dict[int, str] = {
    40405: "Soft-delete it first; a permanent delete comes second.",
    40407: "Soft-delete it first; a permanent delete comes second.",
    42205: "The registry's mode does not allow this here: look at the mode of the subject and of its context.",
    42206: "Other schemas reference it; delete or change those first.",
    42209: "Split the schema, or move shared parts into references.",
}

_SERVER_ERROR = 500
_OWN_FAULT = "The registry failed by itself: try again, and look at its log if it stays so."


def refusal(registry: str, status: int, error_code: int, message: str) -> SchemaMcpError:
    """The error that one refused request means; the registry's own words and code are kept.

    Registry text is somebody else's: it is cut to 2,000 characters here and never interpreted.
    """
    kind = _ERRORS.get(error_code, RegistryError)
    if error_code == 42205 and "readonly mode" in message.lower().replace("-", ""):  # noqa: PLR2004 - the table's own code
        kind = ReadOnlyError
    return kind(
        f"{registry}: {message[:2_000]}",
        hint=_HINTS.get(error_code, _OWN_FAULT if status >= _SERVER_ERROR else ""),
        details={"registry": registry, "status": status, "error_code": error_code},
    )
