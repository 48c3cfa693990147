"""Finding the right tool, switched-off ones too."""

import math
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from schema_mcp.domain.caller import Caller, Scope
from schema_mcp.toolkit.listing import Listing
from schema_mcp.toolkit.tool import Effect, Shape, tool
from schema_mcp.toolkit.workspace import Workspace


class FindTool(Shape):
    query: str
    """What to do, such as `remove a subject`."""

    limit: int = 5
    """Most rows."""


class FoundTool(Shape):
    name: str
    """Name to call it by."""

    summary: str
    """What it does."""

    toolset: str
    """Its toolset."""

    scope: Scope
    """What a caller must hold."""

    arguments: list[str]
    """Names of its arguments."""

    switched_off: str | None = None
    """Why it cannot be called now and what turns it on; absent when it can."""


class FoundTools(Shape):
    tools: list[FoundTool]
    """The best matches, best first."""

    total: int
    """How many tools there are altogether."""


@tool(scope=Scope.READ, effect=Effect.READS, core=True, touches_registries=False)
async def find_tool(workspace: Workspace, request: FindTool) -> FoundTools:
    """Find the tool for a job, also a switched-off one, with the flag that turns it on."""
    ranked = rank(request.query, workspace.listings.values())[: max(1, min(request.limit, _MOST))]
    return FoundTools(tools=[_found(one, workspace.caller) for one in ranked], total=len(workspace.listings))


_MOST = 20
_IN_NAME, _IN_SUMMARY, _IN_ARGUMENTS = 4.0, 2.0, 1.0
_BY_SYNONYM = 0.6

_WORDS_FOR: Mapping[str, str] = {
    "allocate": "assign number",
    "apply": "execute carry run deploy rollout",
    "approval": "approve consent permit",
    "audit": "who log trail",
    "batch": "many bulk",
    "bundle": "package zip archive",
    "cancel": "stop abort",
    "check": "test verify prove safe",
    "clear": "empty wipe",
    "compare": "versus against",
    "compatibility": "compatible incompatible break breaking level backward forward",
    "config": "setting configuration level",
    "context": "namespace tenant",
    "create": "make new",
    "delete": "remove drop destroy purge erase",
    "deployment": "deploy rollout release region",
    "detect": "find discover",
    "diff": "difference compare change changed",
    "drift": "differ difference sync",
    "evolution": "evolve history",
    "example": "sample fake",
    "export": "download dump save backup",
    "find": "search which",
    "get": "read show fetch describe look",
    "history": "past when who",
    "id": "number",
    "impact": "affect consequence",
    "import": "upload load restore",
    "list": "show all enumerate",
    "lookup": "find which",
    "migrate": "move copy transfer",
    "migration": "move copy transfer migrate",
    "mode": "readonly writable import",
    "pii": "personal private sensitive gdpr",
    "plan": "preview propose dry",
    "policy": "rule governance",
    "promote": "staging production prod",
    "reconcile": "mend fix repair heal drift",
    "reference": "depend dependency use import",
    "register": "add publish create submit upload",
    "restore": "undelete recover bring back",
    "resume": "continue restart",
    "rollback": "undo revert",
    "schema": "record message type",
    "search": "find grep field",
    "store": "git commit keep",
    "subject": "topic",
    "suggest": "propose recommend help",
    "task": "job progress running",
    "update": "change set raise lower edit",
    "validate": "check valid lint",
    "version": "revision history",
}
"""The words tools use, and what people say instead."""

_MEANT: Mapping[str, list[str]] = {
    said: [word for word, others in _WORDS_FOR.items() if said in others.split()]
    for others in _WORDS_FOR.values()
    for said in others.split()
}


def rank(query: str, listings: Iterable[Listing]) -> list[Listing]:
    """Tools that share a word with the query, best first: a rare word says more than a common one."""
    known = list(listings)
    fields = {one.name: _fields(one) for one in known}
    scores = {one.name: 0.0 for one in known}
    for word in _words(query):
        for said, trust in ((word, 1.0), *((meant, _BY_SYNONYM) for meant in _MEANT.get(word, ()))):
            hits = {name: found[said] for name, found in fields.items() if said in found}
            for name, weight in hits.items():
                scores[name] += trust * weight * math.log(1 + len(known) / len(hits))
    return sorted((one for one in known if scores[one.name]), key=lambda one: (-scores[one.name], one.name))


@lru_cache(maxsize=512)
def _fields(listing: Listing) -> Mapping[str, float]:
    """Each word of a tool, with the weight of the best place it stands in."""
    places = (
        (" ".join(listing.arguments), _IN_ARGUMENTS),
        (f"{listing.summary} {listing.toolset}", _IN_SUMMARY),
        (listing.name, _IN_NAME),
    )
    return {word: weight for text, weight in places for word in _words(text)}


def _words(text: str) -> set[str]:
    """Words in their simplest form: lower case, singular."""
    return {_singular(word) for word in re.findall(r"[a-z0-9]+", text.lower())} - _EMPTY_WORDS


_EMPTY_WORDS = frozenset(
    {
        *("a", "an", "and", "at", "by", "do", "for", "from", "how", "i", "in", "is", "it", "my"),
        *("of", "on", "one", "or", "that", "the", "this", "to", "what", "with"),
    }
)


def _singular(word: str) -> str:
    if word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def _found(listing: Listing, caller: Caller) -> FoundTool:
    return FoundTool(
        name=listing.name,
        summary=listing.summary,
        toolset=listing.toolset,
        scope=listing.scope,
        arguments=list(listing.arguments),
        switched_off=listing.off or _out_of_reach(listing, caller),
    )


def _out_of_reach(listing: Listing, caller: Caller) -> str | None:
    if listing.scope in caller.scopes:
        return None
    return f"It needs the scope {listing.scope.value}, which you do not hold."
