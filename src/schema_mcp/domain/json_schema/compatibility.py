"""Runs the rules over two schemas, through references and recursion, until the answer no longer changes."""

from dataclasses import dataclass, field
from typing import TypeAlias

from schema_mcp.domain.formats import Rules
from schema_mcp.domain.json_schema.kinds import COMPATIBLE
from schema_mcp.domain.json_schema.model import Anything, Reference, Schema
from schema_mcp.domain.json_schema.rules import pair_steps
from schema_mcp.domain.json_schema.steps import Found, Into, Outcome, Probe, Steps

Key: TypeAlias = tuple[int, int]


def compare(original: Schema, update: Schema, rules: Rules) -> Outcome:
    """What differs when `update` is to read what `original` wrote."""
    known: frozenset[Key] = frozenset()
    while True:
        run = _Run(rules, known)
        outcome = run.compare(original, update)
        if not run.met_itself or run.broken <= known:
            return outcome
        known |= run.broken


@dataclass(slots=True)
class _Frame:
    """One comparison under way."""

    steps: Steps
    key: Key | None
    keeps: bool
    found: list[Found] = field(default_factory=list[Found])
    breaks: bool = False

    def add(self, found: Found, breaks: bool) -> None:
        self.found.append(found)
        self.breaks = self.breaks or breaks

    def take(self, outcome: Outcome) -> None:
        self.found += outcome.found
        self.breaks = self.breaks or outcome.breaks


class _Run:
    """One pass. A pair that is met again while it is being compared counts as compatible, unless an earlier pass
    knows better; then it is looked into once more, and no further."""

    def __init__(self, rules: Rules, known: frozenset[Key]) -> None:
        self._rules = rules
        self._known = known
        self._compatible = COMPATIBLE[rules.policy]
        self._open: dict[Key, int] = {}
        self.broken: set[Key] = set()
        self.met_itself = False

    def compare(self, original: Schema, update: Schema) -> Outcome:
        frames = [self._frame(Into(original, update, "#"))]
        reply: Outcome | None = None
        while True:
            frame = frames[-1]
            try:
                step = frame.steps.send(reply)
            except StopIteration:
                frames.pop()
                reply = self._close(frame)
                if not frames:
                    return reply
                if frame.keeps:
                    frames[-1].take(reply)
                continue
            reply = None
            if isinstance(step, Found):
                frame.add(step, step.kind not in self._compatible)
            else:
                inner = self._frame(step)
                if inner is None:
                    reply = Outcome([], False)
                else:
                    frames.append(inner)

    def _frame(self, step: Into | Probe) -> _Frame | None:
        original, first = _followed(step.original)
        update, second = _followed(step.update)
        key = (first or id(original), second or id(update)) if first or second else None
        if key is not None:
            entered = self._open.get(key, 0)
            if entered > (key in self._known):
                self.met_itself = True
                return None
            self._open[key] = entered + 1
        return _Frame(pair_steps(original, update, step.path, self._rules.semantics), key, isinstance(step, Into))

    def _close(self, frame: _Frame) -> Outcome:
        if frame.key is not None:
            self._open[frame.key] -= 1
            if frame.breaks:
                self.broken.add(frame.key)
        return Outcome(frame.found, frame.breaks)


def _followed(schema: Schema) -> tuple[Schema, int]:
    """What a reference leads to; one that leads only to itself says nothing."""
    place, seen = 0, set[int]()
    while isinstance(schema, Reference):
        if schema.target is None or id(schema) in seen:
            return Anything(schema.raw), 0
        seen.add(id(schema))
        place, schema = schema.place, schema.target
    return schema, place
