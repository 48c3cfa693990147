"""What a backend is: read this to write one.

A backend is a class in `registries/backends/<name>.py`, found by its entry point, built from a `Connection`, whose
objects fit the `Registry` protocol. `schema_mcp.testing.registry_contract` holds the tests that each backend inherits.
A backend fetches and keeps; it never decides. What a product cannot do is left out of `capabilities`.

Errors every method may raise: `RegistryError` (did not answer, answered nonsense, or refused; `details` has
`registry`, `status`, `error_code`), and the narrower `InvalidSchemaError`, `IncompatibleError`, `ReadOnlyError`,
`ConflictError`, `NotFoundError` where the registry's code says so (see `registries/answers.py`).
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias

from pydantic import SecretStr

from schema_mcp.domain.approval import Irreversible
from schema_mcp.domain.schema import Dependency, Json, Mode, Reference, Schema, Subject, Version

Number: TypeAlias = int | Literal["latest"]
"""A version number, or the newest live one."""


NO_SECRET = SecretStr("")


class Capability(StrEnum):
    """What a registry product can do. A capability counts only if a contract test fails without it."""

    CONTEXTS = "contexts"
    CONFIG = "config"
    MODES = "modes"
    KEEPS_IDS = "keeps_ids"
    REFERENCES = "references"
    SOFT_DELETE = "soft_delete"
    METADATA = "metadata"
    RULES = "rules"
    BULK_LISTING = "bulk_listing"
    PREFIX = "prefix"
    COMPATIBILITY = "compatibility"
    LOOKUP = "lookup"
    CONTEXT_REMOVAL = "context_removal"
    CONFIG_FIELDS = "config_fields"
    EXPLANATIONS = "explanations"
    ODD_NAMES = "odd_names"
    STARS = "stars"
    REVIVAL = "revival"
    TAGS = "tags"
    FORMS = "forms"
    RECURSION = "recursion"
    PAST_REFERRERS = "past_referrers"


@dataclass(frozen=True, slots=True)
class Auth:
    """How to sign in to a registry."""

    type: Literal["none", "basic", "bearer", "oauth"] = "none"
    username: str = ""
    password: SecretStr = NO_SECRET
    token: SecretStr = NO_SECRET
    token_url: str = ""
    client_id: str = ""
    client_secret: SecretStr = NO_SECRET
    scope: str = ""
    headers: Mapping[str, SecretStr] = field(default_factory=dict[str, SecretStr])

    @property
    def header_texts(self) -> dict[str, str]:
        """The headers as they are sent."""
        return {name: value.get_secret_value() for name, value in self.headers.items()}


@dataclass(frozen=True, slots=True)
class Tls:
    """Our own CA and client certificate, as files; `None` uses the system's trust."""

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """What we may ask of a registry: rates per second (0 = no limit) and connections at a time."""

    reads_per_second: float = 0
    writes_per_second: float = 0
    connections: int = 20


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: to connect, to wait for a read, and for one call altogether, retries included."""

    connect: float = 5
    read: float = 30
    total: float = 60


@dataclass(frozen=True, slots=True)
class Connection:
    """Everything a backend needs to know about one registry, as `registries.yaml` has it."""

    name: str
    backend: str = "embedded"
    urls: tuple[str, ...] = ()
    path: Path | None = None
    auth: Auth = Auth()
    tls: Tls = Tls()
    limits: Limits = Limits()
    timeouts: Timeouts = Timeouts()
    retries: int = 3
    readonly: bool = False
    approvals: frozenset[Irreversible] = frozenset()
    """What needs somebody else's yes there."""

    caller_header: str = ""
    """In which header it is told who calls; empty tells nobody."""

    options: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Info:
    """What a registry says of itself."""

    product: str
    version: str


@dataclass(frozen=True, slots=True)
class Deployment:
    """Which clusters a registry belongs to, by their kind, and what its deployment says of itself; empty if nothing."""

    clusters: Mapping[str, str] = field(default_factory=dict[str, str])
    attributes: tuple[str, ...] = ()


