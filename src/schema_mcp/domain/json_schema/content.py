"""What an object or array says about properties and items that it does not list: its content model."""

from typing import Final

from schema_mcp.domain.json_schema.model import Array, Object, Schema
from schema_mcp.domain.json_schema.steps import Effort, Found, Into, Steps

_SEARCH_STEPS_PER_COMPARISON: Final = 8


def is_open(schema: Object | Array) -> bool:
    """Anything may be there."""
    free = schema.additional is True and (schema.unevaluated is None or schema.unevaluated is True)
    return free and not (isinstance(schema, Object) and schema.patterns)


def covering(schema: Object | Array, name: str) -> Schema | None:
    """In a partially open model, the schema that an unlisted property or item must follow; None where it may not be.

    A pattern that matches comes before the other two.
    """
    for pattern, body in schema.patterns.items() if isinstance(schema, Object) else ():
        if pattern.search(name):
            return body
    for others in (schema.additional, schema.unevaluated):
        if isinstance(others, Schema):
            return others
        if others is False:
            return None
    return None


def effort(schema: Object | Array, name: str) -> Effort:
    """What it takes to find the covering schema."""
    patterns = schema.patterns if isinstance(schema, Object) else ()
    return Effort(sum(pattern.effort(name) for pattern in patterns) // _SEARCH_STEPS_PER_COMPARISON)


def others_steps(original: Object | Array, update: Object | Array, path: str, keyword: str, kind: str) -> Steps:
    """Changes of `additionalProperties`, `unevaluatedItems` and the like."""
    before, after = _others(original, kind), _others(update, kind)
    match before, after:
        case Schema(), Schema():
            yield Into(before, after, f"{path}/{keyword}")
            return
        case False, False:
            return
        case False, _:
            change = "ADDED"
        case _, False:
            change = "REMOVED"
        case Schema(), _:
            change = "EXTENDED"
        case (_, Schema()) | (None, True):
            change = "NARROWED"
        case True, None:
            change = "EXTENDED"
        case _:
            return
    yield Found(f"{kind}_{change}", f"{path}/{keyword}", original, update)


def _others(schema: Object | Array, kind: str) -> Schema | bool | None:
    return schema.additional if kind.startswith("ADDITIONAL") else schema.unevaluated
