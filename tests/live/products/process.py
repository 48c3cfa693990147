"""Fetch, start, wait, end: what all products have in common."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

CACHE = Path(__file__).parents[3] / ".cache" / "live"
"""What was fetched stays here between runs."""

FETCHING = 600
"""Seconds a download or a build may take."""

STARTING = 90
"""Seconds from the launch to the first good answer."""

ENDING = 30
"""Seconds from the request to end until it is forced."""

_INHERITED = ("PATH", "HOME", "LANG", "TMPDIR", "USER")


class NotRunError(Exception):
    """A product that cannot be had here, and why."""


def tool(name: str) -> str:
    """A program that fetches or builds a product."""
    found = shutil.which(name)
    if found is None:
        raise NotRunError(f"{name} is not installed")
    return found


def fetch(command: Sequence[str], folder: Path) -> None:
    """Run a program that brings something from its own package repositories."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=FETCHING, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotRunError(f"{Path(command[0]).name} did not end well: {type(error).__name__}") from error
    if done.returncode:
        raise NotRunError(f"{Path(command[0]).name} ended with {done.returncode}: {_why(done.stdout + done.stderr)}")


def _why(output: str) -> str:
    # Build tools print addresses of repositories; the page that shows this names none.
    lines = [line.strip() for line in output.splitlines() if line.strip() and "://" not in line]
    return lines[-1][:200] if lines else "no words"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@contextmanager
def running(
    command: Sequence[str], folder: Path, answers: Callable[[], bool], **environ: str
) -> Generator[subprocess.Popen[bytes]]:
    """A product as a process of its own, in an empty folder, from its first good answer to the end of the block."""
    kept = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    log = folder / "output.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*_dies_with_us(), *command],
            cwd=folder,
            env=kept | environ,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait(process, answers, log)
        yield process
    finally:
        _end(process)


def _dies_with_us() -> list[str]:
    """A prefix that ends a product even when we are killed, where util-linux is there."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL"] if setpriv else []


def _wait(process: subprocess.Popen[bytes], answers: Callable[[], bool], log: Path) -> None:
    deadline = time.monotonic() + STARTING
    while not answers():
        if process.poll() is not None:
            raise NotRunError(f"it ended with {process.returncode}: {_why(log.read_text(errors='replace'))}")
        if time.monotonic() > deadline:
            raise NotRunError(f"no answer within {STARTING} s")
        time.sleep(0.05)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(ENDING)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(ENDING)


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
