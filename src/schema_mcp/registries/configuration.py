"""`registries.yaml`: which registries there are and how to reach them, read strictly and refused with the line."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from schema_mcp.domain.allocation import IdRange, IdSource
from schema_mcp.domain.approval import Irreversible
from schema_mcp.domain.errors import InvalidRequestError
from schema_mcp.registries import plugins
from schema_mcp.registries.contract import Auth, Connection, Limits, Timeouts, Tls
from schema_mcp.registries.document import (
    Key,
    Read,
    Value,
    amount,
    count,
    entries,
    mapping,
    one_of,
    read,
    secret,
    text,
    texts,
    truth,
)

_ADDRESSED = frozenset({"apicurio", "axonops", "confluent", "karapace", "redpanda"})
"""Backends that cannot do without a URL; others bring their own rules."""

_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")
_TAKEN = (
    "accept",
    "authorization",
    "confluent-",
    "connection",
    "content-",
    "cookie",
    "expect",
    "host",
    "proxy-",
    "transfer-",
    "upgrade",
)
"""How headers begin that mean something to HTTP or to the registry."""

REGISTRY_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class RemotePlace:
    """Where the store is fetched from and pushed to: a URL, or the name of a remote that its repository has."""

    url: str = field(repr=False)
    branch: str = ""

    @property
    def secret(self) -> SecretStr:
        """The password, or the token, that stands in the URL; empty where there is none."""
        login = re.match(r"https://([^/@\s]+)@", self.url)
        return SecretStr(login[1].rpartition(":")[2] if login else "")


@dataclass(frozen=True, slots=True)
class Signing:
    """How commits are signed (`ssh`, `openpgp`, `x509` or `none`), and with which key."""

    form: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class Configuration:
    """What a `registries.yaml` says."""

    connections: tuple[Connection, ...]
    default: str
    ids: IdSource | None = None
    id_range: IdRange | None = None
    remote: RemotePlace | None = None
    signing: Signing | None = None


def configuration(path: Path, environ: Mapping[str, str]) -> Configuration:
    """Read a `registries.yaml`; raises `ConfigurationError` with file, line and what to write instead."""
    document = read(path, environ)
    said = mapping(document, KEYS)
    named: dict[str, tuple[Value, dict[str, Any]]] = said.get("registries", {})
    if not named:
        raise document.fault("no registries", "Write `registries: { dev: { backend: embedded } }`.")
    connections = tuple(_connection(name, *settings, path.parent) for name, settings in named.items())
    source, id_range = said.get("ids", (None, None))
    return Configuration(
        connections=connections,
        default=_default(said.get("default"), list(named)),
        ids=_source(document, source, named),
        id_range=id_range,
        remote=RemotePlace(**said["remote"]) if "remote" in said else None,
        signing=_signing(path.parent, **said.get("store", {})),
    )


def address(url: str) -> str | None:
    """What is wrong with a registry's URL, or None."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return "it must begin with http:// or https:// and name a host"
    if "@" in parts.netloc:
        return "user and password do not belong into it: use `auth`"
    return "a query or fragment does not belong into it" if parts.query or parts.fragment else None


def _url(value: Value) -> str:
    url = text(value)
    if wrong := address(url):
        raise value.fault(f"this is not the URL of a registry: {wrong}", "Write https://registry.example.com.")
    return url.rstrip("/")


def _urls(value: Value) -> tuple[str, ...]:
    texts(value)
    return tuple(_url(one) for one in value.content) if isinstance(value.content, tuple) else ()


def _anything(value: Value) -> Any:
    match value.content:
        case str() as word:
            return word
        case tuple() as several:
            return [_anything(one) for one in several]
        case named:
            return {name: _anything(one) for name, one in named.items()}


def _options(value: Value) -> dict[str, Any]:
    return {name: _anything(one) for name, one in entries(value).items()}


def _itself(value: Value) -> Value:
    return value


def _headers(value: Value) -> dict[str, SecretStr]:
    return {name: secret(one) for name, one in entries(value).items()}


def _header(value: Value) -> str:
    name = text(value)
    if not _HEADER.fullmatch(name) or name.lower().startswith(_TAKEN):
        raise value.fault(f"{name[:80]!r} is no header of your own", "Write one like X-Schema-Caller.")
    return name


def _backend(value: Value) -> str:
    return one_of(plugins.known(), "backend")(value)


def _section(keys: Iterable[Key]) -> Read:
    return lambda value: mapping(value, keys)


