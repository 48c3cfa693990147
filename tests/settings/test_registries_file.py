"""`registries.yaml`: what it may say, and how a wrong one is refused."""

from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from schema_mcp.domain.allocation import IdRange, IdSource
from schema_mcp.domain.errors import ConfigurationError
from schema_mcp.registries.configuration import Configuration, RemotePlace, Signing, configuration
from schema_mcp.registries.contract import Auth, Limits, Timeouts, Tls

EVERYTHING = """\
default: prod
ids: { source: ledger, first: 20001, last: 29999 }
remote: { url: origin, branch: main }
registries:
  dev: { backend: embedded, path: state/dev.sqlite }
  prod:
    backend: confluent
    urls: ["https://sr-a.example.com/", "https://sr-b.example.com"]
    readonly: true
    auth: { type: basic, username: "${SR_USER}", password: "${SR_PASSWORD}", headers: { X-Tenant: blue } }
    tls: { ca: ca.pem, certificate: /etc/ssl/me.pem, key: /etc/ssl/me.key }
    limits: { reads_per_second: 75, writes_per_second: 25, connections: 20 }
    timeouts: { connect: 5, read: 30, total: 60 }
    retries: 5
    cache: { ttl: 90 }
"""


def read(folder: Path, text: str, **environ: str) -> Configuration:
    path = folder / "registries.yaml"
    path.write_text(text, encoding="utf-8")
    return configuration(path, environ)


def refusal(folder: Path, text: str, **environ: str) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as refused:
        read(folder, text, **environ)
    return refused.value


def test_everything_that_a_file_can_say_is_read(tmp_path: Path):
    told = read(tmp_path, EVERYTHING, SR_USER="ann", SR_PASSWORD="hunter2")

    dev, prod = told.connections
    assert (told.default, told.ids, told.id_range) == ("prod", IdSource.LEDGER, IdRange(20001, 29999))
    assert told.remote == RemotePlace("origin", "main")
    assert (dev.name, dev.backend, dev.path) == ("dev", "embedded", tmp_path / "state/dev.sqlite")
    assert prod.urls == ("https://sr-a.example.com", "https://sr-b.example.com")
    assert prod.auth == Auth(
        "basic", username="ann", password=SecretStr("hunter2"), headers={"X-Tenant": SecretStr("blue")}
    )
    assert prod.tls == Tls(tmp_path / "ca.pem", Path("/etc/ssl/me.pem"), Path("/etc/ssl/me.key"))
    assert (prod.limits, prod.timeouts) == (Limits(75, 25, 20), Timeouts(5, 30, 60))
    assert (prod.readonly, prod.retries, prod.options) == (True, 5, {"cache_ttl": 90})


