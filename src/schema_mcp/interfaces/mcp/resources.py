"""What can be read by its address: each resource is read by a tool, on the road that every call takes."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from mimetypes import guess_type
from typing import Any

import mcp_types as types
from mcp.shared.exceptions import MCPError

from schema_mcp.domain.caller import Caller, Scope
from schema_mcp.domain.errors import InvalidRequestError, NotFoundError, NotPermittedError, SchemaMcpError
from schema_mcp.domain.schema import SchemaType
from schema_mcp.domain.untrusted import cleaned, spelled_out
from schema_mcp.interfaces.mcp.replies import content_of, described, text_of
from schema_mcp.stores.audit import Entry
from schema_mcp.toolkit.call import call
from schema_mcp.toolkit.links import link, parts_of
from schema_mcp.toolkit.paging import page
from schema_mcp.toolkit.recording import refused
from schema_mcp.toolkit.request import request_id, serving
from schema_mcp.toolkit.tool import Shape, Tool
from schema_mcp.toolkit.workspace import Workspace
from schema_mcp.tools.deployment import detect_drift, get_plan
from schema_mcp.tools.governance import query_audit
from schema_mcp.tools.registries import get_registry_info, test_registry_connection
from schema_mcp.tools.resources import FilePart, WholeText, read_export, read_text
from schema_mcp.tools.tasks import get_task

_JSON = "application/json"
_BYTES = "application/octet-stream"
_PAGE = 100
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Offer:
    """One kind of resource: its address, and the tool that reads it.

    A word in braces is the tool's argument of that name, or of the one in `named`; `always` is said besides. `looks`
    is the seconds between two looks for those who want to hear of changes.
    """

    template: str
    name: str
    description: str
    tool: Tool[Any, Any]
    looks: float
    named: Mapping[str, str] = field(default_factory=dict[str, str])
    always: Mapping[str, Any] = field(default_factory=dict[str, Any])
    mime: str = _JSON

    @property
    def scheme(self) -> str:
        return self.template.partition(":")[0]

    @property
    def is_template(self) -> bool:
        return "{" in self.template

    def arguments(self, scheme: str, parts: list[str]) -> dict[str, Any] | None:
        """What an address asks for; None where it is none of these."""
        wanted = self.template.partition("://")[2].split("/")
        if self.scheme != scheme or len(wanted) != len(parts):
            return None
        said: dict[str, Any] = dict(self.always)
        for want, part in zip(wanted, parts, strict=True):
            if want.startswith("{"):
                name = want.strip("{}")
                said[self.named.get(name, name)] = int(part) if name in _NUMBERS and _is_number(part) else part
            elif want != part:
                return None
        return said


_NUMBERS = frozenset({"version", "part"})


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 10  # noqa: PLR2004 - no version has more digits


OFFERS = (
    Offer(
        "registry://status",
        "registries",
        "Which registries answer, and as what.",
        test_registry_connection,
        30,
        always={"wait": 5},
    ),
    Offer(
        "registry://{name}",
        "registry",
        "What a registry is and holds: product, mode, level, counts, contexts, what was left in IMPORT.",
        get_registry_info,
        15,
        {"name": "registry"},
        {"modes_asked": 20},
    ),
    Offer(
        "schema://{registry}/{context}/{subject}/{version}",
        "schema",
        "A version as a registry has it, whole; the version is a number or `latest`.",
        read_text,
        5,
        mime="text/plain",
    ),
    Offer(
        "store://{context}/{subject}/{version}",
        "stored schema",
        "A version as the store in Git has it, whole; the version is a number or `latest`.",
        read_text,
        2,
        mime="text/plain",
    ),
    Offer("drift://{registry}", "drift", "Where a registry differs from the store.", detect_drift, 30),
    Offer("task://{id}", "task", "How far a task is; your own, or anybody's for admins.", get_task, 1, {"id": "task"}),
    Offer(
        "plan://{digest}",
        "plan",
        "A plan and how it stands; your own, or anybody's for admins.",
        get_plan,
        5,
        {"digest": "plan"},
    ),
    Offer(
        "export://{task}/{part}",
        "exported file",
        "What export_schemas wrote, a part of 1 MiB at a time, from 1; your own, or anybody's for admins.",
        read_export,
        60,
        mime=_BYTES,
    ),
    Offer("audit://recent", "audit trail", "The newest lines of the audit trail; for admins.", query_audit, 5),
)
"""Every kind of resource; an address belongs to the first that fits."""

_PER_REGISTRY = ("registry://{name}", "drift://{registry}")
"""Of these there is one for each registry."""

_TYPES = {SchemaType.AVRO: _JSON, SchemaType.JSON: "application/schema+json", SchemaType.PROTOBUF: "text/x-protobuf"}


class Library:
    """Where resources are listed and read."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def listed(self, caller: Caller, cursor: str | None) -> types.ListResourcesResult:
        """The resources that can be named now: those of each registry that the caller may read."""
        names = self._workspace.fleet.permitted(caller, Scope.READ).names
        found = [_resource(one, one.template) for one in self._offers(caller) if not one.is_template]
        per_registry = [one for one in self._offers(caller) if one.template in _PER_REGISTRY]
        found += [_resource(one, link(one.scheme, name), name) for one in per_registry for name in names]
        try:
            cut = page(found, cursor=cursor, limit=_PAGE, query=f"resources {names}", size=lambda _: 1)
        except InvalidRequestError as error:
            raise spoken(error) from error
        return types.ListResourcesResult(resources=cut.items, next_cursor=cut.cursor)

    def templates(self, caller: Caller) -> types.ListResourceTemplatesResult:
        """The forms that addresses have."""
        return types.ListResourceTemplatesResult(
            resource_templates=[
                types.ResourceTemplate(
                    name=one.name, uri_template=one.template, description=one.description, mime_type=one.mime
                )
                for one in self._offers(caller)
                if one.is_template
            ]
        )

    async def read(self, address: str, caller: Caller) -> types.ReadResourceResult:
        """What stands at an address; raises `MCPError` with the code and the hint of what went wrong."""
        with serving() as request:
            try:
                found = await self.found(address, caller)
            except SchemaMcpError as error:
                raise spoken(error, address) from error
            except Exception as error:
                raise surprised(request, "resources/read") from error
        return types.ReadResourceResult(contents=[_contents(address, found)])

    async def found(self, address: str, caller: Caller) -> Shape:
        """What a resource's tool says, called as any tool is."""
        try:
            offer, arguments = self.offer(address)
        except SchemaMcpError as error:
            entry = Entry("resources/read", request_id=request_id(), caller=caller.name)
            await refused(entry, self._workspace.audit, error)
            raise
        return await call(_named(offer), arguments, caller=caller, workspace=self._workspace)

    async def seen(self, address: str, caller: Caller) -> Shape:
        """The same for whoever watches: allowed as a call is, but without a line for each look."""
        offer, arguments = self.offer(address)
        caller.require(offer.tool.scope, address[:200])
        request = offer.tool.request.model_validate(arguments)
        return await offer.tool.run(self._workspace.for_call(caller, ""), request)

    def offer(self, address: str) -> tuple[Offer, dict[str, Any]]:
        """What an address belongs to, and what it asks for; raises `NotFoundError` where there is no such thing."""
        found = _found(address)
        if found is None:
            raise NotFoundError(
                f"There is no resource {address[:200]!r}", hint="resources/list and resources/templates/list show them."
            )
        if self._is_excluded(found[0]):
            raise NotPermittedError(
                f"{found[0].name} is switched off here",
                hint="Whoever runs this server excluded it.",
                details={"layer": "toolset"},
            )
        return found

    def _offers(self, caller: Caller) -> list[Offer]:
        return [one for one in OFFERS if one.tool.scope in caller.scopes and not self._is_excluded(one)]

    def _is_excluded(self, offer: Offer) -> bool:
        listing = self._workspace.listings.get(_STANDS_FOR.get(offer.tool.name, offer.tool.name))
        return listing is not None and listing.excluded