_AUTH = (
    Key("type", one_of(("none", "basic", "bearer", "oauth"), "kind of auth"), "none", "How to sign in."),
    Key("username", text, "", "For `basic`."),
    Key("password", secret, "", "For `basic`."),
    Key("token", secret, "", "For `bearer`."),
    Key("token_url", text, "", "For `oauth`: where client credentials are exchanged for a token."),
    Key("client_id", text, "", "For `oauth`."),
    Key("client_secret", secret, "", "For `oauth`."),
    Key("scope", text, "", "For `oauth`, where the authorization server wants one."),
    Key("headers", _headers, "", "Headers to send along, for example `target-sr-cluster`."),
)
_NEEDED = {
    "basic": ("username", "password"),
    "bearer": ("token",),
    "oauth": ("token_url", "client_id", "client_secret"),
}


def _auth(value: Value) -> Auth:
    said = mapping(value, _AUTH)
    kind = said.get("type", "none")
    missing = [key for key in _NEEDED.get(kind, ()) if not said.get(key)]
    if missing:
        raise value.fault(f"auth of type {kind} needs {' and '.join(missing)}")
    if kind == "none" and set(said) - {"type", "headers"}:
        raise value.fault("auth without a type", "Write `type: basic`, `bearer` or `oauth`.")
    return Auth(**said)


_TLS = (
    Key("ca", text, "the system's", "File with the certificates to trust."),
    Key("certificate", text, "", "File with our client certificate."),
    Key("key", text, "", "File with its private key."),
)
_LIMITS = (
    Key("reads_per_second", amount, "0", "Most reads per second; 0 sets no limit."),
    Key("writes_per_second", amount, "0", "Most writes per second; 0 sets no limit."),
    Key("connections", count, "20", "Most connections at a time."),
)
_TIMEOUTS = (
    Key("connect", amount, "5", "Seconds to connect."),
    Key("read", amount, "30", "Seconds to wait for an answer."),
    Key("total", amount, "60", "Seconds for one call altogether, retries included."),
)
_CACHE = (
    Key("ttl", amount, "60", "Seconds for which what may change is remembered; 0 remembers nothing."),
    Key("disk", truth, "false", "Keep a copy in the state folder, for a start while the registry is away."),
)
_SOURCE = one_of(IdSource, "source of ids")


def _region(value: Value) -> str:
    name = text(value)
    if not REGISTRY_NAME.fullmatch(name):
        raise value.fault(f"{name[:80]!r} cannot name a region", "Use letters, digits, `-`, `_` and `.`, at most 64.")
    return name


_ALL = "all"
_DEED = one_of([*Irreversible, _ALL], "deed")


def _approvals(value: Value) -> frozenset[Irreversible]:
    several = value.content if isinstance(value.content, tuple) else (value,)
    said = {_DEED(one) for one in several}
    return frozenset(Irreversible) if _ALL in said else frozenset(map(Irreversible, said))


REGISTRY_KEYS = (
    Key("backend", _backend, "embedded", "Which kind of registry it is."),
    Key("url", _url, "", "Where it is."),
    Key("urls", _urls, "", "Several addresses of one registry, tried in order."),
    Key("path", text, "NAME.sqlite in the state folder", "For `embedded`: its file, relative to this file."),
    Key("auth", _auth, "", "How to sign in.", _AUTH),
    Key("tls", _section(_TLS), "", "Whom to trust, and our own certificate; paths are relative to this file.", _TLS),
    Key("readonly", truth, "false", "Refuse every write, whoever asks."),
    Key(
        "approvals",
        _approvals,
        "none",
        "What needs the approval of another person: permanent_delete, import_mode, prune, rollback, or all.",
    ),
    Key("caller_header", _header, "none", "A header that tells it by name who calls, for its own log; never a token."),
    Key("limits", _section(_LIMITS), "", "How much we may ask of it.", _LIMITS),
    Key("timeouts", _section(_TIMEOUTS), "", "How long to wait.", _TIMEOUTS),
    Key("retries", count, "3", "How often a read is tried again."),
    Key("cache", _section(_CACHE), "", "What may be remembered.", _CACHE),
    Key("ids", _SOURCE, "", "Who hands out ids, as below; every registry must say the same."),
    Key("options", _options, "", "What only this backend understands."),
)
_IDS = (
    Key(
        "source",
        _SOURCE,
        "ledger with two writable registries, else registry",
        "Who hands out ids: we or the registry.",
    ),
    Key("first", count, "10001", "First id of our own range."),
    Key("last", count, "2147483647", "Last id of our own range."),
    Key("region", _region, "", "Name of this server's region, which hands out ids from blocks of its own."),
    Key("block", count, "1000", "How many ids the region draws from the ledger at a time."),
)


