"""Patterns of property names (stub while the rules are written)."""

import re


class Pattern:
    def __init__(self, text: str) -> None:
        self.text = text
        try:
            self._re = re.compile(text)
        except re.error as error:
            from schema_mcp.domain.errors import InvalidSchemaError

            raise InvalidSchemaError(f"{text!r} is not a pattern: {error}") from error

    def search(self, name: str) -> bool:
        return self._re.search(name) is not None
