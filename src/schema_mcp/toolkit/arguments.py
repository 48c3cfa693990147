"""Arguments as assistants write them, turned into the tool's own names, or refused with the nearest known name."""

import difflib
import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from schema_mcp.domain.errors import InvalidRequestError
from schema_mcp.toolkit.tool import Shape, Tool

_SYNONYMS = {"schema": "schema_text"}
"""Assistants know other tools; `schema` is understood there."""

_LISTED_FAULTS = 5


def validated(tool: Tool[Any, Any], arguments: Mapping[str, Any]) -> Shape:
    """The request that the arguments make.

    Raises `InvalidRequestError` for unknown, missing, doubled and ill-typed arguments; never repeats a value, because
    a value may be a secret.
    """
    known = tool.request.model_fields
    named: dict[str, Any] = {}
    for given, value in arguments.items():
        name = _own_name(given, known)
        if name not in known:
            raise InvalidRequestError(f"{tool.name} has no argument {given[:80]!r}", hint=_nearest(name, list(known)))
        if name in named:
            raise InvalidRequestError(f"{tool.name} got the argument {name!r} twice", hint="Name it once.")
        named[name] = value
    try:
        return tool.request.model_validate(named)
    except ValidationError as error:
        raise InvalidRequestError(
            f"{tool.name}: {_faults(error)}", hint=f"Arguments of {tool.name}: {_usage(tool.request)}."
        ) from None


def _own_name(given: str, known: Mapping[str, Any]) -> str:
    if given in known:
        return given
    snake = re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", given).lower()
    synonym = _SYNONYMS.get(snake, snake)
    return synonym if synonym in known else snake


def _nearest(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    legal = f"It has: {', '.join(known) or 'no arguments'}."
    return f"Did you mean {near[0]!r}? {legal}" if near else legal


def _faults(error: ValidationError) -> str:
    """What is wrong, by place, without the values."""
    faults = error.errors(include_input=False, include_url=False, include_context=False)
    said = [f"{'.'.join(map(str, fault['loc'])) or 'arguments'}: {fault['msg']}" for fault in faults[:_LISTED_FAULTS]]
    more = f" (+{len(faults) - _LISTED_FAULTS} more)" if len(faults) > _LISTED_FAULTS else ""
    return "; ".join(said) + more


def _usage(request: type[Shape]) -> str:
    return ", ".join(name if field.is_required() else f"[{name}]" for name, field in request.model_fields.items())
