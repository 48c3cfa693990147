"""How a rule speaks to the one who runs it: it yields differences, and pairs that must be compared as well.

Rules are generators, so that schemas of any depth are compared without recursion.
"""

from collections.abc import Generator
from typing import Any, NamedTuple, TypeAlias

from schema_mcp.domain.json_schema.model import Schema


class Found(NamedTuple):
    """A difference, with the two schemas that it was found between and the property or item it is about."""

    kind: str
    path: str
    original: Schema
    update: Schema
    name: str = ""

    def under(self, old: str, new: str) -> "Found":
        """The same difference, met again on another way."""
        return self._replace(path=new + self.path[len(old) :])


class Into(NamedTuple):
    """Compare these as well; what is found belongs to the pair at hand."""

    original: Schema
    update: Schema
    path: str


class Probe(NamedTuple):
    """Compare these to see whether they fit; what is found counts only if the rule says so."""

    original: Schema
    update: Schema
    path: str


class Effort(NamedTuple):
    """Work that a rule is about to do by itself, in comparisons."""

    comparisons: int


class Outcome(NamedTuple):
    """What a comparison came to. A probe that breaks may have stopped at the first break."""

    found: list[Found]
    breaks: bool


Step: TypeAlias = Found | Into | Probe | Effort
Steps: TypeAlias = Generator[Step, Any, None]
