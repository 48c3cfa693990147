"""Tools that hold schemas against each other: compatible, and what changed."""

from collections.abc import Sequence
from itertools import accumulate
from typing import Annotated, Any, Literal

from anyio import to_thread
from pydantic import Field

from schema_mcp.domain import compatibility
from schema_mcp.domain.caller import Scope
from schema_mcp.domain.compatibility import Outcome
from schema_mcp.domain.engine import Whole, format_of, parse
from schema_mcp.domain.errors import InvalidRequestError
from schema_mcp.domain.formats import Rules
from schema_mcp.domain.naming import checked_subject
from schema_mcp.domain.schema import Level, Policy, Schema, SchemaType, Subject
from schema_mcp.services import proof
from schema_mcp.services.judgement import Judge, Question, Side, sides_of
from schema_mcp.toolkit.paging import page
from schema_mcp.toolkit.tool import Effect, Shape, tool, weight
from schema_mcp.toolkit.workspace import Workspace
from schema_mcp.tools.shapes import Break, SchemaReference, WayOut, break_of, schema_of

_MOST_BREAKS = 20
_LONGEST_MESSAGE = 1_000
_ALL_MESSAGES = 4_000


class Compared(Shape):
    """What two schemas may be named by."""

    registry: str | None = None
    """If not the default."""

    source: Literal["registry", "store"] = "registry"
    """Where to read."""

    subject: str | None = None
    """Whose versions are meant."""

    context: str | None = None
    """Context."""

    version: Annotated[int, Field(ge=1)] | Literal["latest"] | None = None
    """New side: a version."""

    schema_text: str | None = None
    """New side: a text."""

    schema_type: SchemaType = SchemaType.AVRO
    """Their language."""

    references: tuple[SchemaReference, ...] = ()
    """Schemas it uses."""

    other_text: str | None = None
    """Old side: a text."""

    other_version: Annotated[int, Field(ge=1)] | Literal["latest"] | None = None
    """Old side: a version."""


class CheckCompatibility(Compared):
    """What to check against what: two texts, a text and a subject, or two versions."""

    level: Level | None = None
    """If not the one in force."""

    metadata: dict[str, Any] | None = None
    """Metadata of the new text."""

    policy: Policy | None = None
    """JSON Schema rules."""

    ask_registry: bool = False
    """Its own answer."""


class Verdict(Shape):
    """Whether the new schema may follow."""

    compatible: bool
    """The answer."""

    level: Level
    """The level that was checked."""

    against: tuple[int, ...]
    """Versions it was held against; 0 is a text."""

    breaks: tuple[Break, ...] = ()
    """Why not."""

    ways_out: tuple[WayOut, ...] = ()
    """What to do about it."""

    messages: tuple[str, ...] = ()
    """The reasons in the registry's own format."""

    answered_by: str
    """`offline`, or the registry that was asked."""

    @property
    def exit_code(self) -> int:
        return 0 if self.compatible else 4


@tool(scope=Scope.READ, effect=Effect.READS, core=True)
async def check_compatibility(workspace: Workspace, request: CheckCompatibility) -> Verdict:
    """Check whether a schema may follow earlier ones: offline, with reasons and a way out, or by the registry."""
    side, subject = _side(workspace, request)
    if request.ask_registry:
        return await _asked(side, subject, request)
    new, previous = await sides_of(side, _question(request, subject))
    in_force = await side.judge(subject) if subject else Judge()
    rules = Rules(request.policy or in_force.policy, in_force.semantics)
    if request.other_text is None and request.other_version is None:
        previous = in_force.compared(new, previous)
    return await to_thread.run_sync(_judged, new, previous, request.level or in_force.level, rules)


def _judged(new: Whole, previous: list[Whole], level: Level, rules: Rules) -> Verdict:
    parse(new, new=True)
    outcome = compatibility.check(new, previous, level, rules)
    refusal = {} if outcome.compatible else proof.refusal(new, previous, level, outcome, rules).details
    return Verdict(
        compatible=outcome.compatible,
        level=level,
        against=_against(outcome),
        breaks=tuple(break_of(*one) for one in outcome.breaks[:_MOST_BREAKS]),
        ways_out=tuple(WayOut(**way) for way in refusal.get("ways_out", ())),
        messages=_cut(outcome.messages),
        answered_by="offline",
    )


