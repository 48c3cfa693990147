"""One writer at a time, over all threads and processes of a machine."""

import json
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from schema_mcp.domain.errors import LockHeldError, StoreError
from schema_mcp.stores.locks import lock


class WriterLock:
    """A lock that the kernel frees when its holder dies, however it dies; the file says who holds it.

    Entering waits up to `patience` seconds, then raises `LockHeldError`. The thread that holds it may enter again.
    """

    def __init__(self, path: Path, *, patience: float, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._patience = patience
        self._clock = clock
        self._thread = threading.RLock()
        self._depth = 0
        self._file = -1

    def __enter__(self) -> Self:
        deadline = time.monotonic() + self._patience
        if not self._thread.acquire(timeout=self._patience):
            raise self._held()
        try:
            if self._depth == 0:
                self._take(deadline)
            self._depth += 1
        except BaseException:
            self._thread.release()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._depth -= 1
        if self._depth == 0:
            os.close(self._file)  # which frees the lock
        self._thread.release()

    def _take(self, deadline: float) -> None:
        try:
            self._path.parent.mkdir(exist_ok=True)
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        except OSError as error:
            raise StoreError(
                f"The store cannot be locked: {error.strerror}", hint=f"Is {self._path} writable?"
            ) from error
        if not lock(self._file, max(0, deadline - time.monotonic())):
            os.close(self._file)
            raise self._held()
        self._sign()

    def _sign(self) -> None:
        holder = json.dumps({"owner": "schema-mcp", "pid": os.getpid(), "since": int(self._clock())})
        with suppress(OSError):  # on a full disk the lock holds without a name
            os.truncate(self._file, 0)
            os.pwrite(self._file, holder.encode(), 0)

    def _held(self) -> LockHeldError:
        try:
            holder: dict[str, Any] = dict(json.loads(self._path.read_bytes()))
        except (OSError, ValueError):  # in the instant before its holder has signed it
            holder = {}
        return LockHeldError(
            f"Another process (pid {holder.get('pid', 'unknown')}) is writing to the store",
            hint=f"Nothing was changed after {self._patience:g} s of waiting; try again in a moment.",
            details=holder,
        )
