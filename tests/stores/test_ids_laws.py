"""The laws of the ledger, over any story: two machines, one Git, lost ledgers, forgotten commits."""

import asyncio
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from schema_mcp.domain.allocation import Allocated, Allocation, Block, Entry, next_mark
from schema_mcp.domain.errors import ConflictError, MarkReachedError
from schema_mcp.domain.schema import Subject
from schema_mcp.stores.ids import SqliteLedger

IN_MEMORY = Path("/dev/shm")  # the laws ask nothing of the disk, and syncing it is what takes the time
MACHINES = st.sampled_from(["a", "b"])
VERSIONS = st.tuples(st.sampled_from([Subject("orders"), Subject("orders", ".eu")]), st.integers(1, 6))
CONTENTS = st.sampled_from([f"content-{n}" for n in range(12)])


@dataclass
class Git:
    """What the two machines share."""

    mark: int = 0
    versions: dict[tuple[Subject, int], Entry] = field(default_factory=dict)
    blocks: list[Block] = field(default_factory=list)


class TwoMachines(RuleBasedStateMachine):
    """Each machine follows the protocol; each may lose its ledger, or forget to commit, at any time."""

    given = Bundle("given")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(dir=IN_MEMORY if IN_MEMORY.is_dir() else None))
        self.loop = asyncio.Runner()
        self.git = Git()
        self.told: dict[int, str] = {}
        self.known: dict[str, dict[str, int]] = {"a": {}, "b": {}}
        self.reserved: list[Block] = []
        self.ledgers: dict[str, SqliteLedger] = {}

    @initialize()
    def begin(self) -> None:
        self.ledgers = {name: SqliteLedger(self.folder / name) for name in "ab"}

    def teardown(self) -> None:
        for ledger in self.ledgers.values():
            ledger.close()
        self.loop.close()
        shutil.rmtree(self.folder)

    @rule(target=given, machine=MACHINES, version=VERSIONS, content=CONTENTS, floor=st.integers(0, 10_400))
    def allocate(self, machine: str, version: tuple[Subject, int], content: str, floor: int):
        try:
            answer = self.loop.run(self._allocate(machine, Allocation(*version, content, "AVRO", floor=floor)))
        except ConflictError:
            return multiple()

        if not answer.existing:
            assert answer.id not in self.told, "a number was handed out twice"
            assert answer.id > floor
            assert not any(block.first <= answer.id <= block.last for block in self.reserved)
        assert self.told.setdefault(answer.id, content) == content, "one id, two contents"
        assert self.known[machine].setdefault(content, answer.id) == answer.id, "one content, two ids"
        assert answer.id <= self.git.mark, "Git was not ahead"
        return Entry(*version, content, answer.id, "AVRO")

    @rule(entry=given)
    def commit(self, entry: Entry) -> None:
        """Git takes a version unless it has it, or has the content under another id (then it is allocated anew)."""
        stored = self.git.versions.values()
        if not any(other.schema_hash == entry.schema_hash and other.id != entry.id for other in stored):
            self.git.versions.setdefault((entry.subject, entry.number), entry)

    @rule(machine=MACHINES, count=st.integers(1, 30), committed=st.booleans())
    def reserve(self, machine: str, count: int, committed: bool) -> None:
        block = self.loop.run(self._reserve(machine, count))

        assert not any(block.first <= number <= block.last for number in self.told)
        assert not any(block.first <= other.last and other.first <= block.last for other in self.reserved)
        self.reserved.append(block)
        if committed:
            self.git.blocks.append(block)

    @rule(machine=MACHINES, version=VERSIONS)
    def forget(self, machine: str, version: tuple[Subject, int]) -> None:
        self.loop.run(self.ledgers[machine].forget(*version))

    @rule(machine=MACHINES)
    def lose(self, machine: str) -> None:
        self.ledgers[machine].close()
        for path in self.folder.glob(f"{machine}*"):
            path.unlink()
        self.ledgers[machine] = SqliteLedger(self.folder / machine)
        self.known[machine] = {}
        self.rebuild(machine)

    @rule(machine=MACHINES)
    def rebuild(self, machine: str) -> None:
        ledger, entries = self.ledgers[machine], list(self.git.versions.values())

        assert self.loop.run(ledger.rebuild(entries, self.git.mark, self.git.blocks)) == []

        found = self.loop.run(ledger.disagreements(entries, self.git.mark, self.git.blocks))
        assert [one for one in found if one.needs_rebuild] == []
        self.known[machine] |= {entry.schema_hash: entry.id for entry in entries}

    @rule(machine=MACHINES)
    def restart(self, machine: str) -> None:
        self.ledgers[machine].close()
        self.ledgers[machine] = SqliteLedger(self.folder / machine)

    @invariant()
    def git_is_sound(self) -> None:
        contents: dict[int, str] = {}
        for entry in self.git.versions.values():
            assert contents.setdefault(entry.id, entry.schema_hash) == entry.schema_hash

    async def _allocate(self, machine: str, request: Allocation) -> Allocated:
        while True:
            try:
                return await self.ledgers[machine].allocate(request)
            except MarkReachedError as reached:
                await self._move_mark(machine, reached)

    async def _reserve(self, machine: str, count: int) -> Block:
        while True:
            try:
                return await self.ledgers[machine].reserve(count, machine)
            except MarkReachedError as reached:
                await self._move_mark(machine, reached)

    async def _move_mark(self, machine: str, reached: MarkReachedError) -> None:
        mark, ahead = self.git.mark, next_mark(self.git.mark, reached.details["mark"])
        self.git.mark = ahead
        await self.ledgers[machine].extend(mark, ahead)


TestTwoMachines = TwoMachines.TestCase
TestTwoMachines.settings = settings(
    max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
