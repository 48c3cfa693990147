"""Patterns as machines that read a name once, in all their states at the same time (Thompson's construction)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from schema_mcp.domain.json_schema.characters import WORD, Test
from schema_mcp.domain.json_schema.regex import At, Choice, Look, Node, One, Place, Repeat, Sequence

MAX_SIZE: Final = 1_000
"""Instructions; what needs more is too large to run."""


@dataclass(frozen=True, slots=True)
class Fork:
    """Go on here and there."""

    ways: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Check:
    """Go on if the other program does, or does not, match at this place."""

    program: "Program"
    ahead: bool
    negated: bool


@dataclass(frozen=True, slots=True)
class Done:
    """A match."""


Instruction: TypeAlias = Test | Place | Fork | Check | Done
Program: TypeAlias = tuple[Instruction, ...]


_LAST_LINES: Final = frozenset({"", "\n", "\r\n", "\r", "\x85", "\u2028", "\u2029"})


class TooLargeError(Exception):
    """The pattern repeats too much."""


def translate(node: Node) -> Program:
    program: list[Instruction] = []
    _emit(node, program)
    return (*program, Done())


def weight(program: Program) -> tuple[int, bool]:
    """How many instructions there are in all, and whether some are checks."""
    inner = [weight(instruction.program)[0] for instruction in program if isinstance(instruction, Check)]
    return len(program) + sum(inner), bool(inner)


def _emit(node: Node, program: list[Instruction]) -> None:
    if len(program) > MAX_SIZE:
        raise TooLargeError
    match node:
        case One(test):
            program.append(test)
        case At(place):
            program.append(place)
        case Sequence(items):
            for item in items:
                _emit(item, program)
        case Choice(branches):
            _emit_choice(branches, program)
        case Repeat(item, least, most):
            _emit_repeat(item, least, most, program)
        case Look(item, ahead, negated):
            program.append(Check(translate(item), ahead, negated))


def _emit_choice(branches: tuple[Node, ...], program: list[Instruction]) -> None:
    fork = len(program)
    program.append(Fork(()))
    starts: list[int] = []
    leaves: list[int] = []
    for branch in branches:
        starts.append(len(program))
        _emit(branch, program)
        leaves.append(len(program))
        program.append(Fork(()))
    program[fork] = Fork(tuple(starts))
    for leave in leaves:
        program[leave] = Fork((len(program),))


def _emit_repeat(item: Node, least: int, most: int | None, program: list[Instruction]) -> None:
    for _ in range(min(least, MAX_SIZE)):
        _emit(item, program)
        _check(program)
    if most is None:
        fork = len(program)
        program.append(Fork(()))
        _emit(item, program)
        program.append(Fork((fork,)))
        program[fork] = Fork((fork + 1, len(program)))
        return
    forks: list[int] = []
    for _ in range(min(most - least, MAX_SIZE)):
        forks.append(len(program))
        program.append(Fork(()))
        _emit(item, program)
        _check(program)
    for fork in forks:
        program[fork] = Fork((fork + 1, len(program)))


def _check(program: list[Instruction]) -> None:
    if len(program) > MAX_SIZE:
        raise TooLargeError


def matches(program: Program, text: str) -> bool:
    """Is there a match anywhere in the text?"""
    return any(True for _ in _Reading(text).ends(program, 0, anywhere=True))


class _Reading:
    """Programs reading one text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._behind: dict[int, set[int]] = {}
        self._ahead: dict[tuple[int, int], bool] = {}

    def ends(self, program: Program, start: int, *, anywhere: bool = False) -> Iterator[int]:
        """Where matches end that begin at `start`, or anywhere after it."""
        states = {0}
        for at in range(start, len(self._text) + 1):
            reached = self._reach(program, states, at)
            if len(program) - 1 in reached:
                yield at
            states = self._step(program, reached, at)
            if anywhere:
                states.add(0)
            elif not states:
                return

    def _step(self, program: Program, states: set[int], at: int) -> set[int]:
        if at == len(self._text):
            return set()
        character = self._text[at]
        return {state + 1 for state in states if callable(test := program[state]) and test(character)}

    def _reach(self, program: Program, states: set[int], at: int) -> set[int]:
        """Every state that is reached without reading on."""
        reached: set[int] = set()
        pending = list(states)
        while pending:
            state = pending.pop()
            if state not in reached:
                reached.add(state)
                pending += self._free_ways(program[state], state, at)
        return reached

    def _free_ways(self, instruction: Instruction, state: int, at: int) -> tuple[int, ...]:
        match instruction:
            case Fork(ways):
                return ways
            case Place():
                return (state + 1,) if _is_at(instruction, self._text, at) else ()
            case Check():
                return (state + 1,) if self._holds(instruction, at) is not instruction.negated else ()
            case _:
                return ()

    def _holds(self, check: Check, at: int) -> bool:
        """Each is found out once for each place, or the nesting of checks would multiply."""
        name = id(check)
        if not check.ahead:
            if name not in self._behind:
                self._behind[name] = set(self.ends(check.program, 0, anywhere=True))
            return at in self._behind[name]
        if (name, at) not in self._ahead:
            self._ahead[name, at] = any(True for _ in self.ends(check.program, at))
        return self._ahead[name, at]


def _is_at(place: Place, text: str, at: int) -> bool:
    match place:
        case Place.START:
            return at == 0
        case Place.VERY_END:
            return at == len(text)
        case Place.END:
            return text[at:] in _LAST_LINES
        case _:
            before = at > 0 and WORD(text[at - 1])
            after = at < len(text) and WORD(text[at])
            return (before != after) is (place is Place.WORD_EDGE)
