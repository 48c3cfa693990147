"""Start, memory, guarded calls and the size of the list, beside a bare server on the same SDK.

usage: python benchmarks/server.py [--runs 7] [--calls 600]       (Linux: memory is read from /proc)
Both are started and called in turn, in one run; medians and their ratio are printed beside the target.
"""

import argparse
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

BARE = Path(__file__).with_name("bare_server.py")
REGISTRIES = "registries:\n  dev: { backend: embedded, path: .schema-mcp/dev.sqlite }\n"
HELLO = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "bench", "version": "0"}}
META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}
SCHEMA = '{"type": "record", "name": "Order", "fields": [{"name": "id", "type": "long"}]}'
GET, ECHO = ("get_schema", {"subject": "orders-value"}), ("echo", {"text": "hi"})


class OverStdio:
    """A server process, spoken to in raw lines, so that the client costs nothing."""

    def __init__(self, command: list[str], folder: str) -> None:
        began = time.perf_counter()
        self.process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self.number = 0
        self.ask("initialize", HELLO)
        self.started = time.perf_counter() - began
        self._send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    @property
    def memory(self) -> float:
        """Resident MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024

    def ask(self, method: str, params: Any) -> bytes:
        self.number += 1
        self._send({"jsonrpc": "2.0", "id": self.number, "method": method, "params": params})
        assert self.process.stdout
        return self.process.stdout.readline()

    def call(self, name: str, arguments: Any) -> bytes:
        return self.ask("tools/call", {"name": name, "arguments": arguments})

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(15)

    def _send(self, message: Any) -> None:
        assert self.process.stdin
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()


class OverHttp:
    """The same over Streamable HTTP, on one connection kept open."""

    def __init__(self, command: list[str], folder: str, port: int) -> None:
        self.process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.port = port
        for _ in range(300):
            try:
                self.socket = socket.create_connection(("127.0.0.1", port))
                break
            except OSError:
                time.sleep(0.1)
        self.file = self.socket.makefile("rb")

    def call(self, name: str, arguments: Any) -> bytes:
        params = {"name": name, "arguments": arguments, "_meta": META}
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()
        head = (
            f"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nContent-Type: application/json\r\n"
            "Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\n"
            f"Mcp-Method: tools/call\r\nMcp-Name: {name}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        self.socket.sendall(head.encode() + body)
        length = 0
        while (line := self.file.readline().strip()) != b"":
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        return self.file.read(length) if length else self._chunks()

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(15)

    def _chunks(self) -> bytes:
        whole = b""
        while size := int(self.file.readline(), 16):
            whole += self.file.read(size)
            self.file.readline()
        self.file.readline()
        return whole


def line(what: str, ours: float, bare: float, unit: str, target: float) -> None:
    print(f"{what:46} {ours:8.2f} {unit:4} bare {bare:8.2f} {unit:4} ratio {ours / bare:5.2f}   target <= {target}")


def timed(act: Callable[[], bytes]) -> float:
    began = time.perf_counter()
    answer = act()
    assert b'"isError":true' not in answer, answer
    return (time.perf_counter() - began) * 1_000


def calls(what: str, ours: Any, bare: Any, number: int) -> None:
    for _ in range(100):
        timed(lambda: ours.call(*GET)), timed(lambda: bare.call(*ECHO))
    pairs = [(timed(lambda: ours.call(*GET)), timed(lambda: bare.call(*ECHO))) for _ in range(number)]
    line(what, *(statistics.median(side) for side in zip(*pairs, strict=True)), "ms", 1.5)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--runs", type=int, default=7)
    asked.add_argument("--calls", type=int, default=600)
    options = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        prepare(folder)
        ours, bare = [sys.executable, "-m", "schema_mcp", "serve"], [sys.executable, str(BARE)]
        starts(folder, ours, bare, options.runs)
        talk(folder, ours, bare, options.calls)


def prepare(folder: str) -> None:
    subprocess.run(["git", "init", "-q", "-b", "main"], cwd=folder, check=True)
    for name, value in (("user.name", "Bench"), ("user.email", "bench@example.com")):
        subprocess.run(["git", "config", name, value], cwd=folder, check=True)
    (Path(folder) / "registries.yaml").write_text(REGISTRIES)
    register = [sys.executable, "-m", "schema_mcp", "register-schema", "--subject", "orders-value"]
    subprocess.run([*register, "--schema-text", SCHEMA], cwd=folder, check=True, stdout=subprocess.DEVNULL)


def starts(folder: str, ours: list[str], bare: list[str], runs: int) -> None:
    def once(command: list[str]) -> tuple[float, float]:
        server = OverStdio(command, folder)
        figures = server.started * 1_000, server.memory
        server.close()
        return figures

    once(ours), once(bare)
    pairs = [(once(ours), once(bare)) for _ in range(runs)]
    for row, what, unit, target in (
        (0, "start to initialize, stdio", "ms", 1.3),
        (1, "resident memory then", "MiB", 1.4),
    ):
        line(
            what, *(statistics.median(side[row] for side in sides) for sides in zip(*pairs, strict=True)), unit, target
        )


def talk(folder: str, ours: list[str], bare: list[str], number: int) -> None:
    first, second = OverStdio(ours, folder), OverStdio(bare, folder)
    calls("guarded get_schema, stdio", first, second, number)
    for flags, limits in (((), (13_000, 26_000)), (("--toolsets", "all"), (52_000, 104_000))):
        server = OverStdio([*ours, *flags], folder)
        raw = server.ask("tools/list", {})
        tools = json.loads(raw)["result"]["tools"]
        seen = [{key: tool[key] for key in ("name", "description", "inputSchema")} for tool in tools]
        size = len(json.dumps(seen, separators=(",", ":")))
        which = "all tools" if flags else "default surface"
        print(
            f"tools/list, {which:15} ({len(tools):2} tools)  to a model {size:7,} bytes, target <= {limits[0]:,}; "
            f"on the wire {len(raw):7,}, target <= {limits[1]:,}"
        )
        server.close()
    first.close(), second.close()
    port = free_port()
    web = OverHttp([*ours, "--http", "--port", str(port)], folder, port)
    for what, parser in (("HTTP", "h11"), ("HTTP, bare with our parser", "httptools")):
        port = free_port()
        plain = OverHttp([*bare, str(port), parser], folder, port)
        calls(f"guarded get_schema, {what}", web, plain, number)
        plain.close()
    web.close()


if __name__ == "__main__":
    main()
