"""Tokens that we sign: for a while, for us, and no longer than the sign-in they were given for."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from schema_mcp.domain.caller import Scope
from schema_mcp.domain.errors import StoreError, UnknownCallerError
from schema_mcp.identity import keys
from schema_mcp.identity.issuing import LIFETIME, SignIns
from schema_mcp.identity.keys import FILE, Keys
from schema_mcp.stores.signins import SignInStore

URL = "https://schemas.example.com"


class World:
    def __init__(self, folder: Path) -> None:
        self.now = 1_800_000_000.0
        self.keys = Keys(folder)
        self.store = SignInStore(folder / "sign-ins.sqlite")
        self.tokens = SignIns(URL, self.keys, self.store, clock=lambda: self.now)

    def token(self, *scopes: str) -> str:
        made = self.store.begin("ann", self.keys.seal("gho_canary"), "client", scopes or ("read",))
        return self.tokens.issue(made, made.scopes).token


@pytest.fixture
def at(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    with closing(world.store):
        yield world


def test_a_token_stands_for_a_sign_in(at: World):
    found = at.tokens.read(at.token("read", "write"))

    assert (found.github_token, found.client) == ("gho_canary", "client")
    assert found.scopes == {Scope.READ, Scope.WRITE}


def test_a_token_that_was_good_is_over_in_time(at: World):
    token = at.token()
    at.now += LIFETIME - 1
    at.tokens.read(token)

    at.now += 1
    with pytest.raises(UnknownCallerError):
        at.tokens.read(token)


def test_a_token_that_was_good_is_over_with_its_sign_in(at: World):
    token = at.token()
    at.tokens.read(token)
    named = at.tokens.named_in(token)

    assert named is not None
    at.store.end(named)
    with pytest.raises(UnknownCallerError):
        at.tokens.read(token)


def test_a_token_for_another_server_of_the_same_keys_is_none(at: World):
    other = SignIns("https://other.example.com", at.keys, at.store, clock=lambda: at.now)

    with pytest.raises(UnknownCallerError):
        other.read(at.token())


def test_processes_of_one_folder_share_its_keys(at: World, tmp_path: Path):
    again = Keys(tmp_path)

    assert again.public == at.keys.public
    assert again.unseal(at.keys.seal("x")) == "x"
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


def test_who_comes_second_keeps_the_first_ones_keys(at: World, tmp_path: Path):
    keys._make(tmp_path / FILE)

    assert Keys(tmp_path).public == at.keys.public
    assert [one.name for one in tmp_path.glob(f"{FILE}*")] == [FILE]


def test_another_folders_keys_open_nothing(at: World, tmp_path: Path):
    other = tmp_path / "other"
    other.mkdir()

    with pytest.raises(StoreError):
        Keys(other).unseal(at.keys.seal("x"))


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"signing": {}, "sealing": {}}'])
def test_keys_that_cannot_be_read_say_what_to_do(tmp_path: Path, content: str):
    (tmp_path / FILE).write_text(content, encoding="utf-8")

    with pytest.raises(StoreError, match="cannot be read") as error:
        Keys(tmp_path)
    assert "signs in again" in error.value.hint
