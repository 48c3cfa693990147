"""Runs the rules over two schemas, through references and recursion, until the answer no longer changes.

A pair that is met again while it is being compared counts as compatible; the run is repeated with what turned out to
break until nothing more does, and a pair known to break is looked into once more. Pairs that rest on nothing under way
are compared once. Where recursion multiplies the ways to one place, schemas are compared in short: the verdict is the
same, but each pair is reported only where it was met first. There is a budget, and beyond it a refusal.
"""

from dataclasses import dataclass, field
from typing import Final, TypeAlias

from schema_mcp.domain.errors import InvalidSchemaError
from schema_mcp.domain.formats import Rules
from schema_mcp.domain.json_schema.kinds import COMPATIBLE
from schema_mcp.domain.json_schema.model import Anything, Reference, Schema
from schema_mcp.domain.json_schema.rules import leaf_found, pair_steps
from schema_mcp.domain.json_schema.steps import Effort, Found, Into, Outcome, Probe, Step, Steps

Key: TypeAlias = tuple[int, int]

MAX_PAIRS: Final = 250_000
"""How many times two schemas are compared before the answer is refused."""
_MAX_WINDING: Final = 1_000
"""How often pairs are compared again before everything is compared in short."""
_MAX_FOUND: Final = 5_000
"""How many differences are listed; the verdict counts them all."""
_NEVER: Final = 1 << 30
_FINE: Final = Outcome([], breaks=False)


def compare(original: Schema, update: Schema, rules: Rules, most: int = MAX_PAIRS) -> Outcome:
    """What differs when `update` is to read what `original` wrote, found in at most so many steps."""
    for short in (False, True):
        outcome = _settle(original, update, rules, most, short=short)
        if outcome is not None:
            return outcome
    raise InvalidSchemaError(
        f"Comparing these schemas takes more than {most:,} steps",
        hint="Use fewer alternatives in oneOf and anyOf, or fewer definitions that refer to each other.",
    )


def _settle(original: Schema, update: Schema, rules: Rules, most: int, *, short: bool) -> Outcome | None:
    """Run until what is known to break explains what breaks; None where that takes too long."""
    known: frozenset[Key] = frozenset()
    spent = 0
    while spent <= most:
        run = _Run(rules, known, most, short=short, spent=spent)
        outcome = run.compare(original, update)
        if outcome is None:
            return None
        if not run.met_itself or run.broken <= known:
            return outcome
        known |= run.broken
        spent = run.spent
    return None


@dataclass(slots=True)
class _Frame:
    """One comparison under way."""

    steps: Steps
    path: str
    key: Key | None
    keeps: bool
    """What it finds belongs to the one that asked for it; otherwise it is a probe."""
    hasty: bool
    """It is part of a probe, and there the first break is enough."""
    rests_on: int = _NEVER
    """The outermost frame that was met again in it."""
    found: list[Found] = field(default_factory=list[Found])
    breaks: bool = False

    def take(self, outcome: Outcome) -> None:
        """Add what was found; a long list is cut, but never before its first break."""
        if len(self.found) < _MAX_FOUND or (outcome.breaks and not self.breaks):
            self.found += outcome.found
        self.breaks = self.breaks or outcome.breaks


