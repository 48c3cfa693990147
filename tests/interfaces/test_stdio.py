"""The server as a process: what clients send first, what stands on stdout, how it ends."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from interfaces.processes import META, PATIENCE, serving

INITIALIZE = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "0"}}
DISCOVER = ("server/discover", {"_meta": META})
HANDSHAKE = ("initialize", INITIALIZE)
LIST, LIST_MODERN = ("tools/list", dict[str, Any]()), ("tools/list", {"_meta": META})


@pytest.mark.parametrize(
    "opening",
    [
        pytest.param([DISCOVER, HANDSHAKE, LIST], id="probe-then-handshake"),
        pytest.param([DISCOVER, HANDSHAKE, HANDSHAKE, LIST], id="probe-then-handshake-twice"),
        pytest.param([DISCOVER, LIST_MODERN, DISCOVER], id="probe-then-modern"),
        pytest.param([LIST_MODERN], id="modern-without-probe"),
        pytest.param([HANDSHAKE, LIST], id="handshake"),
    ],
)
def test_every_opening_that_clients_use_is_understood(
    world: Path, environ: dict[str, str], opening: list[tuple[str, dict[str, Any]]]
):
    with serving(world, environ) as server:
        answers = [server.ask(*request) for request in opening]
        code = server.close()

    assert [answer for answer in answers if "result" not in answer] == []
    assert len([answer for answer in answers if answer["result"].get("tools")]) == 1
    assert code == 0


@pytest.mark.parametrize("version", ["2025-06-18", "2025-11-25"])
def test_a_handshake_agrees_on_the_clients_version(world: Path, environ: dict[str, str], version: str):
    with serving(world, environ) as server:
        hello = server.initialize(version)

    assert hello["protocolVersion"] == version
    assert hello["serverInfo"]["name"] == "schema-mcp"
    assert hello["capabilities"] == {
        "completions": {},
        "prompts": {"listChanged": False},
        "resources": {"listChanged": False, "subscribe": True},
        "tools": {"listChanged": False},
    }


def test_the_probe_offers_both_eras(world: Path, environ: dict[str, str]):
    with serving(world, environ) as server:
        offer = server.ask(*DISCOVER)["result"]

    assert {"2026-07-28", "2025-11-25", "2025-06-18"} <= set(offer["supportedVersions"])


def test_what_one_process_registers_the_next_one_finds(world: Path, environ: dict[str, str]):
    with serving(world, environ) as server:
        server.initialize()
        made = server.call("register_schema", subject="orders-value", schema='"string"')
        server.close()
    with serving(world, environ) as server:
        server.initialize()
        read = server.call("get_schema", subject="orders-value")

    assert not made.get("isError"), made
    assert read["structuredContent"]["id"] == made["structuredContent"]["id"]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_peace(world: Path, environ: dict[str, str], how: signal.Signals):
    with serving(world, environ) as server:
        server.initialize()
        server.call("list_registries")
        code = server.stop(how)
        complaints = server.complaints()

    assert (code, complaints) == (0, "")


def test_the_end_of_stdin_before_anything_was_said_ends_it(world: Path, environ: dict[str, str]):
    with serving(world, environ) as server:
        assert server.close() == 0


def test_nothing_but_the_protocol_stands_on_stdout(world: Path, environ: dict[str, str]):
    lines = ["not json", json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": INITIALIZE})]

    run = subprocess.run(
        [sys.executable, "-m", "schema_mcp", "serve", "--log", "debug"],
        input="\n".join(lines) + "\n",
        cwd=world,
        env=environ,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )

    assert [json.loads(line)["jsonrpc"] for line in run.stdout.splitlines()] != []
    assert [line for line in run.stderr.splitlines() if "level" not in json.loads(line)] == []


def test_a_wrong_setting_is_refused_at_the_start(world: Path, environ: dict[str, str]):
    (world / "registries.yaml").write_text("registries:\n  dev: { backend: embeded, path: x }\n", encoding="utf-8")

    with serving(world, environ) as server:
        code = server.process.wait(PATIENCE)
        complaints = server.complaints()

    assert code == 2
    assert [word for word in ("registries.yaml, line 2", "embeded", "'embedded'") if word not in complaints] == []
    assert "Traceback" not in complaints


def test_it_starts_and_works_with_nothing_configured(tmp_path: Path, environ: dict[str, str]):
    with serving(tmp_path, environ) as server:
        server.initialize()
        made = server.call("register_schema", subject="first-value", schema='"string"')
        listed = server.call("list_registries")

    assert not made.get("isError"), made
    assert "local" in json.dumps(listed["structuredContent"]["registries"])
    assert "Nothing is configured" in json.dumps(listed["structuredContent"])


def test_starting_writes_nothing(world: Path, environ: dict[str, str]):
    with serving(world, environ) as server:
        server.initialize()

    assert sorted(one.name for one in world.iterdir()) == [".git", "registries.yaml"]
