"""Which subjects a question is about, and the one bulk listing that covers them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from schema_mcp.domain.schema import Subject


@dataclass(frozen=True, slots=True)
class Selection:
    """Subjects by name, or all of a prefix and a context; nothing given means every subject."""

    subjects: tuple[Subject, ...] = ()
    prefix: str = ""
    context: str | None = None

    def wants(self, subject: Subject) -> bool:
        """Is this subject part of the question?"""
        if self.subjects:
            return subject in self.subjects
        return subject.name.startswith(self.prefix) and self.context in (None, subject.context)

    @property
    def listing(self) -> str:
        """The longest name prefix that covers everything wanted."""
        return self.subjects[0].name if len(self.subjects) == 1 else self.prefix

    @property
    def listing_context(self) -> str | None:
        """The one context that covers everything wanted, or None for all."""
        contexts = {subject.context for subject in self.subjects} if self.subjects else {self.context}
        return contexts.pop() if len(contexts) == 1 else None

    def as_request(self) -> dict[str, Any]:
        """The selection as a plan repeats it."""
        subjects = [[subject.name, subject.context] for subject in self.subjects]
        return {"subjects": subjects, "prefix": self.prefix, "context": self.context}


def from_request(request: Mapping[str, Any]) -> Selection:
    """The selection that a plan repeats."""
    subjects = tuple(Subject(name, context) for name, context in request["subjects"])
    return Selection(subjects, request["prefix"], request["context"])
