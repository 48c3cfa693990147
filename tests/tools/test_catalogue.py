"""What holds for every tool, whoever wrote it."""

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from schema_mcp.domain.caller import Scope
from schema_mcp.interfaces.mcp.desk import describe
from schema_mcp.toolkit.tool import Effect, Shape, Tool, tool
from schema_mcp.tools import CATALOGUE, TOOLSETS

CORE = {
    *("list_registries", "list_subjects", "get_schema", "search_schemas", "register_schema"),
    *("check_compatibility", "diff_schemas", "allocate_id", "export_schema", "find_tool"),
    *("plan_deployment", "apply_plan", "detect_drift", "plan_migration", "get_task"),
}

# Product: model view (names, descriptions, input schemas), and on the wire at most twice that.
CORE_MODEL_BYTES, CORE_WIRE_BYTES = 13_000, 26_000
ALL_MODEL_BYTES, ALL_WIRE_BYTES = 52_000, 104_000

every_tool = pytest.mark.parametrize("tool", [pytest.param(one, id=one.name) for one in CATALOGUE.values()])


def fields(shape: type[Shape], place: str = "") -> Iterator[tuple[str, str | None]]:
    """Every field of a shape and of the shapes inside it, with its description."""
    schema = shape.model_json_schema()
    for name, definition in {"": schema, **schema.get("$defs", {})}.items():
        for field, node in definition.get("properties", {}).items():
            yield f"{place}{name}.{field}", node.get("description")


def test_the_core_is_what_was_agreed():
    assert {one.name for one in CATALOGUE.values() if one.core} == CORE


def test_no_tool_hides_another():
    declared = [one.name for toolset in TOOLSETS for one in vars(toolset).values() if isinstance(one, Tool)]

    assert sorted(declared) == sorted(CATALOGUE)


@every_tool
def test_a_tool_says_what_it_does_in_one_line(tool: Tool[Any, Any]):
    assert re.fullmatch(r"[A-Z].{10,140}\.", tool.summary), tool.summary
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", tool.name)


@every_tool
def test_every_field_is_described(tool: Tool[Any, Any]):
    undescribed = [
        place for shape in (tool.request, tool.result) for place, said in fields(shape, shape.__name__) if not said
    ]

    assert undescribed == []


@pytest.mark.parametrize("said", [{"scope": Scope.READ}, {"effect": Effect.READS}, {}], ids=lambda said: str([*said]))
def test_a_tool_cannot_be_made_without_scope_and_effect(said: dict[str, Any]):
    with pytest.raises(TypeError, match=r"scope|effect"):
        tool(**said)


@every_tool
def test_scope_and_effect_fit_each_other(tool: Tool[Any, Any]):
    assert isinstance(tool.scope, Scope)
    assert (tool.scope is Scope.READ) <= (tool.effect is Effect.READS)
    assert (tool.effect is Effect.DESTROYS) <= (tool.scope is Scope.ADMIN)


@every_tool
def test_unknown_arguments_are_refused_by_the_shape_itself(tool: Tool[Any, Any]):
    assert tool.request.model_config.get("extra") == "forbid"
    assert describe(tool).input_schema["additionalProperties"] is False


@every_tool
def test_all_four_annotations_are_set(tool: Tool[Any, Any]):
    annotations = describe(tool).annotations

    assert annotations is not None
    assert annotations.model_dump(exclude_none=True).keys() == {
        "read_only_hint",
        "destructive_hint",
        "idempotent_hint",
        "open_world_hint",
    }


@every_tool
def test_schemas_are_portable(tool: Tool[Any, Any]):
    described = describe(tool)
    assert described.output_schema is not None

    for schema in (described.input_schema, described.output_schema):
        jsonschema.Draft202012Validator.check_schema(schema)
        assert schema["type"] == "object"
        references = re.findall(r'"\$ref": "([^"]+)"', json.dumps(schema))
        assert [one for one in references if one.removeprefix("#/$defs/") not in schema.get("$defs", {})] == []
        assert {"type": "null"} not in list(nodes(schema))


def nodes(node: Any) -> Iterator[Any]:
    yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from nodes(child)


@pytest.mark.parametrize(
    ("core_only", "model_bytes", "wire_bytes"),
    [
        pytest.param(True, CORE_MODEL_BYTES, CORE_WIRE_BYTES, id="core"),
        pytest.param(False, ALL_MODEL_BYTES, ALL_WIRE_BYTES, id="all"),
    ],
)
def test_the_surface_costs_a_model_little(core_only: bool, model_bytes: int, wire_bytes: int):
    shown = [describe(one) for one in CATALOGUE.values() if one.core or not core_only]
    wire = [one.model_dump(mode="json", by_alias=True, exclude_none=True) for one in shown]
    model = [
        {"name": one["name"], "description": one["description"], "input_schema": one["inputSchema"]} for one in wire
    ]

    assert size(model) <= model_bytes
    assert size(wire) <= wire_bytes


def size(content: Any) -> int:
    return len(json.dumps(content, separators=(",", ":")))


def test_no_tool_wants_an_argument_as_a_header_too():
    shown = json.dumps([describe(one).input_schema for one in CATALOGUE.values()])

    assert "x-mcp-header" not in shown  # the server tells the SDK so, once for all (interfaces/mcp/server.py)
