"""JSON that says each thing once: where a name stands twice, two readers may understand two things."""

import json
from collections import Counter
from typing import Any

_Pairs = list[tuple[str, Any]]


class TwiceError(ValueError):
    """One object names something twice."""


def parsed(text: str | bytes) -> Any:
    """What a JSON text says. Raises `TwiceError` where something is named twice, `ValueError` where it is none.

    `RecursionError` for what is nested too deeply.
    """
    return json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse)


def _unique(pairs: _Pairs) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        [(twice, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise TwiceError(f"{twice[:80]!r} stands there twice")
    return found


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not a JSON value")
