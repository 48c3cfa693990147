"""Tools about subjects and their versions."""

from schema_mcp.tools.subjects.deletion import delete_schema_version, delete_subject
from schema_mcp.tools.subjects.payloads import generate_example, validate_data
from schema_mcp.tools.subjects.reading import get_schema, list_subjects
from schema_mcp.tools.subjects.registration import register_schema
from schema_mcp.tools.subjects.restoration import restore_subject
from schema_mcp.tools.subjects.search import search_schemas
from schema_mcp.tools.subjects.validation import validate_schema
from schema_mcp.tools.subjects.versions import get_schema_versions, get_subjects_by_schema_id, lookup_schema

__all__ = [
    "delete_schema_version",
    "delete_subject",
    "generate_example",
    "get_schema",
    "get_schema_versions",
    "get_subjects_by_schema_id",
    "list_subjects",
    "lookup_schema",
    "register_schema",
    "restore_subject",
    "search_schemas",
    "validate_data",
    "validate_schema",
]
