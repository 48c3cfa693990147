"""What one HTTP reply means: its JSON, or an error with the registry's own words."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import urlsplit

from schema_mcp.domain.errors import RegistryError, SchemaMcpError
from schema_mcp.registries import answers

_SHOWN = 200
_LONE_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")

_HINTS: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: "Check `auth` of this registry: it does not accept these credentials.",
    HTTPStatus.FORBIDDEN: "These credentials may not do this: ask for the role, or use others.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The registry takes no request of this size: split the schema.",
    HTTPStatus.TOO_MANY_REQUESTS: "Try again later, or set lower `limits` for this registry.",
}
_OTHERWISE = "Check that `url` is the address of a schema registry, and that it is up."


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as it came, already whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes | bytearray

    @property
    def retry_after(self) -> float | None:
        """Seconds the registry asks us to wait, where it says so in seconds."""
        told = self.headers.get("retry-after", "")
        return float(told) if told.isdecimal() and len(told) < 10 else None  # noqa: PLR2004 - 30 years are enough


class Replies:
    """Reads the replies of one registry; `hide` are texts that must never be shown."""

    def __init__(self, registry: str, hide: Iterable[str] = ()) -> None:
        self._registry = registry
        self._hide = sorted(hide, key=len, reverse=True)

    def read(self, reply: Reply, *, may_be_empty: bool = False) -> Any:
        """The JSON of a good reply, or None for an empty one where that can be; everything else is raised."""
        if HTTPStatus(200) <= reply.status < HTTPStatus(300):
            return None if may_be_empty and not reply.body else self._json(reply)
        if HTTPStatus(300) <= reply.status < HTTPStatus(400):
            raise self._redirected(reply)
        raise self._refused(reply)

    def nonsense(self, what: str, *, status: int, body: bytes | bytearray | str = b"") -> RegistryError:
        """The error for an answer that makes no sense; shows its beginning and says what to look at."""
        shown = f": {self.excerpt(body)}" if body else ""
        return RegistryError(
            f"{self._registry} answered {status} {what}{shown}",
            hint=_HINTS.get(status, _OTHERWISE),
            details={"registry": self._registry, "status": status},
        )

    def excerpt(self, body: bytes | bytearray | str) -> str:
        """The first printable characters of an answer, secrets struck out."""
        text = body if isinstance(body, str) else body[: 20 * _SHOWN].decode("utf-8", "replace")
        words = " ".join(self.hidden(text).split())
        return "".join(char for char in words if char.isprintable())[:_SHOWN]

    def hidden(self, text: str) -> str:
        """A text without our secrets, should somebody have sent them back to us."""
        for secret in self._hide:
            text = text.replace(secret, "***")
        return text

    def _json(self, reply: Reply) -> Any:
        try:
            answer: Any = json.loads(reply.body)
            if _LONE_SURROGATE.search(reply.body):
                json.dumps(answer, ensure_ascii=False).encode()
        except (ValueError, RecursionError) as error:
            raise self.nonsense("with something that is not JSON", status=reply.status, body=reply.body) from error
        return answer

    def _redirected(self, reply: Reply) -> RegistryError:
        wanted = urlsplit(self.hidden(reply.headers.get("location", "")))
        there = f"{wanted.scheme}://{wanted.hostname}" if wanted.hostname else "another path"
        return RegistryError(
            f"{self._registry} answered {reply.status}: it sends us to {there[:_SHOWN]}",
            hint="Redirects are not followed, so that credentials stay here: put the final address into `url`.",
            details={"registry": self._registry, "status": reply.status},
        )

    def _refused(self, reply: Reply) -> SchemaMcpError:
        try:
            told: object = json.loads(reply.body)
        except (ValueError, RecursionError):
            told = None
        if not isinstance(told, dict):
            return self.nonsense(
                "with something that is not an error of a registry", status=reply.status, body=reply.body
            )
        message, error_code = _told(cast("Mapping[str, object]", told), reply.status)
        refusal = answers.refusal(self._registry, reply.status, error_code, self.hidden(message))
        refusal.hint = refusal.hint or _HINTS.get(reply.status, "")
        return refusal


def _told(body: Mapping[str, object], status: int) -> tuple[str, int]:
    """Message and code of an error body; a missing code, or Apicurio's 0, is the status alone."""
    message, code = body.get("message"), body.get("error_code")
    known = code if isinstance(code, int) and not isinstance(code, bool) and code else status
    return str(message) if message else f"answered {status} without a message", known
