"""The part of the contract about scopes: contexts, ids that are given, modes and configuration."""

import pytest

from schema_mcp.domain.errors import ConflictError, NotFoundError, ReadOnlyError, RegistryError
from schema_mcp.domain.identity import guid_of
from schema_mcp.domain.schema import Mode, Subject, Version
from schema_mcp.registries.contract import Capability, Registry, level_of
from schema_mcp.testing.samples import fresh, fresh_context, grown, is_same, needs, record

GAP = 1_000
"""How far above the highest id a given one lies."""


class KeepsScopes:
    """Each scope has its own names, ids and settings, and gives back what was set in it."""

    @needs(Capability.CONTEXTS)
    async def test_a_context_has_its_own_subjects(self, registry: Registry) -> None:
        context = fresh_context()
        here, there, alone = fresh("orders"), Subject("", context), Subject("only-there", context)
        there = Subject(here.name, context)
        inside, outside = record("inside"), record("outside")

        await registry.register(there, inside)
        await registry.register(alone, inside)
        await registry.register(here, outside)

        assert await registry.subjects(context=context) == sorted([there, alone])
        assert {here, there} <= set(await registry.subjects())
        assert there not in await registry.subjects(context=".")
        for subject, schema in ((here, outside), (there, inside)):
            read = await registry.version(subject)
            assert read is not None
            assert (read.subject, is_same(read.schema, schema)) == (subject, True)
        listed = [version.subject async for version in registry.versions(context=context)]
        assert sorted(listed) == sorted([there, alone])

    @needs(Capability.CONTEXTS)
    async def test_no_other_context_is_searched(self, registry: Registry) -> None:
        name, context = fresh().name, fresh_context()
        schema = record("id")
        await registry.register(Subject(name, context), schema)

        assert await registry.version(Subject(name)) is None
        assert await registry.lookup(Subject(name), schema) is None
        assert await registry.numbers(Subject(name)) == []

    @needs(Capability.CONTEXTS)
    async def test_a_context_has_its_own_ids(self, registry: Registry) -> None:
        context = fresh_context()
        subject, schema = fresh(context=context), record("id")

        registered = await registry.register(subject, schema)

        assert registered.id == 1
        assert is_same(await registry.schema(1, context=context), schema)
        assert not is_same(await registry.schema(1), schema)
        assert await registry.holders(1, context=context) == [(subject, 1)]
        assert await registry.ids(guid_of(schema)) == {context: 1}
        assert await registry.highest_id(context=context) == 1
        assert await registry.highest_id(context=fresh_context()) == 0

    @needs(Capability.CONTEXTS, Capability.CONTEXT_REMOVAL, Capability.SOFT_DELETE)
    async def test_a_context_is_deleted_once_it_is_empty(self, registry: Registry) -> None:
        context = fresh_context()
        subject = fresh(context=context)
        await registry.register(subject, record("id"))
        assert context in await registry.contexts()
        assert "." in await registry.contexts()

        await registry.delete_subject(subject)
        with pytest.raises(ConflictError):
            await registry.delete_context(context)
        await registry.delete_subject(subject, permanent=True)
        await registry.delete_context(context)

        assert context not in await registry.contexts()

    async def test_the_highest_id_is_known(self, registry: Registry) -> None:
        registered = await registry.register(fresh(), record("id"))

        assert await registry.highest_id() >= registered.id

    # --- ids that are given ------------------------------------------------------------------------------------------

    @needs(Capability.KEEPS_IDS, Capability.MODES)
    async def test_an_import_keeps_id_and_number(self, registry: Registry) -> None:
        subject, schema = fresh(), record("id")
        wanted = await registry.highest_id() + GAP
        await registry.set_mode(subject, Mode.IMPORT, force=True)

        imported = await registry.register(subject, schema, schema_id=wanted, number=5)
        again = await registry.register(subject, schema, schema_id=wanted, number=5)

        assert (imported.id, imported.number) == (again.id, again.number) == (wanted, 5)
        read = await registry.version(subject, 5)
        assert read is not None
        assert (read.id, is_same(read.schema, schema)) == (wanted, True)
        assert await registry.numbers(subject) == [5]

    @needs(Capability.KEEPS_IDS, Capability.MODES, Capability.SOFT_DELETE, Capability.REVIVAL)
    async def test_a_soft_deleted_version_lives_again_under_its_number_and_id(self, registry: Registry) -> None:
        subject, schema = fresh(), record("id")
        first = await registry.register(subject, schema)
        second = await registry.register(subject, grown(schema, "note="))
        await registry.set_mode(subject, Mode.IMPORT, force=True)

        await registry.delete_version(subject, 1)
        await _revived(registry, first, leaving=[1, 2])

        # The same where nothing of the subject is live.
        await registry.delete_subject(subject)
        await _revived(registry, second, leaving=[2])
        await _revived(registry, first, leaving=[1, 2])

    @needs(Capability.KEEPS_IDS, Capability.MODES)
    async def test_ids_go_on_above_an_imported_one(self, registry: Registry) -> None:
        subject = fresh()
        wanted = await registry.highest_id() + GAP
        await registry.set_mode(subject, Mode.IMPORT, force=True)
        await registry.register(subject, record("id"), schema_id=wanted)

        assert await registry.highest_id() >= wanted
        assert (await registry.register(fresh(), record("id"))).id > wanted

    @needs(Capability.KEEPS_IDS, Capability.MODES)
    async def test_one_imported_id_serves_many_subjects(self, registry: Registry) -> None:
        one, other, schema = fresh("a"), fresh("b"), record("id")
        wanted = await registry.highest_id() + GAP
        for subject in (one, other):
            await registry.set_mode(subject, Mode.IMPORT, force=True)
            await registry.register(subject, schema, schema_id=wanted)

        assert sorted(await registry.holders(wanted)) == sorted([(one, 1), (other, 1)])

    @needs(Capability.KEEPS_IDS, Capability.MODES)
    async def test_an_id_is_never_given_to_other_content(self, registry: Registry) -> None:
        subject, schema = fresh(), record("id")
        wanted = await registry.highest_id() + GAP
        await registry.set_mode(subject, Mode.IMPORT, force=True)
        await registry.register(subject, schema, schema_id=wanted)

        with pytest.raises(RegistryError):
            await registry.register(subject, record("other"), schema_id=wanted)

        assert is_same(await registry.schema(wanted), schema)
        assert await registry.numbers(subject) == [1]

    @needs(Capability.KEEPS_IDS, Capability.MODES)
    async def test_an_id_is_only_taken_in_import_mode(self, registry: Registry) -> None:
        subject = fresh()
        wanted = await registry.highest_id() + GAP

        with pytest.raises(RegistryError):
            await registry.register(subject, record("id"), schema_id=wanted)

        assert await registry.numbers(subject) == []

    # --- modes -------------------------------------------------------------------------------------------------------

    @needs(Capability.MODES)
    async def test_a_mode_of_its_own_is_not_an_inherited_one(self, registry: Registry) -> None:
        subject = fresh()
        assert await registry.mode(subject) is None
        inherited = await registry.mode(subject, inherited=True)
        assert inherited is await registry.mode(Subject(""))

        await registry.set_mode(subject, Mode.READONLY)
        assert await registry.mode(subject) is Mode.READONLY
        assert await registry.mode(subject, inherited=True) is Mode.READONLY

        await registry.delete_mode(subject)
        assert await registry.mode(subject) is None
        with pytest.raises(NotFoundError):
            await registry.delete_mode(subject)

    @needs(Capability.MODES)
    async def test_a_readonly_subject_takes_no_schema(self, registry: Registry) -> None:
        subject, schema = fresh(), record("id")
        await registry.register(subject, schema)
        await registry.set_mode(subject, Mode.READONLY)

        with pytest.raises(ReadOnlyError):
            await registry.register(subject, grown(schema, "note="))

        assert await registry.numbers(subject) == [1]

    @needs(Capability.MODES, Capability.CONTEXTS)
    async def test_subjects_inherit_the_mode_of_their_context(self, registry: Registry) -> None:
        context = fresh_context()
        subject, scope = fresh(context=context), Subject("", context)
        assert await registry.mode(scope) is None

        await registry.set_mode(scope, Mode.READONLY)

        assert await registry.mode(scope) is Mode.READONLY
        assert await registry.mode(subject) is None
        assert await registry.mode(subject, inherited=True) is Mode.READONLY
        await registry.delete_mode(scope)
        assert await registry.mode(scope) is None

    @needs(Capability.MODES, Capability.RECURSION)
    async def test_no_mode_need_be_there_where_all_are_taken_away(self, registry: Registry) -> None:
        subject = fresh()

        await registry.delete_mode(subject, recursive=True)

        assert await registry.mode(subject) is None

    @needs(Capability.MODES, Capability.CONTEXTS, Capability.RECURSION)
    async def test_the_modes_of_all_subjects_of_a_context_are_taken_away_at_once(self, registry: Registry) -> None:
        context = fresh_context()
        scopes = (Subject("", context), fresh("a", context), fresh("b", context))
        for scope in scopes:
            await registry.set_mode(scope, Mode.READONLY)

        await registry.delete_mode(scopes[0], recursive=True)

        assert [await registry.mode(scope) for scope in scopes] == [None, None, None]

    # --- configuration -----------------------------------------------------------------------------------------------

    @needs(Capability.CONFIG)
    async def test_a_config_of_its_own_is_not_an_inherited_one(self, registry: Registry) -> None:
        subject = fresh()
        assert await registry.config(subject) is None
        assert level_of(await registry.config(subject, inherited=True)) == level_of(await registry.config(Subject("")))

        await registry.set_config(subject, {"compatibility": "FULL_TRANSITIVE"})
        assert level_of(await registry.config(subject)) == "FULL_TRANSITIVE"
        assert level_of(await registry.config(subject, inherited=True)) == "FULL_TRANSITIVE"

        await registry.delete_config(subject)
        assert await registry.config(subject) is None
        with pytest.raises(NotFoundError):
            await registry.delete_config(subject)

    @needs(Capability.CONFIG, Capability.CONFIG_FIELDS)
    async def test_fields_of_a_config_are_merged_and_null_removes_one(self, registry: Registry) -> None:
        subject = fresh()
        await registry.set_config(subject, {"compatibility": "FULL"})
        await registry.set_config(subject, {"normalize": True})
        assert await registry.config(subject) == {"compatibilityLevel": "FULL", "normalize": True}

        await registry.set_config(subject, {"normalize": None})

        assert await registry.config(subject) == {"compatibilityLevel": "FULL"}

    @needs(Capability.CONFIG, Capability.COMPATIBILITY)
    async def test_the_level_in_force_decides(self, registry: Registry) -> None:
        subject, schema = fresh(), record("id")
        await registry.set_config(subject, {"compatibility": "NONE"})
        await registry.register(subject, schema)

        assert (await registry.check(subject, grown(schema, "needed"))).compatible
        assert (await registry.register(subject, grown(schema, "needed"))).number == 2  # noqa: PLR2004 - the next

    @needs(Capability.CONFIG, Capability.CONTEXTS)
    async def test_subjects_inherit_the_config_of_their_context(self, registry: Registry) -> None:
        context = fresh_context()
        subject, scope = fresh(context=context), Subject("", context)
        assert await registry.config(scope) is None

        await registry.set_config(scope, {"compatibility": "FORWARD"})

        assert level_of(await registry.config(scope)) == "FORWARD"
        assert await registry.config(subject) is None
        assert level_of(await registry.config(subject, inherited=True)) == "FORWARD"
        await registry.delete_config(scope)
        assert await registry.config(scope) is None

    @needs(Capability.CONFIG, Capability.SOFT_DELETE)
    async def test_purging_a_subject_takes_its_config_along(self, registry: Registry) -> None:
        subject = fresh()
        await registry.register(subject, record("id"))
        await registry.set_config(subject, {"compatibility": "FULL"})

        await registry.delete_subject(subject)
        assert level_of(await registry.config(subject)) == "FULL"
        await registry.delete_subject(subject, permanent=True)

        assert await registry.config(subject) is None


async def _revived(registry: Registry, one: Version, *, leaving: list[int]) -> None:
    """Registering a soft-deleted version again, as it was, makes it live, with the versions that were."""
    again = await registry.register(one.subject, one.schema, schema_id=one.id, number=one.number)

    assert (again.id, again.number) == (one.id, one.number)
    assert await registry.numbers(one.subject) == leaving
    read = await registry.version(one.subject, one.number)
    assert read is not None
    assert (read.id, is_same(read.schema, one.schema)) == (one.id, True)