def _registries(value: Value) -> dict[str, tuple[Value, dict[str, Any]]]:
    read: dict[str, tuple[Value, dict[str, Any]]] = {}
    for name, content in entries(value).items():
        if not REGISTRY_NAME.fullmatch(name):
            raise content.fault(
                f"{name[:80]!r} cannot name a registry", "Use letters, digits, `-`, `_` and `.`, at most 64."
            )
        read[name] = (content, mapping(content, REGISTRY_KEYS))
    return read


def _ids(value: Value) -> tuple[str | None, IdRange | None]:
    """`ids: ledger`, or the same with a range of our own."""
    if isinstance(value.content, str):
        return _SOURCE(value), None
    said = mapping(value, _IDS)
    try:
        return said.pop("source", None), IdRange(**said)
    except InvalidRequestError as error:
        raise value.fault(str(error), error.hint) from error


_REMOTE = (
    Key("url", text, "", "A URL, or the name of a remote that the store's repository has."),
    Key("branch", text, "the store's own", "The branch to follow."),
)


def _remote(value: Value) -> dict[str, str]:
    return {"url": text(value)} if isinstance(value.content, str) else mapping(value, _REMOTE)


_SIGNING = {"ssh": "ssh", "gpg": "openpgp", "x509": "x509", "none": "none"}
_STORE = (
    Key("sign", one_of(_SIGNING, "way to sign"), "as Git does for this user", "How commits are signed, or `none`."),
    Key("key", text, "the user's", "For `ssh` a key's file, relative to this one, or its public half; else its name."),
)


def _signing(folder: Path, sign: str = "", key: str = "") -> Signing | None:
    """A file is meant from where it is written down; `~` and the text of a key stay what they are."""
    is_file = sign == "ssh" and key and not key.startswith(("~", "ssh-", "ecdsa-", "sk-", "key::"))
    return Signing(_SIGNING[sign], str(folder / key) if is_file else key) if sign else None


def _store(value: Value) -> dict[str, str]:
    said = mapping(value, _STORE)
    if "key" in said and said.get("sign", "none") == "none":
        raise value.fault("a key, and nothing to sign with it", "Write `store: { sign: ssh, key: … }`.")
    return said


KEYS = (
    Key("default", _itself, "the first registry", "The registry that is meant when none is named."),
    Key("registries", _registries, "", "The registries by name.", REGISTRY_KEYS),
    Key("ids", _ids, "", "Who hands out ids.", _IDS),
    Key("remote", _remote, "none", "Where the store is fetched from and pushed to.", _REMOTE),
    Key("store", _store, "", "How commits into the store are made.", _STORE),
)


def _default(wanted: Value | None, names: list[str]) -> str:
    return one_of(names, "registry")(wanted) if wanted else names[0]


def _source(document: Value, source: str | None, named: Mapping[str, tuple[Value, dict[str, Any]]]) -> IdSource | None:
    """Who hands out ids, said once or at each registry; one space of numbers cannot have two authors."""
    said = {source} if source else set[str]()
    said |= {settings["ids"] for _, settings in named.values() if "ids" in settings}
    if len(said) > 1:
        raise document.fault("`ids` says both ledger and registry", "Say it once, at the top of the file.")
    return IdSource(said.pop()) if said else None


def _connection(name: str, value: Value, said: dict[str, Any], folder: Path) -> Connection:
    backend = said.get("backend", "embedded")
    urls = _addresses(value, said)
    if backend == "embedded" and urls:
        raise value.fault(f"{name} is embedded and has an address", "Write `backend: confluent`, or use `path`.")
    if backend == "embedded" and "caller_header" in said:
        raise value.fault(
            f"{name} is embedded and has no log of its own", "Leave out `caller_header`: see query_audit."
        )
    if backend in _ADDRESSED and not urls:
        raise value.fault(f"{name} has no address", "Write `url: https://registry.example.com`.")
    return Connection(
        name=name,
        backend=backend,
        urls=urls,
        path=folder / said["path"] if "path" in said else None,
        auth=said.get("auth", Auth()),
        tls=Tls(**{key: folder / file for key, file in said.get("tls", {}).items()}),
        limits=Limits(**said.get("limits", {})),
        timeouts=Timeouts(**said.get("timeouts", {})),
        retries=said.get("retries", 3),
        readonly=said.get("readonly", False),
        approvals=said.get("approvals", frozenset()),
        caller_header=said.get("caller_header", ""),
        options={**said.get("options", {}), **{f"cache_{key}": one for key, one in said.get("cache", {}).items()}},
    )


def _addresses(value: Value, said: dict[str, Any]) -> tuple[str, ...]:
    if "url" in said and "urls" in said:
        raise value.fault("both `url` and `urls`", "Keep `urls`, and put every address there.")
    return (said["url"],) if "url" in said else said.get("urls", ())
