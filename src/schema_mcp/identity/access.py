"""`access.yaml`: who may come in, how much he may do and where; read strictly and refused with the line."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from schema_mcp.domain.caller import Bound, Grant, Reach, Scope
from schema_mcp.domain.errors import InvalidRequestError
from schema_mcp.domain.naming import parse_context
from schema_mcp.identity.policy import (
    Access,
    Client,
    Facade,
    GitHub,
    Issuer,
    Kind,
    PipelineRule,
    Refusals,
    Rule,
)
from schema_mcp.registries.document import (
    Key,
    Value,
    entries,
    mapping,
    nearest,
    one_of,
    read,
    secret,
    text,
    texts,
    truth,
)

LOOPBACK = ("127.0.0.1", "localhost", "::1")

_IDENTIFYING = frozenset(
    {"sub", "repository", "repository_id", "repository_owner", "repository_owner_id", "project_path", "namespace_path"}
)
"""Claims that say whose pipeline it is; an issuer signs tokens for everybody."""


def _scope(value: Value) -> Scope:
    return Scope(one_of(Scope, "scope")(value))


def _several(value: Value) -> tuple[Value, ...]:
    if not isinstance(value.content, tuple):
        raise value.fault("a list belongs here", "Write [first, second].")
    return value.content


def _listed(one: Callable[[Value], Any]) -> Callable[[Value], Any]:
    return lambda value: tuple(one(each) for each in _several(value))


def _names(value: Value) -> tuple[str, ...]:
    return tuple(name.casefold() for name in texts(value))


def _name(value: Value) -> str:
    return text(value).casefold()


def _team(value: Value) -> str:
    name = _name(value)
    organization, _, team = name.partition("/")
    if not organization or not team or "/" in team:
        raise value.fault(f"{value.written[:80]!r} is not a team", "Write organisation/team, as in its address.")
    return name


def _contexts(value: Value) -> frozenset[str]:
    def context(one: Value) -> str:
        try:
            return parse_context(text(one))
        except InvalidRequestError as error:
            raise one.fault(str(error), error.hint) from error

    return frozenset(context(one) for one in _several(value))


def _url(value: Value) -> str:
    url = text(value).rstrip("/")
    parts = urlsplit(url)
    if not parts.hostname or parts.query or parts.fragment or "@" in parts.netloc:
        raise value.fault("this is not an address", "Write https://schemas.example.com.")
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise value.fault("an address that tokens travel to begins with https://", "Only loopback may do without.")
    return url


def _itself(value: Value) -> Value:
    return value


_GITHUB = (
    Key("client_id", text, "", "Client id of the OAuth app."),
    Key("client_secret", secret, "", "Its secret, best as `${VARIABLE}`."),
    Key("client_secret_file", text, "", "File with its secret, relative to this file."),
    Key("url", _url, "https://github.com", "Where people sign in; another for GitHub Enterprise."),
    Key("api", _url, "https://api.github.com", "GitHub's API; for Enterprise https://HOST/api/v3."),
    Key("classic_tokens", truth, "false", "Take classic personal tokens too, which any program may have been given."),
)
_CLIENT = (
    Key("id", text, "", "Its client id."),
    Key("name", text, "its id", "What people are asked to trust."),
    Key("redirects", texts, "", "Where its answers may go, to the letter; for loopback any port fits."),
)
_FACADE = (
    Key("clients", _listed(_itself), "", "Programs known beforehand.", _CLIENT),
    Key("documents", truth, "true", "Take programs whose client id is the address of a document about them."),
    Key("registration", truth, "false", "Let any program register itself (RFC 7591)."),
)
_ALLOW = (
    Key("logins", _names, "", "Logins."),
    Key("organizations", _names, "", "Organisations, for all their members."),
    Key("teams", _listed(_team), "", "Teams, as organisation/team."),
)
_REACH = (
    Key("registries", texts, "all", "Only in these registries."),
    Key("contexts", _contexts, "all", "Only in these contexts."),
    Key("subjects", texts, "all", "Only for subjects of these shapes; `*` stands for any text."),
)
_GRANT = (
    Key("scope", _scope, "", "`read`, `write` or `admin`."),
    Key("login", _name, "", "To this login."),
    Key("organization", _name, "", "To the members of this organisation."),
    Key("team", _team, "", "To the members of this team."),
    *_REACH,
)
_PIPELINE_GRANT = (
    Key("scope", _scope, "", "`read`, `write` or `admin`."),
    Key("claims", entries, "", "What its token has to say, for example `repository`, `ref`, `environment`."),
    *_REACH,
)
_PIPELINE = (
    Key("issuer", _url, "", "Who signs the tokens, for example https://token.actions.githubusercontent.com."),
    Key("audience", text, "`url`", "For whom the tokens have to be made."),
    Key("private", truth, "false", "Whether its keys may be fetched from an address inside."),
    Key("grants", _listed(_itself), "", "What is granted to which pipelines.", _PIPELINE_GRANT),
)
_LIMIT = (
    Key("scope", _scope, "admin", "Nobody may do more than this."),
    Key("contexts", _contexts, "all", "Only these contexts are there."),
    Key("allow", texts, "all", "Only subjects of these shapes are there."),
    Key("deny", texts, "none", "Subjects of these shapes are not."),
)
ACCESS_KEYS = (
    Key("url", _url, "", "How callers reach this server: what every token has to be made for."),
    Key("github", _itself, "", "Sign in with GitHub.", _GITHUB),
    Key("sign_in", _itself, "", "Sign people in ourselves, for clients that have to discover how.", _FACADE),
    Key("allow", _itself, "", "Who may come in; without it nobody can.", _ALLOW),
    Key("grants", _listed(_itself), "", "What is granted to whom.", _GRANT),
    Key("pipelines", _listed(_itself), "", "Whose pipelines may come in, without a secret.", _PIPELINE),
    Key("limits", entries, "", "What holds at a registry for everybody, by its name.", _LIMIT),
    Key(
        "refusals", one_of(Refusals, "form of a refusal"), "http_403", "`http_403`, or `tool_error` for older clients."
    ),
)


def access(path: Path, environ: Mapping[str, str], registries: Iterable[str]) -> Access:
    """Read an `access.yaml`; raises `ConfigurationError` with file, line and what to write instead."""
    document = read(path, environ)
    said = mapping(document, ACCESS_KEYS)
    known = list(registries)
    url = said.get("url", "")
    found = Access(
        url=url,
        github=_github(said["github"], path.parent) if "github" in said else None,
        facade=_facade(said["sign_in"]) if "sign_in" in said else None,
        allow=_allowed(said["allow"]) if "allow" in said else (),
        rules=tuple(_rule(one, known) for one in said.get("grants", ())),
        issuers=tuple(_issuer(one, url) for one in said.get("pipelines", ())),
        pipelines=tuple(rule for one in said.get("pipelines", ()) for rule in _pipeline_rules(one, known)),
        bounds={name: _bound(name, one, known) for name, one in said.get("limits", {}).items()},
        refusals=Refusals(said.get("refusals", Refusals.HTTP)),
    )
    _refuse_gaps(document, found)
    return found


def _refuse_gaps(document: Value, found: Access) -> None:
    """What does not fit together: anybody can sign in at GitHub, and a token for another server is none for us."""
    if found.signs_in and not found.url:
        raise document.fault("sign-in without `url`", "Write the address by which callers reach this server.")
    if found.github and not found.allow:
        raise document.fault(
            "sign-in with GitHub, and nobody is allowed in", "Write `allow: { organizations: [example] }`."
        )
    if found.facade and not found.github:
        raise document.fault("`sign_in` without `github`", "Say with whose help people sign in.")
    if (found.allow or found.rules) and not found.github:
        raise document.fault("people are named, and `github` is not there", "Say how they sign in.")


def _github(value: Value, folder: Path) -> GitHub:
    said = mapping(value, _GITHUB)
    file = said.pop("client_secret_file", "")
    if file:
        try:
            said["client_secret"] = SecretStr((folder / file).read_text(encoding="utf-8").strip())
        except (OSError, UnicodeDecodeError) as error:
            raise value.fault(f"client_secret_file cannot be read: {type(error).__name__}") from error
    missing = [key for key in ("client_id", "client_secret") if not said.get(key)]
    if missing:
        raise value.fault(f"github needs {' and '.join(missing)}")
    return GitHub(**said)


def _facade(value: Value) -> Facade:
    said: dict[str, Any] = mapping(value, _FACADE) if value.content else {}
    clients = tuple(_client(one) for one in said.pop("clients", ()))
    return Facade(clients, **said)


def _client(value: Value) -> Client:
    said = mapping(value, _CLIENT)
    if "id" not in said or "redirects" not in said:
        raise value.fault("a client needs `id` and `redirects`")
    return Client(said["id"], said.get("name", said["id"]), said["redirects"])


def _allowed(value: Value) -> tuple[tuple[Kind, str], ...]:
    said = mapping(value, _ALLOW)
    kinds = {"logins": Kind.LOGIN, "organizations": Kind.ORGANIZATION, "teams": Kind.TEAM}
    return tuple((kind, name) for key, kind in kinds.items() for name in said.get(key, ()))


def _rule(value: Value, known: Iterable[str]) -> Rule:
    said = mapping(value, _GRANT)
    named = [kind for kind in Kind if kind in said]
    if len(named) != 1:
        raise value.fault("a grant is for one `login`, `organization` or `team`")
    return Rule(named[0], said[named[0]], _grant(value, said, known))


def _grant(value: Value, said: Mapping[str, Any], known: Iterable[str]) -> Grant:
    if "scope" not in said:
        raise value.fault("a grant without a `scope`", nearest("", Scope))
    names = frozenset[str](said.get("registries", ()))
    for name in sorted(names):
        _refuse_unknown(value, name, known)
    return Grant(said["scope"], Reach(names, said.get("contexts", frozenset()), said.get("subjects", ())))


def _issuer(value: Value, url: str) -> Issuer:
    said = mapping(value, _PIPELINE)
    if "issuer" not in said:
        raise value.fault("a pipeline without an `issuer`")
    return Issuer(said["issuer"], said.get("audience", url), said.get("private", False))


def _pipeline_rules(value: Value, known: Iterable[str]) -> Iterable[PipelineRule]:
    said = mapping(value, _PIPELINE)
    for one in said.get("grants", ()):
        granted = mapping(one, _PIPELINE_GRANT)
        claims = tuple((name, text(claim)) for name, claim in granted.get("claims", {}).items())
        if not any(name in _IDENTIFYING and _singles_out(pattern) for name, pattern in claims):
            raise one.fault(
                "a grant to anybody's pipelines", "Name in `claims` whose they are, for example `repository`."
            )
        yield PipelineRule(said["issuer"], claims, _grant(one, granted, known))


def _singles_out(pattern: str) -> bool:
    """Whether a pattern names somebody: `shop/*` does, `shop*` is also for whoever calls himself `shopping`."""
    head, star, _ = pattern.partition("*")
    return not star or head.endswith(("/", ":"))


def _bound(name: str, value: Value, known: Iterable[str]) -> Bound:
    _refuse_unknown(value, name, known)
    return Bound(**mapping(value, _LIMIT))


def _refuse_unknown(value: Value, name: str, known: Iterable[str]) -> None:
    if name not in known:
        raise value.fault(f"there is no registry {name[:80]!r}", nearest(name, known))
