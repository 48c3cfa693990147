"""What each product that speaks Confluent's REST API lacks, or accepts and then ignores: rules as data.

A dialect is chosen by `backend:` in `registries.yaml`; the backend `confluent` looks at how the registry answers and
takes the dialect of the product that it finds. Sources: the products themselves where `make live` ran them (Apicurio
Registry 3.3.3, AxonOps Schema Registry 0.2.1); recorded answers of Karapace 6.2.0; Redpanda's API reference.
"""

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from schema_mcp.registries.contract import Capability


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one product differs from Confluent's."""

    backend: str
    product: str
    lacks: Mapping[Capability, str] = field(default_factory=lambda: MappingProxyType[Capability, str]({}))
    """What it cannot do, and what it does instead."""

    plain: str = ""
    """Characters of a name that have to stand in its paths unquoted."""

    checks_history: bool = True
    """Does it judge a schema against all that the level in force asks for? Otherwise against one named version."""

    replaces_config: bool = False
    """Does a change of some fields take away the others?"""

    adds_version: bool = False
    """Does it put `confluent:version` into the metadata of everything it answers?"""

    hides_origin: bool = False
    """Does it answer the level in force where a subject has none of its own? Its native API tells them apart."""

    @property
    def capabilities(self) -> AbstractSet[Capability]:
        return frozenset(Capability) - self.lacks.keys()


CONFLUENT: Final = Dialect("confluent", "Confluent Schema Registry")

_SINCE: Final[Mapping[Capability, tuple[int, int, int]]] = MappingProxyType(
    {Capability.CONTEXT_REMOVAL: (8, 0, 7), Capability.RECURSION: (8, 0, 7)}
)
"""The release of Confluent's that learnt it, where an older one would answer 404, or 200 and do less."""


def as_of(dialect: Dialect, version: str) -> Dialect:
    """A dialect as a release speaks it; a version that says nothing is taken for a new one."""
    told = re.match(r"(\d+)\.(\d+)\.(\d+)", version)
    if dialect is not CONFLUENT or not told:
        return dialect
    release = tuple(map(int, told.groups()))
    later = {one: f"it came with {'.'.join(map(str, since))}" for one, since in _SINCE.items() if release < since}
    return replace(dialect, lacks=later) if later else dialect


APICURIO: Final = Dialect(
    "apicurio",
    "Apicurio Registry",
    lacks={
        Capability.CONTEXTS: "`:.ctx:name` is an ordinary name there",
        Capability.CONTEXT_REMOVAL: "it has no contexts",
        Capability.KEEPS_IDS: "it accepts a given id and version and ignores both",
        Capability.MODES: "it accepts a mode, shows it, and enforces none",
        Capability.REVIVAL: "it keeps no given number",
        Capability.METADATA: "it drops metadata silently",
        Capability.RULES: "it drops rule sets silently",
        Capability.CONFIG_FIELDS: "it keeps the compatibility level and drops every other field",
        Capability.BULK_LISTING: "entries of its `GET /schemas` do not say whose they are",
        Capability.PREFIX: "it ignores `subjectPrefix`",
        Capability.EXPLANATIONS: "a verdict never says why",
        Capability.STARS: "it takes `*` in a name for a wildcard where it lists or deletes versions",
        Capability.TAGS: "it has no `…/tags`",
        Capability.RECURSION: "it enforces no mode",
        Capability.FORMS: "its serialized form of Protobuf is no base64 but bytes taken for text",
    },
    hides_origin=True,
)

AXONOPS: Final = Dialect(
    "axonops",
    "AxonOps Schema Registry",
    lacks={
        Capability.CONTEXTS: "it has them under `/contexts/{context}` alone, hides what is a context's own, and takes "
        "no references from one to another",
        Capability.CONTEXT_REMOVAL: "it has no `DELETE /contexts/{context}`",
        Capability.METADATA: "schemas that differ in metadata alone share one id",
        Capability.RULES: "schemas that differ in rules alone share one id",
        Capability.BULK_LISTING: "its `GET /schemas` comes in a random order",
        Capability.ODD_NAMES: "`.`, `..` and names with `/` are stored under other names",
        Capability.REVIVAL: "it answers 500",
        Capability.TAGS: "it has no `…/tags`",
        Capability.RECURSION: "it ignores `recursive`",
        Capability.PAST_REFERRERS: "it ignores `deleted` there",
    },
    plain="$&+,:;=@",
    replaces_config=True,
    adds_version=True,
)

KARAPACE: Final = Dialect(
    "karapace",
    "Karapace",
    lacks={
        Capability.CONTEXTS: "`:.ctx:name` is an ordinary name there",
        Capability.CONTEXT_REMOVAL: "it has no contexts",
        Capability.KEEPS_IDS: "it accepts a given id and issues another one",
        Capability.MODES: "it has no modes: `PUT /mode` is answered 405",
        Capability.REVIVAL: "it keeps no given number",
        Capability.METADATA: "it drops metadata",
        Capability.RULES: "it drops rule sets",
        Capability.CONFIG_FIELDS: "it keeps the compatibility level only",
        Capability.BULK_LISTING: "its `GET /schemas` has no pages",
        Capability.PREFIX: "it ignores `subjectPrefix`",
        Capability.TAGS: "it has no `…/tags`",
        Capability.FORMS: "it gives a schema as it was registered",
        Capability.RECURSION: "it has no modes",
        Capability.PAST_REFERRERS: "it tells of live ones only",
    },
    checks_history=False,
)

REDPANDA: Final = Dialect(
    "redpanda",
    "Redpanda",
    lacks={
        Capability.CONTEXTS: "contexts are off unless the cluster is 26.1 or later and switches them on",
        Capability.CONTEXT_REMOVAL: "contexts are off",
        Capability.METADATA: "older versions drop metadata",
        Capability.RULES: "it drops rule sets",
        Capability.CONFIG_FIELDS: "it keeps the compatibility level only",
        Capability.BULK_LISTING: "it has no `GET /schemas`",
        Capability.PREFIX: "older versions ignore `subjectPrefix`",
        Capability.REVIVAL: "24.1 leaves what is registered again deleted, and later versions were not run",
        Capability.TAGS: "it has no `…/tags`",
        Capability.FORMS: "older versions give a schema as it was registered",
        Capability.RECURSION: "its documentation does not know `recursive`",
        Capability.PAST_REFERRERS: "its documentation does not know `deleted` there",
    },
    checks_history=False,
)

DIALECTS: Final = (CONFLUENT, APICURIO, AXONOPS, KARAPACE, REDPANDA)


@dataclass(frozen=True, slots=True)
class Sign:
    """A request that one product answers in a way of its own."""

    path: tuple[str, ...]
    dialect: Dialect
    key: str = ""
    """A property that only its answer has; without one, that it answers at all is the sign."""

    version: str = ""
    """The property that holds its version."""

    beside: str = ""
    """Not under the registry's own address, but beside this part of it."""


NATIVE: Final = "/apis/ccompat/"
"""Where Apicurio's compatible face begins; its native API stands beside it."""

_METADATA = ("v1", "metadata", "version")
SIGNS: Final = (
    Sign(_METADATA, CONFLUENT, "commitId", "version"),
    Sign(_METADATA, AXONOPS, "commit", "version"),
    Sign(("apis", "registry", "v3", "system", "info"), APICURIO, "builtOn", "version", beside=NATIVE),
    Sign(("_health",), KARAPACE, "karapace_version", "karapace_version"),
    Sign(("status", "ready"), REDPANDA),
)
"""In the order in which they are looked for; what shows none of them is taken for an older Confluent."""
