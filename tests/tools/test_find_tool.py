"""Finding a tool by what one wants to do."""

import pytest

from schema_mcp.domain.caller import Scope
from schema_mcp.toolkit.listing import Listing
from schema_mcp.tools.help import rank


def listing(name: str, summary: str, *arguments: str) -> Listing:
    return Listing(name, summary, "toolset", Scope.READ, arguments)


LISTINGS = [
    listing("list_subjects", "List the subjects of a registry, by context and prefix.", "registry", "prefix"),
    listing("get_schema", "Read one schema by subject and version, or by id.", "subject", "version", "id"),
    listing("delete_subject", "Delete a subject with all its versions.", "subject", "plan"),
    listing("delete_schema_version", "Delete one version of a subject.", "subject", "version", "plan"),
    listing("restore_subject", "Restore what was soft-deleted.", "subject"),
    listing("register_schema", "Register a schema, once it is proven compatible.", "subject", "schema_text"),
    listing("check_compatibility", "Check whether a schema may follow those before it.", "subject", "schema_text"),
    listing("detect_drift", "Compare registries with the store.", "registry"),
    listing("rollback_change", "Undo a deployment or a migration.", "plan"),
    listing("query_audit", "Find out who did what.", "caller"),
    listing("plan_migration", "Plan a move of subjects between registries.", "source", "target"),
    listing("scan_pii", "Find fields that hold personal data.", "subject"),
]


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("delete a whole subject", "delete_subject"),
        ("remove one version", "delete_schema_version"),
        ("bring back a deleted subject", "restore_subject"),
        ("Add a new schema", "register_schema"),
        ("would this break anybody?", "check_compatibility"),
        ("is staging in sync with git", "detect_drift"),
        ("revert yesterday's deployment", "rollback_change"),
        ("who changed it", "query_audit"),
        ("move everything to another registry", "plan_migration"),
        ("GDPR", "scan_pii"),
        ("list_subjects", "list_subjects"),
        ("schema_text", "register_schema"),
    ],
)
def test_the_best_tool_comes_first(query: str, name: str):
    ranked = [one.name for one in rank(query, LISTINGS)]

    assert name in ranked[: 2 if query == "schema_text" else 1], ranked


@pytest.mark.parametrize("query", ["", "   ", "the of a", "zzz"])
def test_a_query_that_says_nothing_finds_nothing(query: str):
    assert rank(query, LISTINGS) == []


def test_the_order_does_not_depend_on_the_order_of_the_tools():
    assert rank("delete subject version", LISTINGS) == rank("delete subject version", LISTINGS[::-1])