class _Run:
    """One pass over everything, with its own stack of frames."""

    def __init__(self, rules: Rules, known: frozenset[Key], most: int, *, short: bool, spent: int) -> None:
        self.broken: set[Key] = set()
        self.met_itself = False
        self.spent = spent
        self._semantics = rules.semantics
        self._compatible = COMPATIBLE[rules.policy]
        self._known = known
        self._most = most
        self._short = short
        self._winding = 0
        self._frames: list[_Frame] = []
        self._open: dict[Key, list[int]] = {}
        self._done: dict[Key, tuple[str, Outcome]] = {}
        self._refuted: set[Key] = set()
        self._seen: set[Key] = set()

    def compare(self, original: Schema, update: Schema) -> Outcome | None:
        reply = self._enter(Into(original, update, "#"))
        while self._frames:
            if self.spent > self._most or self._winding > _MAX_WINDING:
                return None
            try:
                step: Step = self._frames[-1].steps.send(reply)
            except StopIteration:
                frame = self._frames.pop()
                reply = self._answer(self._close(frame), keeps=frame.keeps)
            else:
                reply = self._take(step)
        return reply

    def _take(self, step: Step) -> Outcome | None:
        match step:
            case Found():
                return self._note(step)
            case Effort():
                self.spent += step.comparisons
                return None
            case _:
                return self._enter(step)

    def _note(self, found: Found) -> Outcome | None:
        frame = self._frames[-1]
        frame.take(Outcome([found], found.kind not in self._compatible))
        return self._abandon() if frame.breaks and frame.hasty else None

    def _enter(self, step: Into | Probe) -> Outcome | None:
        """Begin a comparison, unless its answer is at hand."""
        self.spent += 1
        keeps = isinstance(step, Into)
        original, first = _followed(step.original)
        update, second = _followed(step.update)
        leaf = leaf_found(original, update, step.path, self._semantics)
        if leaf is not None:
            return self._answer(self._judged(leaf), keeps=keeps) if leaf else _FINE
        hasty = not keeps or bool(self._frames and self._frames[-1].hasty)
        key = (first or id(original), second or id(update)) if first or second else None
        if key is not None:
            outcome = self._recall(key, step.path, hasty=hasty)
            if outcome is not None:
                return self._answer(outcome, keeps=keeps)
        frame = _Frame(pair_steps(original, update, step.path), step.path, key, keeps, hasty)
        if key is not None:
            self._open_key(key, frame)
        self._frames.append(frame)
        return None

    def _judged(self, found: list[Found]) -> Outcome:
        return Outcome(found, any(one.kind not in self._compatible for one in found))

    def _open_key(self, key: Key, frame: _Frame) -> None:
        depths = self._open.setdefault(key, [])
        if depths:
            frame.rests_on = depths[0]
        depths.append(len(self._frames))
        self._winding += key in self._seen and not self._short
        self._seen.add(key)

    def _recall(self, key: Key, path: str, *, hasty: bool) -> Outcome | None:
        """The answer for a pair that was compared before, or that is being compared."""
        depths = self._open.get(key)
        if depths:
            self.met_itself = True
            if key in self._known and len(depths) == 1 and not self._short:
                return None
            top = self._frames[-1]
            top.rests_on = min(top.rests_on, depths[0])
            return Outcome([], key in self._known)
        if hasty and key in self._refuted:
            return Outcome([], breaks=True)
        if key not in self._done:
            return None
        was, outcome = self._done[key]
        return Outcome([] if self._short else [found.under(was, path) for found in outcome.found], outcome.breaks)

    def _answer(self, outcome: Outcome, *, keeps: bool) -> Outcome:
        """Hand an outcome to the frame that asked for it."""
        if keeps and self._frames and (outcome.found or outcome.breaks):
            frame = self._frames[-1]
            frame.take(outcome)
            if outcome.breaks and frame.hasty:
                return self._abandon()
        return outcome

    def _abandon(self) -> Outcome:
        """A probe has its answer: leave everything that was begun for it."""
        keeps = True
        while keeps:
            frame = self._frames.pop()
            frame.steps.close()
            frame.breaks = True
            self._close(frame)
            keeps = frame.keeps
        return Outcome([], breaks=True)

    def _close(self, frame: _Frame) -> Outcome:
        outcome = Outcome(frame.found, frame.breaks)
        depth = len(self._frames)
        if frame.key is not None:
            self._open[frame.key].pop()
            self._remember(frame.key, frame, outcome, depth)
        if frame.rests_on < depth:
            self._frames[-1].rests_on = min(self._frames[-1].rests_on, frame.rests_on)
        return outcome

    def _remember(self, key: Key, frame: _Frame, outcome: Outcome, depth: int) -> None:
        """Keep what may be used again. What broke in haste is no list of differences, but it is a verdict."""
        if frame.breaks:
            self.broken.add(key)
        if self._short or frame.rests_on >= depth:
            if frame.breaks:
                self._refuted.add(key)
            if not (frame.hasty and frame.breaks):
                self._done[key] = (frame.path, outcome)


def _followed(schema: Schema) -> tuple[Schema, int]:
    """What a reference leads to, and the place; one that leads only to itself says nothing."""
    if not isinstance(schema, Reference):
        return schema, 0
    place, seen = 0, set[int]()
    while isinstance(schema, Reference):
        if schema.target is None or id(schema) in seen:
            return Anything(schema.raw), 0
        seen.add(id(schema))
        place, schema = schema.place, schema.target
    return schema, place
