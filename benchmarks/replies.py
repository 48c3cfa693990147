"""The largest reply of every tool at 10,000 subjects, in bytes on the wire.

usage: python benchmarks/replies.py [--subjects 10000]
Two embedded registries of that many subjects, all of which use one other, and a tenth of which share one text; every
tenth text of the second registry is another.
The first is adopted into a store; then each tool is really called, in the order of the table, and asked for as much as
it gives. What a tool refuses is a reply, too. A tool without a row in the table is told as not covered.
Each call is printed once it is answered; the target at the end counts for the largest of them.
"""

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio

from schema_mcp import app
from schema_mcp.domain.caller import Caller, Scope
from schema_mcp.domain.errors import SchemaMcpError
from schema_mcp.domain.schema import Reference, Subject
from schema_mcp.interfaces.mcp.replies import WIRE_BYTES, refusal, success
from schema_mcp.registries.embedded import registration
from schema_mcp.registries.embedded.core import Core
from schema_mcp.registries.embedded.drafts import Draft
from schema_mcp.registries.embedded.session import Session
from schema_mcp.settings import load
from schema_mcp.toolkit.call import call
from schema_mcp.tools import CATALOGUE

REGISTRIES = """\
default: west
registries:
  west: { backend: embedded, path: .schema-mcp/west.sqlite }
  east: { backend: embedded, path: .schema-mcp/east.sqlite }
"""
AT_ONCE = 500
MONEY = '{"type":"record","name":"Money","namespace":"shop","fields":[{"name":"amount","type":"long"}]}'
SHARED = 11
"""The id of the text that every tenth subject has."""
USED, ONE = "money-value", "team-0.orders-00000-value"
NEW = json.dumps({"type": "record", "name": "New", "fields": [{"name": f"f{n}", "type": "int"} for n in range(100)]})

Arguments = Mapping[str, Any]
CALLS: tuple[tuple[str, Arguments], ...] = (
    ("list_registries", {}),
    ("get_registry_info", {}),
    ("test_registry_connection", {}),
    ("explain_access", {"tool": "register_schema"}),
    ("get_statistics", {}),
    ("compare_registries", {"source": "west", "target": "east"}),
    ("list_subjects", {}),
    ("list_contexts", {}),
    ("get_settings", {"subject": ONE}),
    ("search_schemas", {"query": "orders field"}),
    ("get_schema", {"subject": ONE}),
    ("get_schema_versions", {"subject": ONE}),
    ("get_subjects_by_schema_id", {"id": SHARED}),
    ("lookup_schema", {"schema_text": MONEY}),
    ("validate_schema", {"schema_text": MONEY}),
    ("validate_data", {"subject": USED, "payload": '{"amount": "many"}'}),
    ("generate_example", {"subject": ONE}),
    ("check_compatibility", {"subject": USED, "schema_text": NEW}),
    ("check_compatibility_bulk", {"level": "FULL_TRANSITIVE"}),
    ("diff_schemas", {"subject": USED, "schema_text": NEW}),
    ("analyze_evolution", {"subject": ONE}),
    ("suggest_evolution", {"subject": USED, "schema_text": NEW}),
    ("suggest_improvements", {"registry": "west", "subject": ONE}),
    ("suggest_improvements", {"registry": "west", "prefix": "team-"}),
    ("plan_compatibility_change", {"level": "FULL_TRANSITIVE", "prefix": "team-"}),
    ("export_schema", {"subject": ONE}),
    ("get_references", {"subject": USED, "direction": "used_by"}),
    ("analyze_impact", {"subject": USED}),
    ("bundle_schema", {"subject": ONE}),
    ("plan_migration", {"source": "west", "target": "east"}),
    ("adopt_registry", {"registry": "west"}),
    ("adopt_registry", {"registry": "west", "plan": "@adopt_registry.plan", "wait": 300}),
    ("list_stored_schemas", {}),
    ("plan_reference_update", {"subject": USED, "schema_text": MONEY.replace('"long"}', '"long","doc":"Cents."}')}),
    ("get_schema_history", {"subject": ONE}),
    ("store_schema", {"subject": "new-value", "schema_text": NEW}),
    ("update_stored_schema", {"subject": ONE, "description": "Orders."}),
    ("detect_drift", {"registries": ["east"]}),
    ("get_sync_status", {}),
    ("plan_deployment", {"registries": ["east"]}),
    ("get_plan", {"plan": "@plan_deployment.plan"}),
    ("apply_plan", {"plan": "@plan_deployment.plan", "wait": 300}),
    ("rollback_change", {"task": "@apply_plan.task"}),
    ("reconcile_drift", {"registry": "east", "direction": "deploy"}),
    ("audit_ids", {}),
    ("lookup_id", {"id": SHARED}),
    ("allocate_id", {"subject": "other-value", "version": 1, "schema_text": NEW}),
    ("reserve_id_block", {"count": 100, "owner": "team-a"}),
    ("register_schema", {"subject": "newest-value", "schema_text": NEW}),
    ("update_config", {"subject": ONE, "level": "FULL"}),
    ("delete_config", {"subject": ONE}),
    ("update_mode", {"subject": ONE, "mode": "READONLY"}),
    ("create_context", {"context": "eu"}),
    ("clear_context_batch", {"registry": "east", "context": "."}),
    ("delete_context", {"context": "eu"}),
    ("delete_schema_version", {"subject": USED, "version": 1}),
    ("delete_subject", {"registry": "east", "subject": USED}),
    ("delete_subject", {"subject": "newest-value"}),
    ("delete_subject", {"subject": "newest-value", "plan": "@delete_subject.plan"}),
    ("restore_subject", {"subject": "newest-value"}),
    ("get_task", {"task": "@apply_plan.task"}),
    ("list_tasks", {}),
    ("find_tool", {"query": "compare"}),
)