def offer_of(address: str) -> Offer | None:
    """The kind of resource that stands at an address; None where it is no address of ours."""
    try:
        found = _found(address)
    except SchemaMcpError:
        return None
    return found[0] if found else None


def _found(address: str) -> tuple[Offer, dict[str, Any]] | None:
    scheme, parts = parts_of(address)
    for offer in OFFERS:
        arguments = offer.arguments(scheme, parts)
        if arguments is not None:
            return offer, arguments
    return None


_STANDS_FOR = {"read_text": "get_schema", "read_export": "export_schemas"}
"""The tool that says the same: where it is excluded, so is the resource."""


def _named(offer: Offer) -> Tool[Any, Any]:
    """The tool under the resource's name: audited as what it is, and read whatever toolsets are switched on."""
    return replace(offer.tool, name=offer.template)


def _resource(offer: Offer, address: str, of: str = "") -> types.Resource:
    name = f"{offer.name} {of}".rstrip()
    return types.Resource(name=name, uri=address, description=offer.description, mime_type=offer.mime)


def _contents(address: str, found: Shape) -> types.TextResourceContents | types.BlobResourceContents:
    match found:
        case WholeText():
            kind, text, about = _TYPES[found.schema_type], spelled_out(found.schema_text), _about(found, "schema_text")
            return types.TextResourceContents(uri=address, mime_type=kind, text=text, _meta=about)
        case FilePart():
            kind, about = guess_type(found.name)[0] or _BYTES, _about(found, "data")
            return types.BlobResourceContents(uri=address, mime_type=kind, blob=found.data, _meta=about)
        case _:
            return types.TextResourceContents(uri=address, mime_type=_JSON, text=text_of(content_of(found)))


def _about(found: Shape, beside: str) -> dict[str, Any]:
    """What is to be known of a text or file, beside it."""
    about = {name: value for name, value in content_of(found).items() if name != beside}
    return {f"schema-mcp/{name}": value for name, value in cleaned(about).items()}


def spoken(error: SchemaMcpError, address: str = "") -> MCPError:
    """An error as the protocol carries it where there is no result to carry it; what is not there is -32602."""
    theirs = isinstance(error, (InvalidRequestError, NotFoundError, NotPermittedError))
    code = types.INVALID_PARAMS if theirs else types.INTERNAL_ERROR
    data = described(error) | ({"uri": address[:2_000]} if address else {})
    return MCPError(code, f"{error}. {error.hint}".strip(), data)


def surprised(request_id: str, what: str) -> MCPError:
    """A bug: nothing of it reaches the caller but the name by which the log knows it."""
    _log.exception("%s failed", what)
    return MCPError(types.INTERNAL_ERROR, f"Something went wrong inside the server (request {request_id})")
