"""The recorded conversations with Confluent Schema Registry 8.1.5, replayed against the REST face.

Every scenario meets an empty registry, in a file where it is restarted; each answer must be the recorded one: status,
error code, and for answers of 200 the whole body (times aside). What differs on purpose stands in `deviations.json`
with a reason.
"""

import itertools
import json
from pathlib import Path
from urllib.parse import unquote

import pytest

from schema_mcp.domain.schema import Level
from schema_mcp.interfaces.registry_api.face import registry_routes
from schema_mcp.interfaces.registry_api.gate import OpenGate
from schema_mcp.registries.embedded.core import Core
from schema_mcp.registries.embedded.session import Paging, ServerSettings

CASES = Path(__file__).parent.parent / "cases" / "recordings"
MEDIA_TYPE = "application/vnd.schemaregistry.v1+json"
OURS_TO_CHOOSE = ("/v1/metadata/id", "/v1/metadata/version")  # each server names itself there
SUPERSEDED = {
    ("07_metadata_ruleset", "rulesets"),
    ("07_metadata_ruleset", "default_override_metadata"),
    ("07_metadata_ruleset", "tags_endpoint"),
    ("15_ids_guids", "guid_identity"),
    ("16_bulk_schemas", "bulk"),
    ("17_config", "config_fields"),
}
"""Recorded again in file 28 with rule sets let through: that is what we do."""


DEVIATIONS = json.loads((CASES / "deviations.json").read_text("utf-8"))


def scenarios():
    for path in sorted(CASES.glob("*.jsonl")):
        rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        for scenario, group in itertools.groupby(rows, key=lambda row: row["scenario"]):
            if (path.stem, scenario) not in SUPERSEDED:
                yield pytest.param(list(group), deviating(path.stem, scenario), id=f"{path.stem}-{scenario}")


def deviating(file, scenario):
    return {step for row in DEVIATIONS if (row["file"], row["scenario"]) == (file, scenario) for step in row["steps"]}


@pytest.mark.parametrize(("rows", "deviations"), list(scenarios()))
async def test_answers_as_recorded(rows, deviations, tmp_path):
    different = await replay(rows, tmp_path / "registry.sqlite")

    unexpected = [f"step {step}: {why}" for step, why in different.items() if step not in deviations]
    assert not unexpected, "\n".join(unexpected)
    assert deviations <= different.keys(), "a deviation is gone: take it off the list"


def test_deviations_are_few_and_have_reasons():
    assert len(DEVIATIONS) <= 30
    assert all(row["reason"] for row in DEVIATIONS)


async def replay(rows, path):
    """The steps that are answered otherwise, and how."""
    restarts = any(row["method"] == "RESTART" for row in rows)
    server = Server(path if restarts else None, rows[0].get("server_settings") or {})
    different = {}
    for row in rows:
        if row["method"] == "RESTART":
            server.restart()
            continue
        status, body = await server.send(row)
        why = difference(row, status, body) if is_scored(row) else None
        if why:
            different[row["step"]] = why
    server.core.close()
    return different


def is_scored(row):
    """Answers of 500 are faults of the product; HTML is its HTTP server's own page, of which the status counts."""
    return row["status"] < 500 and not row["path"].endswith(OURS_TO_CHOOSE)


def difference(row, status, body):
    want = row["response"]
    if status != row["status"]:
        return f"{asked(row)} -> {status} {body}, recorded {row['status']} {want}"
    if status >= 400:
        code = want.get("error_code") if isinstance(want, dict) else None
        got = body.get("error_code") if isinstance(body, dict) else None
        return f"{asked(row)} -> {got} {body}, recorded {code}" if code != got else None
    if status == 200 and row["method"] not in ("HEAD", "OPTIONS") and not same(want, body):
        return f"{asked(row)} ->\n     {json.dumps(body)[:1500]}\n     recorded\n     {json.dumps(want)[:1500]}"
    return None


def asked(row):
    return f"{row['method']} {row['path']} {json.dumps(row.get('request'))[:300]}"


def same(want, got):
    """Equal but for times; 1 is not true."""
    if isinstance(want, dict) and isinstance(got, dict):
        return want.keys() == got.keys() and all(key == "ts" or same(want[key], got[key]) for key in want)
    if isinstance(want, list) and isinstance(got, list):
        return len(want) == len(got) and all(map(same, want, got))
    return want == got and isinstance(want, bool) == isinstance(got, bool)


class Server:
    """The REST face over one registry, called as an ASGI server would: with the path as it was sent."""

    def __init__(self, path, settings):
        self.path = path
        self.settings = server_settings(settings)
        self.largest_body = int(settings.get("size.limit.filter.max.request.body.size", 10**7))
        self.restart()

    def restart(self):
        if hasattr(self, "core"):
            self.core.close()
        self.core = Core(self.path, self.settings)
        (self.route,) = registry_routes({"test": self.core}, OpenGate(), largest_body=self.largest_body)

    async def send(self, row):
        path, _, query = row["path"].partition("?")
        raw = b"/registries/test" + path.encode("latin-1")
        scope = {
            "type": "http",
            "method": row["method"],
            "path": unquote(path),
            "raw_path": raw,
            "query_string": query.encode("latin-1"),
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers(row).items()],
        }
        sent = []

        async def receive():
            return {"type": "http.request", "body": body_of(row), "more_body": False}

        async def send(message):
            sent.append(message)

        await self.route.handle(scope, receive, send)
        # A server sends no body in answer to HEAD, whatever the application gives it.
        body = b"".join(message.get("body", b"") for message in sent if row["method"] != "HEAD")
        try:
            return sent[0]["status"], json.loads(body)
        except ValueError:
            return sent[0]["status"], body.decode()


def headers(row):
    found = {"Accept": MEDIA_TYPE} | ({} if row.get("request") is None else {"Content-Type": MEDIA_TYPE})
    for name, value in (row.get("request_headers") or {}).items():
        found.pop(name, None)
        if value is not None:
            found[name] = value
    return found


def body_of(row):
    request = row.get("request")
    if isinstance(request, dict) and set(request) == {"__raw__"}:
        return request["__raw__"].encode("latin-1")
    return b"" if request is None else json.dumps(request).encode()


def server_settings(given):
    def paging(name):
        default, most = (given.get(f"{name}.search.{limit}.limit") for limit in ("default", "max"))
        return Paging(int(default), int(most)) if default else getattr(ServerSettings(), NAMES[name])

    return ServerSettings(
        level=Level(given.get("schema.compatibility.level", "backward").upper()),
        mutable_modes=given.get("mode.mutability") != "false",
        validate_fields=given.get("schema.validate.fields") == "true",
        named_subjects_only=given.get("schema.reject.empty.subject") == "true",
        **{attribute: paging(name) for name, attribute in NAMES.items()},
    )


NAMES = {"schema": "schemas", "subject": "subjects", "subject.version": "versions"}