class Circuit(StrEnum):
    """Whether an address is asked: `closed` as usual, `open` not for now, `half_open` with one call as the probe."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True)
class Health:
    """How one address of a registry does: its host, and what its last failure was."""

    host: str
    problem: str = ""
    rests_for: float = 0
    """Seconds for which it is left alone because it kept failing; 0 while it may be asked."""

    circuit: Circuit = Circuit.CLOSED


@dataclass(frozen=True, slots=True)
class Basis:
    """What an answer rests on: `age` in seconds where it is from memory, None where the registry gave it just now."""

    age: float | None = None
    stale: bool = False
    """From memory because the registry does not answer."""

    def beside(self, other: "Basis") -> "Basis":
        """What two answers together rest on: the older of them."""
        ages = [one.age for one in (self, other) if one.age is not None]
        return Basis(max(ages, default=None), self.stale or other.stale)


@dataclass(frozen=True, slots=True)
class Figures:
    """What is remembered of a registry, and how often that helped."""

    hits: int
    misses: int
    stale: int
    """Answers given in place of a registry that was away."""

    entries: int
    bytes: int
    oldest: float
    """Seconds since the oldest of them was said."""


@dataclass(frozen=True, slots=True)
class Tree:
    """All that a registered version references, directly or not: its own references, pinned, and the texts behind."""

    references: tuple[Reference, ...]
    dependencies: tuple[Dependency, ...]
    is_fixed: bool = True
    """Whether it stays as it is: nothing in it is whatever is the latest."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A registry's own answer on compatibility, its messages as sent."""

    compatible: bool
    messages: tuple[str, ...] = ()


class Form(StrEnum):
    """How else a registry can write a schema; it writes one of another type as it was registered."""

    RESOLVED = "resolved"
    """Avro, with what it references put in."""

    SERIALIZED = "serialized"
    """Protobuf, as a file descriptor in base64."""


@dataclass(frozen=True, slots=True)
class Tag:
    """Tags of one place inside a schema: `path` is `com.ex.User` for a record, `com.ex.User.name` for a field."""

    path: str
    kind: str
    """`sr_record` or `sr_field`."""

    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TagChange:
    """What to change in a version; metadata and rule set replace its own, rules are merged into them by name."""

    number: int | None = None
    """Which number the changed version is to have, None for the next."""

    added: tuple[Tag, ...] = ()
    removed: tuple[Tag, ...] = ()
    metadata: Json | None = None
    rule_set: Json | None = None
    rules_to_merge: Json | None = None
    rules_to_remove: tuple[str, ...] = ()


