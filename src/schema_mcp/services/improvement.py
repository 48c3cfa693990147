"""What could be better about a schema, in the eyes of its own estate."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from anyio import to_thread

from schema_mcp.domain.engine import Whole, format_of, parse
from schema_mcp.domain.errors import InvalidSchemaError
from schema_mcp.domain.formats import Named
from schema_mcp.domain.improvement import Customs, Improvement, customs_of, improvements
from schema_mcp.domain.schema import Subject
from schema_mcp.services import estate
from schema_mcp.services.judgement import Side
from schema_mcp.services.selection import Selection

_MOST_LOOKED_AT: Final = 2_000
"""Schemas that customs are read from."""


@dataclass(frozen=True, slots=True)
class Suggested:
    """What could be better, and the customs it was held against."""

    found: list[Improvement]
    customs: Customs


async def suggested(side: Side, whole: Whole, subject: Subject | None, prefix: str) -> Suggested:
    """Hold one schema against the customs of the subjects of a prefix. Raises `InvalidSchemaError`, `RegistryError`."""
    others = await _others(side, whole, subject, prefix)
    return await to_thread.run_sync(_suggested, whole, others)


async def _others(side: Side, whole: Whole, subject: Subject | None, prefix: str) -> list[Whole]:
    """The latest versions of the other subjects, in the same language."""
    latest = await estate.latest(side, Selection(prefix=prefix))
    same = (one for place, one in latest.items() if place != subject and one.schema.type is whole.schema.type)
    return list(islice(same, _MOST_LOOKED_AT))


def _suggested(whole: Whole, others: Sequence[Whole]) -> Suggested:
    parsed = parse(whole, new=True)
    language = format_of(whole.schema.type)
    customs = customs_of(names for one in others if (names := _names(one)) is not None)
    return Suggested(improvements(language.names(parsed), customs, language.advice(parsed)), customs)


def _names(whole: Whole) -> list[Named] | None:
    try:
        return format_of(whole.schema.type).names(parse(whole))
    except InvalidSchemaError:
        return None
