"""Every endpoint as a row: method, path, what answers it, whether it writes.

Source: registry semantics 1.9 and the recordings of Confluent 8.1.5; associations are not offered.
"""

from collections import defaultdict
from collections.abc import Sequence

from schema_mcp.interfaces.registry_api import deployment, schemas, scopes, subjects
from schema_mcp.interfaces.registry_api.calls import Endpoint

ENDPOINTS = (
    Endpoint("GET", "/", deployment.root),
    Endpoint("POST", "/", deployment.root),
    Endpoint("GET", "/v1/metadata/id", deployment.cluster),
    Endpoint("GET", "/v1/metadata/version", deployment.version),
    Endpoint("GET", "/v1/metadata/deployment", deployment.attributes),
    Endpoint("GET", "/contexts", deployment.contexts),
    Endpoint("DELETE", "/contexts/{context}", deployment.delete_context, writes=True),
    Endpoint("GET", "/schemas", schemas.every),
    Endpoint("GET", "/schemas/types", schemas.types),
    Endpoint("GET", "/schemas/ids/{id}", schemas.by_id),
    Endpoint("GET", "/schemas/ids/{id}/schema", schemas.text_by_id),
    Endpoint("GET", "/schemas/ids/{id}/subjects", schemas.subjects_by_id),
    Endpoint("GET", "/schemas/ids/{id}/versions", schemas.versions_by_id),
    Endpoint("GET", "/schemas/guids/{guid}", schemas.by_guid),
    Endpoint("GET", "/schemas/guids/{guid}/ids", schemas.ids_of_guid),
    Endpoint("GET", "/subjects", subjects.every),
    Endpoint("POST", "/subjects/{subject}", subjects.look_up, reads_body=True),
    Endpoint("DELETE", "/subjects/{subject}", subjects.delete, writes=True),
    Endpoint("GET", "/subjects/{subject}/metadata", subjects.by_metadata),
    Endpoint("GET", "/subjects/{subject}/versions", subjects.numbers),
    Endpoint("POST", "/subjects/{subject}/versions", subjects.register, writes=True, reads_body=True),
    Endpoint("GET", "/subjects/{subject}/versions/{version}", subjects.version),
    Endpoint("DELETE", "/subjects/{subject}/versions/{version}", subjects.delete_version, writes=True),
    Endpoint("GET", "/subjects/{subject}/versions/{version}/schema", subjects.text),
    Endpoint("GET", "/subjects/{subject}/versions/{version}/referencedby", subjects.referrers),
    Endpoint("POST", "/subjects/{subject}/versions/{version}/tags", subjects.tag, writes=True, reads_body=True),
    Endpoint("POST", "/compatibility/subjects/{subject}/versions", subjects.judge, reads_body=True),
    Endpoint("POST", "/compatibility/subjects/{subject}/versions/{version}", subjects.judge_one, reads_body=True),
    Endpoint("GET", "/config", scopes.config),
    Endpoint("PUT", "/config", scopes.set_config, writes=True, reads_body=True),
    Endpoint("DELETE", "/config", scopes.delete_config, writes=True),
    Endpoint("GET", "/config/{subject}", scopes.config),
    Endpoint("PUT", "/config/{subject}", scopes.set_config, writes=True, reads_body=True),
    Endpoint("DELETE", "/config/{subject}", scopes.delete_config, writes=True),
    Endpoint("GET", "/mode", scopes.mode),
    Endpoint("PUT", "/mode", scopes.set_mode, writes=True, reads_body=True),
    Endpoint("DELETE", "/mode", scopes.delete_mode, writes=True),
    Endpoint("GET", "/mode/{subject}", scopes.mode),
    Endpoint("PUT", "/mode/{subject}", scopes.set_mode, writes=True, reads_body=True),
    Endpoint("DELETE", "/mode/{subject}", scopes.delete_mode, writes=True),
)

_ALIKE: defaultdict[tuple[int, str], list[Endpoint]] = defaultdict(list)


def _shape(segments: Sequence[str]) -> tuple[int, str]:
    return len(segments), segments[0] if segments else ""


def alike(segments: Sequence[str]) -> Sequence[Endpoint]:
    """The rows that a path may fit: those as long as it is, and with the same beginning."""
    return _ALIKE.get(_shape(segments), ())


for _endpoint in ENDPOINTS:
    _ALIKE[_shape(_endpoint.parts)].append(_endpoint)