def _cut(messages: Sequence[str]) -> tuple[str, ...]:
    """As many of the registry's messages as leave room for the rest of the reply."""
    cut = [message[:_LONGEST_MESSAGE] for message in messages[:_MOST_BREAKS]]
    lengths = accumulate(len(message) for message in cut)
    return tuple(message for message, sofar in zip(cut, lengths, strict=True) if sofar <= _ALL_MESSAGES)


def _against(outcome: Outcome) -> tuple[int, ...]:
    return tuple(dict.fromkeys(comparison.number for comparison in outcome.comparisons))


async def _asked(side: Side, subject: Subject | None, request: CheckCompatibility) -> Verdict:
    if side.registry is None or subject is None or request.schema_text is None or request.level is not None:
        raise InvalidRequestError(
            "A registry answers for a text and a subject, at the level in force",
            hint="Give subject and schema_text, and leave level and source out.",
        )
    schema = _text(request.schema_text, request)
    number = request.other_version
    answer = await side.registry.check(subject, schema, number=number)
    return Verdict(
        compatible=answer.compatible,
        level=(await side.judge(subject)).level,
        against=(number,) if isinstance(number, int) else (),
        messages=_cut(answer.messages),
        answered_by=side.name,
    )


class DiffSchemas(Compared):
    """What to compare: two versions, a text and a version, or two texts."""

    cursor: str | None = None
    """Last page's."""


class ChangeRow(Shape):
    """One change."""

    kind: str
    """What kind: added, removed, renamed, type …"""

    path: str
    """Where."""

    text: str
    """In words."""


class Differences(Shape):
    """What changed from the old schema to the new one."""

    changes: tuple[ChangeRow, ...]
    """In the order of the schema."""

    total: int
    """How many changes there are."""

    warnings: tuple[str, ...] = ()
    """What a registry's check passes in silence."""

    cursor: str | None = None
    """Pass it to get the next page."""


@tool(scope=Scope.READ, effect=Effect.READS, core=True)
async def diff_schemas(workspace: Workspace, request: DiffSchemas) -> Differences:
    """Say in words what changed between two schemas: fields, types, defaults, renames, docs."""
    side, subject = _side(workspace, request)
    # `version` and `other_version` are read as from-to: the lower number is the older side.
    old, new = await _ordered(side, _question(request, subject))
    changes, warnings = await to_thread.run_sync(_changes, old, new)
    query = f"diff {request.model_dump_json(exclude={'cursor'})}"
    cut = page(changes, cursor=request.cursor, limit=500, query=query, size=weight)
    return Differences(changes=tuple(cut.items), total=cut.total, warnings=warnings, cursor=cut.cursor)


async def _ordered(side: Side, question: Question) -> tuple[Whole, Whole]:
    new, previous = await sides_of(side, question)
    if not previous:
        raise InvalidRequestError(
            "There is no earlier version to compare with", hint="Give other_text or other_version."
        )
    old = previous[-1]
    return (new, old) if 0 < new.number < old.number else (old, new)


def _changes(old: Whole, new: Whole) -> tuple[list[ChangeRow], tuple[str, ...]]:
    if old.schema.type is not new.schema.type:
        text = f"the language changed from {old.schema.type} to {new.schema.type}"
        return [ChangeRow(kind="type", path="", text=text)], ()
    rules = format_of(new.schema.type)
    before, after = parse(old), parse(new)
    rows = [ChangeRow(kind=one.kind, path=one.path, text=one.text) for one in rules.changes(before, after)]
    return rows, tuple(finding.message for finding in rules.lint_change(after, before)[:_MOST_BREAKS])


def _side(workspace: Workspace, request: Compared) -> tuple[Side, Subject | None]:
    subject = checked_subject(request.subject, request.context) if request.subject else None
    if request.source == "store":
        return Side("the store", workspace.store, None), subject
    registry = workspace.registry(request.registry)
    return Side(registry.name, workspace.store, registry), subject


def _question(request: Compared, subject: Subject | None) -> Question:
    if request.schema_text is not None and request.version is not None and request.other_version is not None:
        raise InvalidRequestError(
            "schema_text, version and other_version name three schemas", hint="Name two: leave one of them out."
        )
    if request.schema_text is None:
        new: Schema | int | Literal["latest"] | None = request.version
        other = request.other_version
    else:
        new, other = _text(request.schema_text, request), request.other_version or request.version
    if request.other_text is not None:
        other = schema_of(request.other_text, request.schema_type)
    return Question(subject, new, other)


def _text(text: str, request: Compared) -> Schema:
    return schema_of(text, request.schema_type, request.references, getattr(request, "metadata", None))
