"""Tools about subjects and their versions."""

from schema_mcp.tools.subjects.deletion import delete_schema_version, delete_subject
from schema_mcp.tools.subjects.reading import get_schema, list_subjects
from schema_mcp.tools.subjects.registration import register_schema
from schema_mcp.tools.subjects.search import search_schemas

__all__ = [
    "delete_schema_version",
    "delete_subject",
    "get_schema",
    "list_subjects",
    "register_schema",
    "search_schemas",
]
