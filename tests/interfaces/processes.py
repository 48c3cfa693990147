"""Our server as a process of its own, spoken to in raw lines."""

import json
import signal
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from typing import Any

PATIENCE = 60
"""Seconds after which a silent server is taken for dead."""

META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}


class Process:
    """A running `schema-mcp serve`."""

    def __init__(self, process: subprocess.Popen[str]):
        self.process = process
        self._asked = 0
        self._watch = self._watched()

    def tell(self, message: Mapping[str, Any]) -> None:
        assert self.process.stdin
        self.process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        self.process.stdin.flush()

    def ask(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a request; notifications on the way are passed over."""
        assert self.process.stdout
        self._asked += 1
        self._watch.cancel()
        self._watch = self._watched()
        self.tell({"id": self._asked, "method": method, "params": params})
        while line := self.process.stdout.readline():
            answer: dict[str, Any] = json.loads(line)
            if answer.get("id") == self._asked:
                return answer
        raise EOFError(self.complaints())

    def initialize(self, version: str = "2025-11-25") -> dict[str, Any]:
        client = {"name": "test", "version": "0"}
        answer = self.ask("initialize", {"protocolVersion": version, "capabilities": {}, "clientInfo": client})
        self.tell({"method": "notifications/initialized"})
        return answer["result"]

    def call(self, name: str, **arguments: Any) -> dict[str, Any]:
        return self.ask("tools/call", {"name": name, "arguments": arguments})["result"]

    def close(self) -> int:
        """Close its stdin and wait for the end."""
        assert self.process.stdin
        self.process.stdin.close()
        return self.process.wait(PATIENCE)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        return self.process.wait(PATIENCE)

    def end(self) -> None:
        self._watch.cancel()
        self.process.kill()

    def _watched(self) -> Timer:
        """A server that was asked and says nothing is killed: then whoever asked reads the end of its output."""
        watch = Timer(PATIENCE, self.process.kill)
        watch.start()
        return watch

    def complaints(self) -> str:
        assert self.process.stderr
        return self.process.stderr.read()


@contextmanager
def serving(folder: Path, environ: Mapping[str, str], *options: str) -> Generator[Process]:
    """A server in a folder, ended when the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", "schema_mcp", "serve", *options],
        cwd=folder,
        env=dict(environ),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        server = Process(process)
        try:
            yield server
        finally:
            server.end()