def fill(path: Path, subjects: int, *, edited: bool) -> None:
    core = Core(path)
    anyio.run(core.change, lambda session: _register(session, USED, Draft(MONEY)))
    for start in range(0, subjects, AT_ONCE):
        anyio.run(core.change, lambda session, start=start: _some(session, range(start, start + AT_ONCE), edited))
    core.close()


def _some(session: Session, numbers: range, edited: bool) -> None:
    for number in numbers:
        doc = "edited" if edited and number % 10 == 0 else ""
        fields: list[Any] = [{"name": f"field_{place}", "type": "string"} for place in range(12)]
        fields += [{"name": "price", "type": "shop.Money"}]
        name = "Shared" if number % 10 == SHARED - 2 else f"R{number}"
        text = {"type": "record", "name": name, "namespace": "shop", "doc": doc, "fields": fields}
        used = (Reference("shop.Money", USED, 1),)
        _register(session, f"team-{number % 40}.orders-{number:05}-value", Draft(json.dumps(text), references=used))


def _register(session: Session, subject: str, draft: Draft) -> None:
    registration.register(session, Subject(subject), draft)


async def measured(folder: Path) -> dict[str, int]:
    """The largest reply of each tool."""
    settings = load({"toolsets": "all"}, environ={"HOME": str(folder)}, folder=folder)
    told: dict[str, Any] = {}
    largest: dict[str, int] = {}
    async with app.workspace(settings) as workspace:
        caller = Caller("bench", "bench@example.com", Scope.ADMIN.implied)
        for name, given in CALLS:
            if name not in CATALOGUE:
                continue
            began = time.perf_counter()
            size, ending, answer = await _asked(workspace, caller, name, given, told)
            told[name] = answer or told.get(name)
            largest[name] = max(largest.get(name, 0), size)
            print(f"  {name:28} {size:>8,}  {time.perf_counter() - began:6.1f} s  {ending}", flush=True)
    return largest


async def _asked(
    workspace: Any, caller: Caller, name: str, given: Arguments, told: Mapping[str, Any]
) -> tuple[int, str, Any]:
    tool = CATALOGUE[name]
    arguments = {key: _found(value, told) for key, value in given.items()}
    if limit := tool.request.model_fields.get("limit"):
        arguments.setdefault("limit", next((one.le for one in limit.metadata if hasattr(one, "le")), 50))
    try:
        answer = await call(tool, arguments, caller=caller, workspace=workspace)
    except SchemaMcpError as error:
        return len(json.dumps(refusal(error), ensure_ascii=False).encode()), f"refused: {error}"[:70], None
    reply = success(tool, answer)
    ending = "TOO LARGE" if reply.get("isError") else ""
    return len(json.dumps(reply, ensure_ascii=False).encode()), ending, answer


def _found(value: Any, told: Mapping[str, Any]) -> Any:
    """`@tool.field` is what that tool answered."""
    if not isinstance(value, str) or not value.startswith("@"):
        return value
    name, _, field = value[1:].partition(".")
    return getattr(told.get(name), field, None) or "none"


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--subjects", type=int, default=10_000)
    options = asked.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run(["git", "init", "-q", "-b", "main"], cwd=folder, check=True)
        for key, value in (("user.name", "Bench"), ("user.email", "bench@example.com")):
            subprocess.run(["git", "config", key, value], cwd=folder, check=True)
        (folder / "registries.yaml").write_text(REGISTRIES)
        print(f"replies of each tool at {options.subjects:,} subjects, bytes on the wire")
        for registry, edited in (("west", False), ("east", True)):
            fill(folder / ".schema-mcp" / f"{registry}.sqlite", options.subjects, edited=edited)
        found = anyio.run(measured, folder)
    tool, size = max(found.items(), key=lambda one: one[1])
    print(f"  largest: {tool} with {size:,}; target <= {WIRE_BYTES:,}")
    missing = sorted(CATALOGUE.keys() - {name for name, _ in CALLS})
    print(f"  not covered: {', '.join(missing) or 'none'}")


if __name__ == "__main__":
    main()
