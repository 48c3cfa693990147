"""A plan as a file, so that one job can make it, people can look at it, and another job can apply it."""

import json
from typing import Any, cast

from schema_mcp.domain import once
from schema_mcp.domain.errors import InvalidRequestError
from schema_mcp.domain.plan import Plan, from_text, to_text

LARGEST = 64_000_000
_HINT = "Take the file as `schema-mcp plan --save` wrote it, or plan again."


def written(plan: Plan) -> str:
    """The plan with its digest, as a file holds it."""
    return json.dumps({"digest": plan.digest, "plan": json.loads(to_text(plan))}, indent=1, ensure_ascii=False) + "\n"


def read(text: str) -> Plan:
    """The plan in a file. Raises `InvalidRequestError` where it is none, or not the one that its digest names.

    It may be applied nowhere but where the same request makes the same plan: what somebody wrote himself is stale.
    """
    if len(text) > LARGEST:
        raise InvalidRequestError(f"The plan has more than {LARGEST:,} characters", hint=_HINT)
    try:
        told: dict[str, Any] = once.parsed(text)
        plan, digest = from_text(json.dumps(told["plan"])), cast("object", told["digest"])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise InvalidRequestError("The file holds no plan", hint=_HINT) from error
    if plan.digest != digest:
        raise InvalidRequestError("The plan is not what its digest says: somebody changed the file", hint=_HINT)
    return plan
