"""Which subjects a tool of this set is about."""

from typing import Annotated

from pydantic import Field

from schema_mcp.domain.naming import parse_context
from schema_mcp.services.selection import Selection
from schema_mcp.toolkit.tool import Shape
from schema_mcp.tools.shapes import subjects_of


class Selected(Shape):
    """Which subjects, in which registries."""

    subjects: tuple[str, ...] = ()
    """Only these."""

    prefix: str = ""
    """Only names that begin so."""

    context: str | None = None
    """Only this context."""

    limit: Annotated[int, Field(ge=1, le=1_000)] = 100
    """Most rows."""

    cursor: str | None = None
    """Last page's."""


def selection_of(request: Selected) -> Selection:
    """The selection a request makes."""
    context = parse_context(request.context) if request.context else None
    return Selection(subjects_of(request.subjects, request.context), request.prefix, context)
