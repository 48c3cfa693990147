"""The part of the contract about lists: complete, sorted, and in few requests."""

from dataclasses import replace
from uuid import uuid4

from schema_mcp.domain.schema import Subject
from schema_mcp.registries.contract import Capability, Registry
from schema_mcp.testing.samples import Traffic, fresh, grown, needs, place, record, there


class Lists:
    """Nothing is missing from a list, and nothing is in it twice."""

    def traffic(self, registry: Registry) -> Traffic | None:  # noqa: ARG002 - for those who can tell
        """Override it where requests can be counted; the tests about their number are stricter then."""
        return None

    async def test_every_version_is_listed_once(self, registry: Registry) -> None:
        mark = uuid4().hex[:12]
        subjects = [Subject(f"{mark}-{number:02}") for number in range(12)]
        for subject in subjects:
            schema = record("id")
            await registry.register(subject, schema)
            await registry.register(subject, grown(schema, "note="))

        listed = [version async for version in registry.versions(prefix=mark)]
        latest = [version async for version in registry.versions(prefix=mark, latest_only=True)]

        assert sorted(place(version) for version in listed) == [(subject, n) for subject in subjects for n in (1, 2)]
        assert sorted(place(version) for version in latest) == [(subject, 2) for subject in subjects]
        for version in listed:
            assert version == replace(await there(registry, version), timestamp=version.timestamp)

    @needs(Capability.BULK_LISTING)
    async def test_a_listing_takes_few_requests(self, registry: Registry) -> None:
        mark = uuid4().hex[:12]
        for number in range(12):
            await registry.register(Subject(f"{mark}-{number:02}"), record("id"))
        before = self.traffic(registry)

        listed = [version async for version in registry.versions(prefix=mark)]

        after = self.traffic(registry)
        assert len(listed) == 12  # noqa: PLR2004 - as registered
        if before and after:
            assert after.requests - before.requests < len(listed) / 2

    async def test_a_prefix_finds_the_names_that_begin_so(self, registry: Registry) -> None:
        mark = uuid4().hex[:12]
        subjects = [Subject(f"{mark}-{name}") for name in ("a", "ab", "b")]
        for subject in reversed(subjects):
            await registry.register(subject, record("id"))

        assert await registry.subjects(prefix=f"{mark}-a") == subjects[:2]
        assert await registry.subjects(prefix=mark) == subjects
        assert set(subjects) <= set(await registry.subjects())

    @needs(Capability.PREFIX)
    async def test_a_prefix_is_sent_to_the_registry(self, registry: Registry) -> None:
        for name in ("a", "b", "c"):
            await registry.register(fresh(name), record("id"))
        before = self.traffic(registry)

        found = await registry.subjects(prefix=uuid4().hex)

        after = self.traffic(registry)
        assert found == []
        if before and after:
            assert after.received - before.received <= len("[]\r\n")