def test_the_first_registry_is_the_default_one(tmp_path: Path):
    assert read(tmp_path, "registries: { b: {}, a: {} }").default == "b"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        pytest.param(
            "registries:\n  dev: { backend: embeded, path: x }\n",
            2,
            ["embeded", "Did you mean 'embedded'"],
            id="backend",
        ),
        pytest.param("registries:\n  dev:\n    readOnly: true\n", 3, ["readOnly", "readonly"], id="unknown-key"),
        pytest.param("registry: { dev: {} }\n", 1, ["registry", "registries"], id="unknown-top-key"),
        pytest.param("registries:\n  dev: {}\n  dev: {}\n", 3, ["dev", "twice"], id="twice"),
        pytest.param("registries:\n  dev: { retries: many }\n", 2, ["whole number"], id="not-a-number"),
        pytest.param("registries:\n  dev: { retries: ٣٣ⅷ }\n", 2, ["whole number"], id="odd-digits"),
        pytest.param("registries:\n  dev: { timeouts: { read: -1 } }\n", 2, ["number"], id="negative"),
        pytest.param("registries:\n  dev: { timeouts: { read: nan } }\n", 2, ["number"], id="not-finite"),
        pytest.param("registries:\n  dev: { readonly: maybe }\n", 2, ["maybe", "true or false"], id="neither"),
        pytest.param("registries:\n  p: { backend: confluent }\n", 2, ["no address", "url"], id="no-url"),
        pytest.param(
            "registries:\n  p: { backend: confluent, url: sr.example.com }\n", 2, ["https://"], id="no-scheme"
        ),
        pytest.param(
            "registries:\n  p: { backend: confluent, url: 'https://u:secret@sr.example.com' }\n",
            2,
            ["auth"],
            id="user-in-url",
        ),
        pytest.param(
            "registries:\n  p: { backend: confluent, url: 'https://a.example.com', urls: ['https://b.example.com'] }\n",
            2,
            ["both", "urls"],
            id="url-and-urls",
        ),
        pytest.param(
            "registries:\n  d: { url: 'https://a.example.com' }\n", 2, ["embedded", "address"], id="url-embedded"
        ),
        pytest.param(
            "registries:\n  p:\n    url: https://a.example.com\n    auth: { type: basic, username: u }\n",
            4,
            ["password"],
            id="half-an-auth",
        ),
        pytest.param("registries:\n  d: { auth: { username: u } }\n", 2, ["type"], id="auth-without-type"),
        pytest.param("default: prod\nregistries: { dev: {} }\n", 1, ["prod", "dev"], id="unknown-default"),
        pytest.param("registries: { dev: {} }\nids: us\n", 2, ["us", "ledger, registry"], id="ids"),
        pytest.param("ids: { first: 9, last: 3 }\nregistries: { dev: {} }\n", 1, ["range"], id="ids-backwards"),
        pytest.param("registries: { ../x: {} }\n", 1, ["../x", "name"], id="name-as-path"),
        pytest.param("registries: { a: &one {}, b: *one }\n", 1, ["alias"], id="alias"),
        pytest.param("registries: [a, b\n", 2, ["not YAML"], id="not-yaml"),
        pytest.param("registries: 5\n", 1, ["mapping"], id="not-a-mapping"),
        pytest.param("", 1, ["no registries"], id="empty"),
        pytest.param("registries:\n  d: { path: '${oops }' }\n", 2, ["not a variable"], id="odd-variable"),
    ],
)
def test_a_wrong_file_is_refused_with_its_line_and_what_to_write(
    tmp_path: Path, text: str, line: int, words: list[str]
):
    error = refusal(tmp_path, text)

    said = f"{error} {error.hint}"
    assert f"registries.yaml, line {line}:" in said
    assert [word for word in words if word not in said] == []


def test_a_url_with_a_password_is_refused_without_repeating_it(tmp_path: Path):
    text = "registries:\n  p: { backend: confluent, url: 'https://u:hunter2@sr.example.com' }\n"

    assert "hunter2" not in str(refusal(tmp_path, text))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("registries: { d: { readonly: '${SECRET}' } }", id="truth"),
        pytest.param("registries: { d: { backend: '${SECRET}' } }", id="choice"),
        pytest.param("registries: { d: { retries: '${SECRET}' } }", id="number"),
        pytest.param("registries: { d: { backend: confluent, url: '${SECRET}' } }", id="url"),
        pytest.param("default: '${SECRET}'\nregistries: { d: {} }", id="default"),
    ],
)
def test_a_complaint_shows_the_variable_and_never_its_value(tmp_path: Path, text: str):
    error = refusal(tmp_path, text, SECRET="hunter2")

    assert "hunter2" not in f"{error} {error.hint}"


@pytest.mark.parametrize(
    ("written", "environ", "read_as"),
    [
        pytest.param("${WHERE}.sqlite", {"WHERE": "here"}, "here.sqlite", id="set"),
        pytest.param("${WHERE:-there}.sqlite", {}, "there.sqlite", id="default"),
        pytest.param("${WHERE:-there}.sqlite", {"WHERE": ""}, "there.sqlite", id="empty-takes-the-default"),
        pytest.param("${WHERE:-}x.sqlite", {}, "x.sqlite", id="empty-default"),
        pytest.param("$${WHERE}.sqlite", {"WHERE": "here"}, "${WHERE}.sqlite", id="escaped"),
        pytest.param("${WHERE}.sqlite", {"WHERE": "${OTHER}"}, "${OTHER}.sqlite", id="never-twice"),
    ],
)
def test_variables_are_put_in(tmp_path: Path, written: str, environ: dict[str, str], read_as: str):
    told = read(tmp_path, f"registries: {{ d: {{ path: '{written}' }} }}", **environ)

    assert told.connections[0].path == tmp_path / read_as


