"""Plans, drift and what came of applying as Markdown, fit for a pull request: counts first, bounded, nothing executed.

Names and messages come from others. In a code span nothing is read as markup, mention or link; elsewhere every sign
that could be is escaped.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from schema_mcp.domain.drift import Kind
from schema_mcp.domain.errors import SchemaMcpError
from schema_mcp.domain.plan import Plan
from schema_mcp.tools.deployment.drift import DriftFound
from schema_mcp.tools.deployment.sync import SyncStatus
from schema_mcp.tools.tasks import TaskState

LARGEST = 60_000
"""Bytes of a page; GitHub takes 65,536 characters."""

_ROWS = 18_000
"""Bytes of the rows of one table; a page has two that may be long."""

_WARNINGS = 10

_LONGEST_NAME, _LONGEST_TEXT = 160, 400
_MARKUP = re.compile(r"([!-/:-?\[-`{-~])")


def of_plan(plan: Plan, registries: Sequence[str]) -> str:
    """What a plan would do, what it cannot do, and how to apply it."""
    return _page(
        _heading("Plan", len(plan.steps), "change", len(plan.blocked), "blocked"),
        _table(("registry", "changes", "blocked", "actions"), _per_registry(plan, registries)),
        *_section("Changes", ("registry", "action", "subject", "version", "id", "why"), _steps(plan), len(plan.steps)),
        *_section(
            "Blocked",
            ("registry", "subject", "version", "why", "what would let it through"),
            _blocked(plan),
            len(plan.blocked),
        ),
        *(f"> {text(warning)}" for warning in plan.warnings[:_WARNINGS]),
        f"Commit {code(plan.commit[:10] or 'none')}, needs scope {code(plan.scope)}.",
        _apply_with(plan),
    )


def _apply_with(plan: Plan) -> str:
    if not plan.steps:
        return "Nothing to apply."
    return f"Apply with `schema-mcp apply --plan {plan.digest}`, or from the saved file."


def _per_registry(plan: Plan, registries: Sequence[str]) -> Iterator[Sequence[str]]:
    actions = Counter((step.registry, step.action.replace("_", " ")) for step in plan.steps)
    blocked = Counter(one.registry for one in plan.blocked)
    for name in registries:
        own = {action: count for (registry, action), count in sorted(actions.items()) if registry == name}
        told = ", ".join(f"{count} {action}" for action, count in own.items())
        yield code(name), str(sum(own.values())), str(blocked[name]), told or "none"


def _steps(plan: Plan) -> Iterator[Sequence[str]]:
    for step in plan.steps:
        action = f"{step.action.replace('_', ' ')} {step.value}".rstrip()
        yield (
            code(step.registry),
            text(action),
            code(step.subject),
            _number(step.number),
            _number(step.id),
            text(step.reason),
        )


def _blocked(plan: Plan) -> Iterator[Sequence[str]]:
    for one in plan.blocked:
        yield code(one.registry), code(one.subject), _number(one.number), text(one.reason), text(one.hint)


def of_drift(found: DriftFound, status: SyncStatus) -> str:
    """Where registries differ from the store, per registry and then one by one, as far as they fit."""
    mattering = sum(count for kind, count in found.counts.items() if kind != Kind.COSMETIC)
    rows = ((code(row.registry), row.kind.value, code(_named(row.context, row.subject)), _number(row.version or 0),
             text(row.detail), row.since.date().isoformat() if row.since else "") for row in found.drift)  # fmt: skip
    return _page(
        _heading("Drift", mattering, "difference", found.counts.get(Kind.COSMETIC, 0), "cosmetic"),
        _table(
            ("registry", "state", "versions", "missing", "extra", "differing", "settings", "cosmetic", "oldest"),
            _standings(status),
        ),
        *_section("Differences", ("registry", "kind", "subject", "version", "what", "since"), rows, found.total),
        f"Compared with commit {code(found.commit or 'none')}. Not looked at: {text(found.not_looked_at)}",
    )


def _standings(status: SyncStatus) -> Iterator[Sequence[str]]:
    for row in status.registries:
        counts = (row.versions or 0, row.missing, row.extra, row.differing, row.settings, row.cosmetic)
        oldest = row.oldest.date().isoformat() if row.oldest else ""
        yield code(row.registry), row.state.replace("_", " "), *map(str, counts), oldest


def of_task(state: TaskState) -> str:
    """What came of applying, per registry."""
    rows = (
        (code(row.registry), f"{row.done} of {row.total}", text(row.error or ""), text(row.hint or ""))
        for row in state.registries
    )
    return _page(
        f"### Applied: {state.status}, {state.done} of {state.total} steps",
        _table(("registry", "steps", "error", "what to do"), rows),
        f"Task {code(state.task)}, plan {code((state.plan or '')[:12])}. {text(state.next)}",
    )


def of_error(error: SchemaMcpError) -> str:
    """Why there is no answer."""
    return _page(f"### Failed: {text(str(error))}", f"> {text(error.hint)}" if error.hint else "")


def code(name: object) -> str:
    """A name that was written by others, word for word, as far as a table can hold it."""
    shown = _shown(str(name), _LONGEST_NAME).replace("|", "\N{BROKEN BAR}")
    fence = "`" * (max((len(run) for run in re.findall("`+", shown)), default=0) + 1)
    space = " " if shown[:1] == "`" or shown[-1:] == "`" or not shown.strip() else ""
    return f"{fence}{space}{shown or ' '}{space}{fence}"


def text(said: str) -> str:
    """A sentence that may hold what others wrote."""
    return _MARKUP.sub(r"\\\1", _shown(said, _LONGEST_TEXT)).replace("@", "@\N{ZERO WIDTH SPACE}")


def _shown(said: str, longest: int) -> str:
    plain = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in said[:longest])
    return plain + ("…" if len(said) > longest else "")


def _named(context: str, subject: str) -> str:
    return subject if context == "default" else f"{context} {subject}"


def _number(number: int) -> str:
    return str(number) if number else ""


def _heading(what: str, count: int, one: str, others: int, word: str) -> str:
    counted = f"{count:,} {one}{'' if count == 1 else 's'}" if count else f"no {one}s"
    return f"### {what}: {counted}" + (f", {others:,} {word}" if others else "")


def _section(title: str, heads: Sequence[str], rows: Iterable[Sequence[str]], total: int) -> Iterator[str]:
    """A table under its title, with as many rows as fit, and how many did not."""
    taken, room = list[Sequence[str]](), _ROWS
    for row in rows:
        room -= len(_line(row).encode()) + 1
        if room < 0:
            break
        taken.append(row)
    if total:
        yield f"#### {title}"
        yield _table(heads, taken)
    if total > len(taken):
        yield f"… and {total - len(taken):,} more."


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join([_line(heads), "|" + "---|" * len(heads), *map(_line, rows)])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _page(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part) + "\n"
