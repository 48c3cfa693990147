"""Which subjects we wrote to lately: what ended, well or not, and when that is not known any more."""

import pytest

from schema_mcp.domain.errors import RegistryError
from schema_mcp.domain.schema import Schema, Subject
from schema_mcp.registries.backends.embedded import EmbeddedRegistry
from schema_mcp.registries.changes import KEPT, Changes
from schema_mcp.registries.contract import Connection
from schema_mcp.registries.guard import GuardedRegistry

A, B = Subject("a"), Subject("b", ".ctx")
TEXT = Schema('"string"')


def test_only_what_ended_since_is_named():
    changes = Changes()
    changes.note(A)
    before = changes.count
    changes.note(B)

    assert (changes.since(0), changes.since(before), changes.since(changes.count)) == ({A, B}, {B}, set())


def test_a_write_about_many_may_have_changed_everything():
    changes = Changes()
    changes.note(A)
    changes.note(None)

    assert (changes.since(0), changes.since(1), changes.since(2)) == (None, None, set())


def test_what_is_too_long_ago_is_not_known():
    changes = Changes()
    for _ in range(KEPT + 1):
        changes.note(A)

    assert (changes.since(0), changes.since(1)) == (None, {A})


async def test_the_guard_notes_a_write_when_it_has_ended(monkeypatch: pytest.MonkeyPatch):
    inner = EmbeddedRegistry(Connection("dev"))
    guarded = GuardedRegistry(inner)
    await guarded.register(A, TEXT)
    await guarded.delete_subject(A)
    noted = guarded.changes.since(0)
    at_work: list[int] = []

    async def fails(*_: object, **__: object) -> None:
        at_work.append(guarded.changes.count)
        raise RegistryError("it broke off", hint="")

    monkeypatch.setattr(inner, "register", fails)
    with pytest.raises(RegistryError):
        await guarded.register(B, TEXT)

    assert noted == {A}
    assert (at_work, guarded.changes.since(2)) == ([2], {B})
    await inner.close()
