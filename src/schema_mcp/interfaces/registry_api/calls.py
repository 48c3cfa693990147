"""One request as the endpoints see it, and how its parameters are read."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Concatenate, ParamSpec, TypeVar

from schema_mcp.domain.naming import parse_subject
from schema_mcp.domain.schema import Json, Subject
from schema_mcp.interfaces.registry_api.paths import Query, context_prefix, is_qualified
from schema_mcp.registries.embedded.changes import Witness
from schema_mcp.registries.embedded.core import Core
from schema_mcp.registries.embedded.finding import Asked
from schema_mcp.registries.embedded.lists import Page
from schema_mcp.registries.embedded.refusals import Refusal
from schema_mcp.registries.embedded.session import Session

P = ParamSpec("P")
T = TypeVar("T")
_NUMBER = re.compile(r"[+-]?[0-9]{1,20}")
_INT = range(-(2**31), 2**31)


@dataclass(frozen=True, slots=True)
class Call:
    """The registry asked, the named parts of the path, the query, and the body where the endpoint takes one."""

    registry: str
    core: Core
    values: dict[str, str]
    query: Query
    body: Json = field(default_factory=dict[str, Any])
    witness: Witness | None = None

    @property
    def subject(self) -> Subject:
        return parse_subject(self.values["subject"])

    @property
    def places(self) -> tuple[Subject, ...]:
        """What the path names: a subject, a whole context, or nothing, which is the whole registry.

        An id belongs to all subjects of its context that carry it, so whoever asks by id asks about the context.
        """
        match self.values:
            case {"subject": wire}:
                return (parse_subject(wire),)
            case {"context": name}:
                return (Subject("", context_prefix(name)[1:-1]),)
            case {"id": _} if given := self.text("subject"):
                return (Subject("", parse_subject(given).context),)
            case _:
                return ()

    @property
    def asked(self) -> Asked:
        return Asked(self.subject, is_qualified(self.values["subject"]))

    @property
    def holder(self) -> Asked | None:
        """The subject that narrows a search by id, if one is named."""
        given = self.text("subject")
        return Asked(parse_subject(given), is_qualified(given)) if given else None

    @property
    def schema_id(self) -> int:
        return whole_number(self.values["id"])

    @property
    def page(self) -> Page:
        offset = whole_number(self.text("offset") or "0")
        if offset < 0:
            raise Refusal(422, "offset must not be negative")
        return Page(offset, whole_number(self.text("limit") or "-1"))

    async def read(self, ask: Callable[[Session], T]) -> T:
        """Answer a short question at once, and one that needs a schema parsed off the event loop."""
        return await self.core.ask(ask) if self.text("format") else self.core.read(ask)

    async def change(self, act: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Change the registry, with the request's witness."""
        return await self.core.witnessed(self.witness, lambda session: act(session, *args, **kwargs))

    def text(self, name: str) -> str:
        return self.query.get(name, [""])[0]

    def flag(self, name: str) -> bool:
        """`true` in any case; everything else is false."""
        return self.text(name).lower() == "true"


@dataclass(frozen=True, slots=True)
class Raw:
    """An answer that is a schema's own text."""

    text: str


@dataclass(frozen=True)
class Endpoint:
    """A method and a path, `{…}` naming its parts; whether it writes, and whether it reads a body."""

    method: str
    path: str
    answer: Callable[[Call], Awaitable[Any]]
    writes: bool = False
    reads_body: bool = False

    @cached_property
    def parts(self) -> tuple[str, ...]:
        return tuple(self.path.split("/")[1:]) if self.path != "/" else ()

    def matched(self, segments: tuple[str, ...]) -> dict[str, str] | None:
        """The named parts of a path of this shape, None for another shape."""
        if len(self.parts) != len(segments):
            return None
        values: dict[str, str] = {}
        for part, segment in zip(self.parts, segments, strict=True):
            if part.startswith("{"):
                values[part[1:-1]] = segment
            elif part != segment:
                return None
        return values


def whole_number(text: str) -> int:
    """A number in a path or query; one that is none is 404, as JAX-RS has it."""
    if not _NUMBER.fullmatch(text) or int(text) not in _INT:
        raise not_found()
    return int(text)


def not_found() -> Refusal:
    return Refusal(404, "HTTP 404 Not Found")