@pytest.mark.parametrize("environ", [{}, {"SR_PASSWORD": ""}], ids=["unset", "empty"])
def test_a_missing_variable_is_named(tmp_path: Path, environ: dict[str, str]):
    error = refusal(tmp_path, "registries:\n  d:\n    path: '${SR_PASSWORD}'\n", **environ)

    assert "line 3" in str(error)
    assert "SR_PASSWORD" in str(error)


def test_ids_may_be_said_at_a_registry_but_not_two_ways(tmp_path: Path):
    assert read(tmp_path, "registries: { a: { ids: registry } }").ids is IdSource.REGISTRY
    assert "both" in str(refusal(tmp_path, "ids: ledger\nregistries: { a: { ids: registry } }"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("registries: " + "{ a: " * 40 + "x" + " }" * 40, "levels deep", id="deep"),
        pytest.param("registries: " + "[" * 100_000, "levels deep", id="very-deep"),
        pytest.param("registries: { a: {} }\n#" + "x" * 300_000, "larger than", id="large"),
        pytest.param("a: &a [x, x]\nb: &b [*a, *a]\nregistries: { c: [*b, *b] }\n", "anchors", id="laughs"),
    ],
)
def test_a_bomb_is_refused(tmp_path: Path, text: str, said: str):
    assert said in str(refusal(tmp_path, text))


def test_what_is_not_text_is_refused(tmp_path: Path):
    (tmp_path / "registries.yaml").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(ConfigurationError, match="cannot be read"):
        configuration(tmp_path / "registries.yaml", {})


def test_secrets_never_show_in_a_repr(tmp_path: Path):
    told = read(tmp_path, EVERYTHING, SR_USER="ann", SR_PASSWORD="hunter2")

    assert "hunter2" not in repr(told)
    assert "blue" not in repr(told)


SIGNING = {
    "a file": ("{ sign: ssh, key: keys/id }", Signing("ssh", "HERE/keys/id")),
    "a file of the user": ("{ sign: ssh, key: ~/.ssh/id }", Signing("ssh", "~/.ssh/id")),
    "a key in the agent": ("{ sign: ssh, key: ssh-ed25519 AAAA }", Signing("ssh", "ssh-ed25519 AAAA")),
    "the user's key": ("{ sign: ssh }", Signing("ssh")),
    "a name": ("{ sign: gpg, key: ann@example.com }", Signing("openpgp", "ann@example.com")),
    "nothing": ("{ sign: none }", Signing("none")),
    "as Git does": ("{}", None),
}


@pytest.mark.parametrize(("said", "meant"), SIGNING.values(), ids=SIGNING)
def test_the_file_says_how_commits_are_signed(tmp_path: Path, said: str, meant: Signing | None):
    told = read(tmp_path, f"registries: {{ dev: {{}} }}\nstore: {said}\n").signing

    assert told == (meant and replace(meant, key=meant.key.replace("HERE", str(tmp_path))))


@pytest.mark.parametrize("said", ["{ sign: maybe }", "{ key: id }", "{ sign: none, key: id }", "{ signs: ssh }"])
def test_a_way_to_sign_that_makes_no_sense_is_refused(tmp_path: Path, said: str):
    assert "registries.yaml" in str(refusal(tmp_path, f"registries: {{ dev: {{}} }}\nstore: {said}\n"))


@pytest.mark.parametrize(
    ("url", "secret"),
    [("https://ann:s3cret@example.com/x", "s3cret"), ("https://t0ken@example.com/x", "t0ken"), ("ssh://git@a/x", ""),
     ("https://example.com/x", ""), ("git@example.com:x", ""), ("origin", "")],
)  # fmt: skip
def test_the_secret_in_the_address_of_the_upstream_is_known_as_one(url: str, secret: str):
    assert RemotePlace(url).secret.get_secret_value() == secret
