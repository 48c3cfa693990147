"""Whatever is sent, the REST face answers in the registry's terms and never breaks."""

import json

import anyio
from hypothesis import given, settings
from hypothesis import strategies as st

from schema_mcp.interfaces.registry_api.endpoints import ENDPOINTS
from schema_mcp.interfaces.registry_api.face import registry_routes
from schema_mcp.interfaces.registry_api.gate import OpenGate
from schema_mcp.registries.embedded.core import Core

NAMES = st.sampled_from(
    ["a", "b", ":.c:a", ":.c:", ":.__GLOBAL:", ":*:a", "latest", "1", "-1", "0", "x%2Fy", "99999999999"]
)
FIELDS = [
    *("schema", "schemaType", "references", "metadata", "ruleSet", "id", "version", "schemaTagsToAdd", "tagsToAdd"),
    *("newVersion", "rulesToMerge", "rulesToRemove", "compatibility", "alias", "normalize", "defaultMetadata", "mode"),
    *("overrideRuleSet", "compatibilityGroup", "compatibilityPolicy", "name", "subject", "properties", "domainRules"),
    *("schemaEntity", "entityPath", "entityType", "tags", "params", "kind", "type", "validateFields"),
]
SCHEMAS = [
    *('"int"', '{"type":"record","name":"R","fields":[]}', '{"type":"fixed","name":"F","size":2}', "nonsense", ""),
    *('{"type":"object","properties":{"$$a":{}}}', 'syntax="proto3";message M{}', '{"type":"array","items":"R"}'),
]
TEXTS = st.sampled_from(
    [*SCHEMAS, "a", "AVRO", "JSON", "PROTOBUF", "FULL", "NONE", "IMPORT", "READONLY", "sr_field", "\ud800", "\0", "R"]
)
SCALARS = st.none() | st.booleans() | st.integers(-(2**33), 2**33) | st.floats(allow_nan=False) | TEXTS
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=5),
    max_leaves=12,
)
DRAFTS = st.fixed_dictionaries(
    {"schema": st.sampled_from(SCHEMAS)},
    optional={
        "schemaType": st.sampled_from(["AVRO", "JSON", "PROTOBUF"]),
        "references": st.lists(
            st.fixed_dictionaries(
                {"name": st.just("R"), "subject": st.sampled_from(["a", "b", ":.c:a"]), "version": st.integers(-1, 2)}
            ),
            max_size=2,
        ),
        "id": st.integers(-1, 3),
        "version": st.integers(-2, 3),
        "metadata": st.sampled_from([{}, {"properties": {"a": "b"}}, {"properties": {"confluent:version": "1"}}]),
        "ruleSet": st.sampled_from([{}, {"domainRules": [{"name": "r", "type": "CEL"}]}]),
    },
)
CHANGES = st.sampled_from(
    [
        *({"mode": "IMPORT"}, {"mode": "READWRITE"}, {"mode": None}, {"compatibility": "NONE"}, {"alias": "b"}),
        *({"defaultMetadata": {"properties": {"d": "1"}}}, {"normalize": True}, {"rulesToRemove": ["r"]}),
    ]
)
BODIES = DRAFTS | CHANGES | VALUES
PARAMETERS = ["deleted", "permanent", "normalize", "subject", "subjectPrefix", "offset", "limit", "format", "force"]
PARAMETERS += ["findTags", "aliases", "latestOnly", "verbose", "defaultToGlobal", "referenceFormat", "ruleType", "key"]
QUERIES = st.dictionaries(
    st.sampled_from(PARAMETERS),
    st.sampled_from(["true", "a", ":.c:", ":*:", "resolved", "serialized", "qualified", "1", "*"]),
)
CONTEXTS = st.sampled_from(["", "", "/contexts/c", "/contexts/:.:"])


@given(
    st.lists(st.tuples(st.sampled_from(ENDPOINTS), NAMES, NAMES, QUERIES, BODIES, CONTEXTS), min_size=1, max_size=12)
)
@settings(max_examples=150, deadline=None)
def test_no_request_breaks_the_face(requests):
    anyio.run(_send_all, requests)


async def _send_all(requests):
    core = Core()
    (route,) = registry_routes({"dev": core}, OpenGate())
    for endpoint, one, other, query, body, context in requests:
        names = {"subject": one, "version": other, "id": other, "guid": one, "context": one}
        path = context + endpoint.path.format(**names).rstrip("/")
        status, answer = await _send(route, endpoint.method, path, query, body)
        assert status < 500
        assert status < 400 or "error_code" in json.loads(answer)
    core.close()


async def _send(route, method, path, query, body):
    raw, sent = f"/registries/dev{path}".encode(), []
    scope = {
        "type": "http",
        "method": method,
        "path": raw.decode(),
        "raw_path": raw,
        "query_string": "&".join(f"{name}={value}" for name, value in query.items()).encode(),
        "headers": [],
    }

    async def receive():
        return {"type": "http.request", "body": json.dumps(body).encode(), "more_body": False}

    async def send(message):
        sent.append(message)

    await route.handle(scope, receive, send)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent)
