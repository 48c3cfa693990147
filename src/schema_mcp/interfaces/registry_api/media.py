"""Media types: what a request may bring, and which one its answer has.

As recorded: a missing type is taken for JSON, octets too; an answer the client cannot take is 406.
"""

from schema_mcp.registries.embedded.refusals import Refusal

JSON_TYPES = (
    "application/vnd.schemaregistry.v1+json",
    "application/vnd.schemaregistry+json",
    "application/json",
)
_TAKEN = (*JSON_TYPES, "application/octet-stream")


def check_content_type(header: str | None) -> None:
    """Refuse a body of another type with 415, a type that is none with 400."""
    if header is None:
        return
    kind = _bare(header)
    if "/" not in kind:
        raise Refusal(400, "Bad Request")
    if kind not in _TAKEN:
        raise Refusal(415, "HTTP 415 Unsupported Media Type")


def answer_type(accept: str | None) -> str:
    """The type the client likes best of those we have; 406 where it takes none of them."""
    if not accept:
        return JSON_TYPES[0]
    wishes = [(_quality(wish), _bare(wish)) for wish in accept.split(",")]
    best = max(
        ((quality, -index) for quality, wish in wishes for index, ours in enumerate(JSON_TYPES) if _fits(ours, wish)),
        default=(0.0, 0),
    )
    if best[0] <= 0:
        raise Refusal(406, "HTTP 406 Not Acceptable")
    return JSON_TYPES[-best[1]]


def _bare(header: str) -> str:
    return header.partition(";")[0].strip().lower()


def _quality(wish: str) -> float:
    for parameter in wish.split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


def _fits(ours: str, wish: str) -> bool:
    return wish in (ours, "*/*", "application/*")