class Registry(Protocol):
    """One running schema registry.

    A *scope* is a subject, or `Subject("", context)` for a whole context: `Subject("")` is the default context, that
    is the registry's own setting. Which endpoint of Confluent's API is which method here: docs/reference/operations.md.
    """

    @property
    def name(self) -> str: ...

    @property
    def capabilities(self) -> AbstractSet[Capability]: ...

    async def close(self) -> None: ...

    async def info(self) -> Info:
        """Ask for product and version; the cheapest proof that the registry answers."""
        ...

    async def deployment(self) -> Deployment:
        """Ask for what tells one running registry from another of the same product."""
        ...

    async def types(self) -> list[str]:
        """The types of schema it takes, sorted, in its own words."""
        ...

    async def contexts(self) -> list[str]: ...

    async def subjects(self, *, context: str | None = None, prefix: str = "", deleted: bool = False) -> list[Subject]:
        """Subjects, sorted; of every context unless one is named; with `deleted` the soft-deleted ones too."""
        ...

    async def numbers(self, subject: Subject, *, deleted: bool = False) -> list[int]:
        """Version numbers of a subject, ascending; empty when there is no such subject."""
        ...

    async def version(self, subject: Subject, number: Number = "latest", *, deleted: bool = False) -> Version | None:
        """One version of exactly this subject (no other context is searched), or None."""
        ...

    def versions(
        self,
        *,
        context: str | None = None,
        prefix: str = "",
        deleted: bool = False,
        latest_only: bool = False,
    ) -> AsyncIterator[Version]:
        """Every version, read in bulk where the registry can; bounded memory; of every context unless one is named."""
        ...

    async def schema(self, schema_id: int, *, context: str = ".") -> Schema | None:
        """The schema behind an id in a context, soft-deleted ones too."""
        ...

    async def by_guid(self, guid: str) -> Schema | None:
        """The schema behind a GUID, which names a content in every context; soft-deleted ones too, if listed."""
        ...

    async def ids(self, guid: str) -> Mapping[str, int]:
        """The id of a content in each context that has it, or had it and still says so; empty when nobody has."""
        ...

    async def text(
        self, subject: Subject, form: Form, number: Number = "latest", *, deleted: bool = False
    ) -> str | None:
        """A version's text in another form, or None; as it was registered it is `version().schema.text`."""
        ...

    async def by_metadata(
        self, subject: Subject, properties: Mapping[str, str], *, deleted: bool = False
    ) -> Version | None:
        """The newest version of this subject whose metadata has all of these properties, or None."""
        ...

    async def holders(self, schema_id: int, *, context: str = ".", deleted: bool = False) -> list[tuple[Subject, int]]:
        """Which subjects and versions carry an id; empty when nobody does."""
        ...

    async def lookup(
        self, subject: Subject, schema: Schema, *, normalize: bool = False, deleted: bool = False
    ) -> Version | None:
        """The version under which a subject already holds this schema, or None."""
        ...

    async def check(
        self, subject: Subject, schema: Schema, *, number: Number | None = None, normalize: bool = False
    ) -> Verdict:
        """The registry's own verdict against one version, or against the history its level asks for."""
        ...

    async def register(
        self,
        subject: Subject,
        schema: Schema,
        *,
        schema_id: int | None = None,
        number: int | None = None,
        normalize: bool = False,
    ) -> Version:
        """Register a schema; with `schema_id` (and `number`) the scope must be in IMPORT."""
        ...

    async def amend(self, subject: Subject, number: int, change: TagChange) -> Version:
        """Register a version anew with other tags, metadata or rules; always a new version."""
        ...

    async def delete_version(self, subject: Subject, number: int, *, permanent: bool = False) -> None: ...

    async def delete_subject(self, subject: Subject, *, permanent: bool = False) -> list[int]: ...

    async def delete_context(self, context: str) -> None: ...

    async def referrers(self, subject: Subject, number: Number = "latest", *, deleted: bool = False) -> list[int]:
        """Ids of the schemas that reference this version; with `deleted` the soft-deleted ones too."""
        ...

    async def config(self, scope: Subject, *, inherited: bool = False) -> Json | None:
        """The scope's own configuration as the registry's `GET /config` names it (`compatibilityLevel` …), None when
        it has none of its own; with `inherited` the one in force."""
        ...

    async def set_config(self, scope: Subject, config: Json) -> None:
        """Merge fields into a scope's own configuration; the level's key is `compatibility`; null removes a field."""
        ...

    async def delete_config(self, scope: Subject) -> None: ...

    async def mode(self, scope: Subject, *, inherited: bool = False) -> Mode | None:
        """The scope's own mode, None when it has none; with `inherited` the one in force."""
        ...

    async def set_mode(self, scope: Subject, mode: Mode, *, force: bool = False) -> None: ...

    async def delete_mode(self, scope: Subject, *, recursive: bool = False) -> None:
        """Remove a scope's own mode; with `recursive` those of all subjects in it too, and none need be there."""
        ...

    async def highest_id(self, *, context: str = ".") -> int:
        """The highest id handed out in a context as far as the registry tells; 0 when empty."""
        ...


LEVEL_KEYS = frozenset({"compatibilityLevel", "compatibility"})
"""Under which of them a registry answers with its level, and under which it takes it."""


def level_of(config: Json | None) -> str | None:
    """The level inside a configuration, whichever of the two keys it came under."""
    found: object = (config or {}).get("compatibilityLevel") or (config or {}).get("compatibility")
    return found if isinstance(found, str) else None


Registries: TypeAlias = Mapping[str, Registry]
Subjects: TypeAlias = Sequence[Subject]
