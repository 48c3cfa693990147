"""Read every version of a registry page by page, and prove that none is missing.

What goes wrong with pages in the field: entries that do not say whose they are (Apicurio), an order that changes from
page to page (AxonOps), a server that gives fewer than were asked for, versions that come and go meanwhile.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final, TypeAlias

import anyio

from schema_mcp.domain.schema import Subject, Version
from schema_mcp.registries.contract import Registry

PASSES: Final = 3
"""So often the pages are read again when the registry changed under them; then subject by subject."""

AT_ONCE: Final = 10
"""Subjects read at the same time."""

Page: TypeAlias = Callable[[int], Awaitable[list[Version] | None]]
"""The page that begins at an offset, as long as the server likes; None when its entries cannot be trusted."""

_Key: TypeAlias = tuple[Subject, int]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which versions a listing is about."""

    context: str | None = None
    prefix: str = ""
    deleted: bool = False
    latest_only: bool = False

    def covers(self, subject: Subject) -> bool:
        return self.context in (None, subject.context) and subject.name.startswith(self.prefix)


async def every_version(registry: Registry, page: Page, wanted: Wanted) -> AsyncIterator[Version]:
    """Every version wanted, once; from the pages where they hold together, else subject by subject."""
    seen: set[_Key] = set()
    complete = False
    for _ in range(PASSES):
        reading = _Pass(page)
        async for version in reading.versions():
            key = _key(version)
            if key not in seen and wanted.covers(version.subject):
                seen.add(key)
                yield version
        complete = reading.holds_together
        if complete or reading.is_useless:
            break
    async for version in _missing(registry, wanted, seen, trusted=complete):
        yield version


class _Pass:
    """One reading of all pages. Each page begins with the last entry of the one before: a shift cannot hide."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.holds_together = True
        self.is_useless = False

    async def versions(self) -> AsyncIterator[Version]:
        seen: set[_Key] = set()
        last: _Key | None = None
        while True:
            found = await self._page(max(0, len(seen) - 1))
            if found is None:
                self.is_useless, self.holds_together = True, False
                return
            if last is None and len(found) == 1:
                # A page of one cannot overlap with the next: is it all there is, or all the server gives at a time?
                self.is_useless, self.holds_together = True, False
            fresh = found if last is None else found[1:]
            if last is not None and (not found or _key(found[0]) != last):
                self.holds_together = False
                return
            if not fresh:
                # Only a page that brings nothing is the end: a short one may be the server's own limit.
                return
            for version in fresh:
                yield version
            known = len(seen)
            seen.update(map(_key, fresh))
            if len(seen) < known + len(fresh):
                # What comes twice stands in the place of something else, and may come for ever.
                self.holds_together = False
                return
            last = _key(fresh[-1])
            del found, fresh  # let go of a page before the next is in memory


async def _missing(
    registry: Registry, wanted: Wanted, seen: AbstractSet[_Key], *, trusted: bool
) -> AsyncIterator[Version]:
    """What the pages left out: subjects they never named, or all of them when the pages cannot be trusted."""
    named = {subject for subject, _ in seen} if trusted else set[Subject]()
    subjects = await registry.subjects(context=wanted.context, prefix=wanted.prefix, deleted=wanted.deleted)
    left = [subject for subject in subjects if subject not in named]
    for start in range(0, len(left), AT_ONCE):
        for version in await _read(registry, left[start : start + AT_ONCE], wanted, seen):
            yield version


async def _read(
    registry: Registry, subjects: Sequence[Subject], wanted: Wanted, seen: AbstractSet[_Key]
) -> list[Version]:
    found: list[Version] = []

    async def read(subject: Subject) -> None:
        numbers = await registry.numbers(subject, deleted=wanted.deleted)
        for number in numbers[-1:] if wanted.latest_only else numbers:
            if (subject, number) not in seen:
                version = await registry.version(subject, number, deleted=wanted.deleted)
                found.extend([version] if version else [])

    async with anyio.create_task_group() as readers:
        for subject in subjects:
            readers.start_soon(read, subject)
    return sorted(found, key=_key)


def _key(version: Version) -> _Key:
    return version.subject, version.number
