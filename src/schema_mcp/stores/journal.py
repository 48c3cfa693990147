"""What is being done, step by step, so that whoever comes after a crash can go on, or put things back.

A run belongs to one process at a time: the one that started or claimed it, for as long as it lives. A process that
dies leaves its runs `interrupted`, whatever killed it. Each claim counts the run's fence up, and a holder with an older
fence can write nothing any more. Everything is on disk before a call returns.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from anyio import Lock, to_thread

from schema_mcp.domain.schema import Json
from schema_mcp.stores.clock import Clock, stamp, utc_now
from schema_mcp.stores.lanes import Lanes
from schema_mcp.stores.leases import Leases
from schema_mcp.stores.locks import Presence, is_gone
from schema_mcp.stores.runbook import MIGRATIONS, KeptPlan, OpenStep, Run, RunBook, Status, StepRecord, StepState
from schema_mcp.stores.sqlite import PATIENCE, Database, private_folder
from schema_mcp.stores.turns import Turns

__all__ = ["Journal", "KeptPlan", "OpenStep", "Run", "Status", "StepRecord", "StepState"]

Answer = TypeVar("Answer")

_KEYS_AT_ONCE = 500

_REMEDY = "Move the file aside and start again; then look for subjects that were left in mode IMPORT."


class Journal:
    """Plans and runs of one state folder, shared by any number of processes."""

    def __init__(
        self,
        folder: Path,
        *,
        clock: Clock = utc_now,
        patience: timedelta = PATIENCE,
        leases: Leases | None = None,
    ) -> None:
        self._alive = folder / "running"
        private_folder(self._alive)
        self._database = Database(folder / "journal.sqlite", MIGRATIONS, remedy=_REMEDY, patience=patience)
        self._clock = clock
        self.turns = Turns(folder / "turns", leases=leases)
        self._presence: Presence | None = None
        self.settling = Lock()
        """Held by whoever settles cut-off runs, one at a time within this process."""
        self.lanes = Lanes()
        self._fences: dict[str, int] = {}

    def close(self) -> None:
        """End; a run that is still ours is interrupted from now on."""
        self._database.close()
        if self._presence:
            self._presence.close()

    async def keep_plan(self, digest: str, text: str, created_by: str) -> None:
        """Keep a plan: the newest few hundred, and any that an unfinished run needs."""
        await self._write(lambda book: book.keep_plan(digest, text, created_by))

    async def plan(self, digest: str) -> str | None:
        return await self._read(lambda book: book.plan(digest))

    async def kept(self, digest: str) -> KeptPlan | None:
        """Who made a plan, and when; None where it is not kept."""
        return await self._read(lambda book: book.kept(digest))

    async def plans(self, limit: int = 20) -> list[KeptPlan]:
        """The kept plans, newest first."""
        return await self._read(lambda book: book.plans(limit))

    async def start(
        self, *, kind: str, owner: str, plan: str = "", total: int = 0, resumes: str | None = None, undoes: str = ""
    ) -> Run:
        """Begin a run, or go on with one that was cut off; `undoes` is the run whose steps it takes back.

        Raises `LockHeldError` while the same plan, or the run to resume, is being carried out.
        """
        if resumes is not None:
            return await self.claim(resumes)
        return await self._take(lambda book, holder: book.begin(kind, plan, owner, total, holder, undoes))

    async def claim(self, task: str) -> Run:
        """Become the one who carries a run on. Raises `LockHeldError` while somebody else does."""
        return await self._take(lambda book, holder: book.claim(task, holder))

    async def step(
        self, task: str, key: str, state: StepState | str, *, before: Json | None = None, image: Json | None = None
    ) -> Json | None:
        """Note how far a step came, and give the image of it that stands.

        What a step found and has to put back (`before`) stands until the step is done, and what stood there when it
        was first begun (`image`) for ever: starting it again after a crash does not write over them. Steps with
        something to put back do not count as progress.
        """
        return await self._carry_on(task, lambda book: book.put_step(task, key, StepState(state), before, image))

    async def note(self, task: str, found: Mapping[str, Json]) -> None:
        """Add to the images of steps what was found out after them, by their keys."""
        if found:
            await self._carry_on(task, lambda book: book.note(task, found))

    async def progress(self, task: str, done: int, total: int) -> bool:
        """Note how far a run without steps came; should it go on? `False` once somebody asked it to stop."""
        return await self._carry_on(task, lambda book: book.progress(task, done, total))

    async def wait(self, task: str, *, waiting: bool) -> None:
        """Note that a run waits for its turn, or that it has it."""
        await self._carry_on(task, lambda book: book.wait(task, waiting=waiting))

    async def goes_on(self, task: str) -> bool:
        """Should a run go on? `False` once somebody, here or in another process, asked it to stop."""
        return await self._read(lambda book: book.goes_on(task))

    async def pace(self, task: str, since: datetime) -> tuple[int, str | None]:
        """How many steps of a run were done since a moment, and when the first of them was."""
        return await self._read(lambda book: book.pace(task, stamp(since)))

    async def finish(self, task: str, status: Status, result: Mapping[str, Any]) -> None:
        """Note how a run ended, and let go of it."""
        await self._carry_on(task, lambda book: book.finish(task, status, result))
        del self._fences[task]

    async def stop(self, task: str) -> Run:
        """Ask whoever carries a run out to stop; one that nobody carries out is cancelled at once."""
        return await self._write(lambda book: book.stop(task))

    async def recovered(self) -> list[Run]:
        """The runs that were cut off and that nobody has taken up again, newest first."""
        return await self._read(lambda book: book.runs(-1, status=Status.INTERRUPTED))

    async def run(self, task: str) -> Run | None:
        return await self._read(lambda book: book.run(task))

    async def runs(
        self, *, limit: int = 20, plan: str | None = None, owner: str | None = None, status: Status | None = None
    ) -> list[Run]:
        """The newest runs, newest first; those of one plan, owner or status."""
        return await self._read(lambda book: book.runs(limit, plan=plan, owner=owner, status=status))

    async def open_steps(self) -> list[OpenStep]:
        """The steps of unfinished runs that still have something to put back, oldest first."""
        return await self._read(lambda book: book.open_steps())

    async def done(self, keys: Sequence[str]) -> list[StepRecord]:
        """What any kept run has carried out of these steps, named by their keys."""
        found: list[StepRecord] = []
        for start in range(0, len(keys), _KEYS_AT_ONCE):
            some = keys[start : start + _KEYS_AT_ONCE]
            found += await self._read(lambda book, some=some: book.done(some))
        return found

    async def steps(self, task: str) -> list[StepRecord]:
        """The steps of a run, in the order in which they were first noted."""
        return await self._read(lambda book: book.steps(task))

    async def _take(self, act: Callable[[RunBook, str], Run]) -> Run:
        if self._presence is None:
            self._presence = Presence(self._alive)
        holder = self._presence.name
        run = await self._write(lambda book: act(book, holder))
        self._fences[run.task] = run.fence
        return run

    async def _carry_on(self, task: str, act: Callable[[RunBook], Answer]) -> Answer:
        def held(book: RunBook) -> Answer:
            book.check_held(task, self._fences.get(task))
            return act(book)

        return await self._write(held)

    async def _write(self, act: Callable[[RunBook], Answer]) -> Answer:
        def work() -> Answer:
            self._bury()
            with self._database.write() as connection:
                return act(RunBook(connection, stamp(self._clock())))

        return await to_thread.run_sync(work)

    async def _read(self, act: Callable[[RunBook], Answer]) -> Answer:
        def work() -> Answer:
            self._bury()
            with self._database.read() as connection:
                return act(RunBook(connection, ""))

        return await to_thread.run_sync(work)

    def _bury(self) -> None:
        """Call the runs of processes that have ended interrupted."""
        with self._database.read() as connection:
            holders = RunBook(connection, "").holders()
        ours = self._presence.name if self._presence else None
        for holder in holders - {ours}:
            if is_gone(self._alive, holder):
                with self._database.write() as connection:
                    RunBook(connection, stamp(self._clock())).bury(holder)
                (self._alive / holder).unlink(missing_ok=True)
