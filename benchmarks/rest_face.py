"""Registering and reading over the embedded registry's REST face, beside Apicurio's Confluent-compatible face.

usage: python benchmarks/rest_face.py [--rounds 5] [--seconds 2]      (Maven and Java fetch Apicurio once)
Both run on loopback and are asked in turn, A B A B, by the same raw client; medians, the spread and their ratio. Ours
is durable: every registration, and the audit line before and after it, is on the disk before it is answered. Apicurio
keeps everything in memory. It has its best compiler and is warmed up first.
"""

import argparse
import itertools
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from live.products import apicurio
from live.products.process import NotRunError, free_port, running

REGISTRIES = "registries:\n  dev: { backend: embedded, path: .schema-mcp/dev.sqlite }\n"
WARM_UP = 3.0
PATIENCE = 20.0
FIELDS = 12
CLIENTS = (1, 8)
TARGETS = {("registrations", 1): 2.0, ("reads by id", 1): 1.0, ("reads of latest", 1): 1.0}


class Client:
    """One connection kept open, spoken to in raw bytes, so that the client costs nothing."""

    def __init__(self, port: int, base: str) -> None:
        self._base = base
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self._socket.makefile("rb")

    def ask(self, method: str, path: str, body: bytes = b"") -> bytes:
        kind = "Content-Type: application/vnd.schemaregistry.v1+json\r\n" if body else ""
        head = f"{method} {self._base}{path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{kind}Content-Length: {len(body)}\r\n\r\n"
        self._socket.sendall(head.encode() + body)
        status = self._file.readline()
        length = 0
        while (line := self._file.readline()) != b"\r\n":
            if line[:15].lower() == b"content-length:":
                length = int(line[15:])
        answer = self._file.read(length)
        assert b" 200 " in status, (status, answer)
        return answer

    def close(self) -> None:
        self._file.close()
        self._socket.close()


@dataclass(slots=True)
class Server:
    """A registry under load: where it answers, and what has been registered so far."""

    name: str
    port: int
    base: str
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)
    ids: list[int] = field(default_factory=list[int])

    def client(self) -> Client:
        return Client(self.port, self.base)

    def register(self, client: Client) -> None:
        number = next(self.numbers)
        answer = client.ask("POST", f"/subjects/{subject(number)}/versions", request(number))
        self.ids.append(json.loads(answer)["id"])

    def read(self, client: Client) -> None:
        known = self.ids[next(self.numbers) * 31 % len(self.ids)]
        assert client.ask("GET", f"/schemas/ids/{known}")

    def read_latest(self, client: Client) -> None:
        assert client.ask("GET", f"/subjects/{subject(self.numbered())}/versions/latest")

    def numbered(self) -> int:
        return next(self.numbers) * 31 % WARMED


WARMED = 200
"""Subjects that the warm-up makes at least, for reads of their latest versions."""

ACTS: dict[str, Callable[[Server, Client], None]] = {
    "registrations": Server.register,
    "reads by id": Server.read,
    "reads of latest": Server.read_latest,
}


def subject(number: int) -> str:
    return f"orders-{number:06}-value"


def request(number: int) -> bytes:
    """A record of its own, as a team would register it."""
    fields = [{"name": f"field_{place}", "type": ["null", "string"], "default": None} for place in range(FIELDS)]
    record = {"type": "record", "name": f"Order{number}", "namespace": "com.example", "fields": fields}
    return json.dumps({"schema": json.dumps(record)}).encode()


@contextmanager
def ours(folder: Path) -> Generator[Server]:
    subprocess.run(["git", "init", "-q", "-b", "main"], cwd=folder, check=True)
    (folder / "registries.yaml").write_text(REGISTRIES)
    port = free_port()
    command = [sys.executable, "-m", "schema_mcp", "serve", "--http", "--port", str(port)]
    with running(command, folder, lambda: _answers(port, "/health")):
        yield Server("schema-mcp", port, "/registries/dev")


@contextmanager
def theirs(folder: Path) -> Generator[Server]:
    with apicurio.started(folder, flags=("-Xmx1g",)) as address:
        yield Server("Apicurio", int(address.rpartition(":")[2]), "/apis/ccompat/v7")


def _answers(port: int, path: str) -> bool:
    try:
        return bool(Client(port, "").ask("GET", path))
    except OSError:
        return False


def rate(server: Server, act: Callable[[Server, Client], None], clients: int, seconds: float) -> float:
    """How often per second `clients` together get it done."""

    def work(client: Client) -> int:
        done = 0
        while time.perf_counter() < until:
            try:
                act(server, client)
            except TimeoutError:  # Apicurio left one of some 100,000 requests without an answer
                print(f"{server.name} did not answer a request within {PATIENCE:g} s", flush=True)
                break
            done += 1
        return done

    opened = [server.client() for _ in range(clients)]
    until = (began := time.perf_counter()) + seconds
    with ThreadPoolExecutor(clients) as pool:
        done = sum(pool.map(work, opened))
    took = time.perf_counter() - began
    for client in opened:
        client.close()
    return done / took


def warm_up(server: Server) -> None:
    client = server.client()
    for _ in range(WARMED):
        server.register(client)
    for clients, act in itertools.product(CLIENTS, ACTS.values()):
        rate(server, act, clients, WARM_UP)


def compare(servers: tuple[Server, Server], rounds: int, seconds: float) -> None:
    for clients, (what, act) in itertools.product(CLIENTS, ACTS.items()):
        rates: tuple[list[float], list[float]] = ([], [])
        for _ in range(rounds):
            for server, measured in zip(servers, rates, strict=True):
                measured.append(rate(server, act, clients, seconds))
        ratio = statistics.median(rates[0]) / statistics.median(rates[1])
        shown = "   ".join(f"{server.name} {_spread(found)}" for server, found in zip(servers, rates, strict=True))
        target = TARGETS.get((what, clients))
        print(f"{what:16} {clients} client{'s'[: clients - 1]:1}  {shown}   ratio {ratio:5.2f}", end="")
        print(f"   target >= {target:g}" if target else "   (told)", flush=True)


def _spread(rates: list[float]) -> str:
    return f"{statistics.median(rates):7,.0f}/s ({min(rates):,.0f} to {max(rates):,.0f})"


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--rounds", type=int, default=5)
    asked.add_argument("--seconds", type=float, default=2.0)
    options = asked.parse_args()
    with ExitStack() as stack:
        folders = [Path(stack.enter_context(tempfile.TemporaryDirectory())) for _ in range(2)]
        try:
            servers = stack.enter_context(ours(folders[0])), stack.enter_context(theirs(folders[1]))
        except NotRunError as error:
            sys.exit(f"NOT RUN: {error}")
        for server in servers:
            warm_up(server)
        compare(servers, options.rounds, options.seconds)


if __name__ == "__main__":
    main()
