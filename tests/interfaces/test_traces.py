"""Where OpenTelemetry's variables ask for it, calls become spans of the client's trace, at a collector of one's own."""

import json
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx2
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from interfaces.conftest import ORDER
from interfaces.house import ACCEPT
from interfaces.processes import META, PATIENCE, serving
from schema_mcp import tracing

TRACE, PARENT, CANARY = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", "canary-4711"
OURS = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
CONFIGURATION = """\
default: dev
registries:
  dev: {}
  far: { backend: confluent, url: "http://127.0.0.1:9", retries: 0 }
"""


class Collector:
    """What was sent to a collector: spans by name, and everything as bytes."""

    def __init__(self) -> None:
        self.raw: list[bytes] = []
        self.logins: list[str] = []
        self.spans: list[Any] = []
        self.services: set[str] = set()
        self.url = ""

    def take(self, body: bytes, login: str) -> None:
        self.raw.append(body)
        self.logins.append(login)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.services |= {
                one.value.string_value for one in resource.resource.attributes if one.key == "service.name"
            }
            self.spans += [span for scope in resource.scope_spans for span in scope.spans]

    def named(self, name: str) -> Any:
        return next(one for one in self.spans if one.name == name)


def said(span: Any) -> dict[str, str]:
    return {one.key: one.value.string_value or str(one.value.int_value) for one in span.attributes}


@contextmanager
def collector() -> Generator[Collector]:
    found = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.take(body, self.headers.get("authorization", ""))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found.url = f"http://127.0.0.1:{server.server_address[1]}"
        running = Thread(target=server.serve_forever)
        running.start()
        yield found
        server.shutdown()
        running.join()


@pytest.fixture
def folder(world: Path) -> Path:
    (world / "registries.yaml").write_text(CONFIGURATION, encoding="utf-8")
    return world


def test_spans_are_part_of_the_clients_trace_and_tell_how_calls_ended(folder: Path, environ: dict[str, str]):
    with collector() as seen:
        environ |= {"OTEL_EXPORTER_OTLP_ENDPOINT": seen.url, "OTEL_EXPORTER_OTLP_HEADERS": f"authorization={CANARY}"}
        with serving(folder, environ, "--toolsets", "all", "--log", "debug") as server:
            server.initialize()

            def call(name: str, **arguments: Any) -> dict[str, Any]:
                return server.ask("tools/call", {"name": name, "arguments": arguments, "_meta": OURS})["result"]

            call("list_registries")
            call("list_subjects", registry="far")
            call("get_schema", subject=CANARY)
            call("register_schema", subject="orders", schema_text=ORDER.replace("Order", CANARY.replace("-", "_")))
            call("list_subjects", registry=CANARY)
            call("list_subjects", **{CANARY: CANARY})
            call(f"tool-{CANARY}")
            server.ask(f"method/{CANARY}", {"_meta": OURS})
            server.ask("resources/read", {"uri": "registry://dev", "_meta": OURS})
            server.ask("resources/read", {"uri": f"schema://dev/default/{CANARY}/1", "_meta": OURS})
            assert server.stop() == 0
            logged = server.complaints()

    assert seen.services == {"schema-mcp"}
    assert set(seen.logins) == {CANARY}
    assert CANARY.encode() not in b"".join(seen.raw)
    assert CANARY.replace("-", "_").encode() not in b"".join(seen.raw)
    assert CANARY not in logged

    ok = seen.named("tools/call list_registries")
    assert (ok.trace_id.hex(), ok.parent_span_id.hex()) == (TRACE, PARENT)
    assert said(ok)["schema_mcp.outcome"] == "ok"
    assert "error.type" not in said(ok)
    calls = [json.loads(line) for line in logged.splitlines() if '"call ended"' in line]
    assert said(ok)["schema_mcp.request_id"] == calls[0]["request_id"]

    away = seen.named("tools/call list_subjects")
    assert said(away) | {"schema_mcp.registry": "far", "error.type": "registry_error"} == said(away)
    assert (said(away)["schema_mcp.outcome"], away.status.code, away.status.message) == ("failed", 2, "")
    asked = next(one for one in seen.spans if one.parent_span_id == away.span_id)
    assert asked.name == "GET far"
    assert said(asked) | {"schema_mcp.registry": "far", "error.type": "no_answer"} == said(asked)

    refused = [said(one) for one in seen.spans if one.name == "tools/call list_subjects"][1:]
    assert [one["error.type"] for one in refused] == ["not_found", "invalid_request"]
    assert said(seen.named("tools/call"))["error.type"] == "not_found"
    assert said(seen.named("other"))["error.type"] == "-32601"
    assert said(seen.named("resources/read registry://{name}"))["schema_mcp.registry"] == "dev"
    assert not [event for span in seen.spans for event in span.events]


def test_over_http_too(folder: Path, environ: dict[str, str]):
    with collector() as seen:
        environ |= {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{seen.url}/v1/traces", "OTEL_SERVICE_NAME": "schemas"}
        with serving(folder, environ, "--http", "--port", "0") as server:
            assert server.process.stderr
            url = server.process.stderr.readline().split()[-1]
            params = {"name": "list_registries", "arguments": {}, "_meta": META | OURS}
            asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
            headers = ACCEPT | {
                "MCP-Protocol-Version": "2026-07-28",
                "Mcp-Method": "tools/call",
                "Mcp-Name": "list_registries",
            }
            answer = httpx2.post(url, json=asked, headers=headers, timeout=PATIENCE)
            assert server.stop() == 0

    span = seen.named("tools/call list_registries")
    assert span.trace_id.hex() == TRACE
    assert said(span)["schema_mcp.request_id"] == answer.headers["x-request-id"]
    assert seen.services == {"schemas"}


def test_a_collector_that_is_away_keeps_nobody_waiting(folder: Path, environ: dict[str, str]):
    environ |= {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    with serving(folder, environ) as server:
        server.initialize()
        assert not server.call("list_registries").get("isError")
        assert server.close() == 0


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({"OTEL_TRACES_EXPORTER": "console, otlp"}, True),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, False),
        ({"OTEL_TRACES_EXPORTER": "console"}, False),
        ({"OTEL_SDK_DISABLED": "true", "OTEL_TRACES_EXPORTER": "otlp"}, False),
    ],
    ids=str,
)
def test_traces_are_sent_where_the_usual_variables_ask_for_them(environ: dict[str, str], wanted: bool):
    assert tracing.is_asked_for(environ) is wanted


def test_what_the_exporter_shows_the_collector_is_masked_in_both_its_forms():
    environ = {"OTEL_EXPORTER_OTLP_HEADERS": "authorization=Basic%20hunter2,x-key = hunter3"}

    assert tracing.secrets(environ) == {"Basic%20hunter2", "Basic hunter2", "hunter3"}


@pytest.mark.parametrize(
    ("before", "environ", "told"),
    [
        pytest.param("", "{}", "False []", id="nobody asks"),
        pytest.param(
            "sys.modules['opentelemetry.exporter'] = None",
            "{'OTEL_TRACES_EXPORTER': 'otlp'}",
            "False []",
            id="the extra is not installed",
        ),
    ],
)
def test_without_a_wish_or_the_extra_nothing_is_loaded(before: str, environ: str, told: str):
    code = (
        f"import sys; {before or 'pass'}; from schema_mcp import tracing; on = tracing.tracing({environ}).is_on;"
        "print(on, [name for name in sys.modules if name.startswith('opentelemetry.sdk')])"
    )

    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ran.stdout.strip() == told
    assert ("schema-mcp[otel]" in ran.stderr) == bool(before)
