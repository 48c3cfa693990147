"""What cannot be undone, and may be set to need somebody else's yes."""

from dataclasses import dataclass
from enum import StrEnum

from schema_mcp.domain.caller import Caller


class Irreversible(StrEnum):
    """A deed for which a registry can ask for the approval of another principal."""

    PURGE = "permanent_delete"
    IMPORT = "import_mode"
    PRUNE = "prune"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True)
class Act:
    """One thing somebody wants to do: named by the digest of its plan or preview, and by the store it rests on.

    `deeds` are what of it cannot be undone, by registry. The digest covers subjects, schemas, references and modes.
    """

    digest: str
    commit: str
    deeds: frozenset[tuple[str, Irreversible]]
    contexts: tuple[str, ...]
    summary: str

    @property
    def registries(self) -> tuple[str, ...]:
        return tuple(sorted({name for name, _ in self.deeds}))


def may_judge(caller: Caller, requester: str, email: str) -> str:
    """Why a caller may not approve what somebody asked for; empty where he may."""
    if not caller.is_person:
        return "only a person who has signed in approves: no process owner, pipeline, token or bot"
    if caller.name.casefold() == requester.casefold() or caller.email.casefold() == email.casefold():
        return "nobody approves what he asked for himself"
    return ""
