"""Find the texts behind a schema's references, so that it can be judged."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from schema_mcp.domain.engine import Whole
from schema_mcp.domain.errors import InvalidSchemaError
from schema_mcp.domain.naming import resolve
from schema_mcp.domain.schema import Dependency, Reference, Schema, Subject, Version
from schema_mcp.registries.contract import Registry, Tree
from schema_mcp.services.together import each
from schema_mcp.stores.view import View

Finder: TypeAlias = Callable[[Subject, int], Awaitable[Version | None]]
"""Where a referenced version may be: -1 asks for the latest."""

Remembering: TypeAlias = Callable[[Version, Callable[[], Awaitable[Tree]]], Awaitable[Tree]]
"""How a registry with a memory gives what was resolved before."""

LATEST = -1
_MOST_REFERENCES = 1_000


async def whole(schema: Schema, subject: Subject, finders: Sequence[Finder], *, number: int = 0) -> Whole:
    """The schema with all it references, directly or not; a reference to the latest version is pinned to its number.

    The finders are asked in turn. Raises `InvalidSchemaError` for a reference that nobody has, for a circle, and for
    more than 1,000 references.
    """
    found = await _resolved(schema, subject, finders)
    return Whole(replace(schema, references=found.references), found.dependencies, number)


async def _resolved(schema: Schema, subject: Subject, finders: Sequence[Finder]) -> Tree:
    search = _Search(finders)
    await search.meet(schema, subject)
    references = [await search.follow(reference, subject, ()) for reference in schema.references]
    floats = any(number == LATEST for _, number in search.met)
    return Tree(tuple(references), tuple(search.found.values()), is_fixed=not floats)


async def stored_whole(version: Version, store: View) -> Whole:
    """A version with its references, all from the store."""
    return await whole(version.schema, version.subject, [in_store(store)], number=version.number)


async def registered_whole(version: Version, registry: Registry, finders: Sequence[Finder]) -> Whole:
    """A registered version with its references: looked for once, where the registry's answers are remembered.

    What a registered schema references by number never changes, whatever becomes of those versions.
    """
    remembered: Remembering | None = getattr(registry, "tree", None)
    if not version.schema.references or remembered is None:
        return await whole(version.schema, version.subject, finders, number=version.number)
    tree = await remembered(version, lambda: _resolved(version.schema, version.subject, finders))
    return Whole(replace(version.schema, references=tree.references), tree.dependencies, version.number)


def in_store(store: View) -> Finder:
    """Look for referenced versions in the store."""

    async def find(subject: Subject, number: int) -> Version | None:
        stored = store.version(subject, "latest" if number == LATEST else number)
        return stored.version if stored else None

    return find


def in_registry(registry: Registry) -> Finder:
    """Look for referenced versions in a registry; soft-deleted ones cannot be referenced."""

    async def find(subject: Subject, number: int) -> Version | None:
        return await registry.version(subject, "latest" if number == LATEST else number)

    return find


@dataclass(slots=True)
class _Search:
    finders: Sequence[Finder]
    found: dict[tuple[str, Subject, int], Dependency] = field(
        default_factory=dict[tuple[str, Subject, int], Dependency]
    )

    met: dict[tuple[Subject, int], Version | None] = field(default_factory=dict[tuple[Subject, int], Version | None])

    async def meet(self, schema: Schema, parent: Subject) -> None:
        """Ask for all references of one depth at once: a wide tree takes as many rounds as it is deep."""
        wanted = _places(schema, parent)
        while wanted and len(self.met) <= _MOST_REFERENCES:
            found = await each(wanted, lambda place: self._find(*place))
            self.met.update(zip(wanted, found, strict=True))
            deeper = [
                place
                for (subject, _), version in zip(wanted, found, strict=True)
                if version
                for place in _places(version.schema, subject)
            ]
            wanted = [place for place in dict.fromkeys(deeper) if place not in self.met]

    async def follow(self, reference: Reference, parent: Subject, way: tuple[tuple[Subject, int], ...]) -> Reference:
        """Collect what a reference leads to, its own references first; gives it back with its version pinned."""
        subject = resolve(reference.subject, parent)
        version = await self._version(reference, subject)
        here = (subject, version.number)
        if here in way:
            raise InvalidSchemaError(
                f"The references run in a circle through {subject} version {version.number}",
                hint="Break the circle: move what both need into a third schema.",
            )
        pinned = replace(reference, version=version.number)
        key = (reference.name, subject, version.number)
        if key in self.found:
            return pinned
        for inner in version.schema.references:
            await self.follow(inner, subject, (*way, here))
        if len(self.found) >= _MOST_REFERENCES:
            raise InvalidSchemaError(f"More than {_MOST_REFERENCES} references", hint="Split the schema.")
        self.found[key] = Dependency(reference.name, version.schema.text, str(subject), version.number)
        return pinned

    async def _version(self, reference: Reference, subject: Subject) -> Version:
        place = (subject, reference.version)
        version = self.met[place] if place in self.met else await self._find(*place)
        if version is not None:
            return version
        wanted = "its latest version" if reference.version == LATEST else f"version {reference.version}"
        raise InvalidSchemaError(
            f"The reference {reference.name!r} names subject {subject}, {wanted}, and nobody has it",
            hint="Register the referenced schema first, or correct subject and version.",
        )

    async def _find(self, subject: Subject, number: int) -> Version | None:
        for find in self.finders:
            version = await find(subject, number)
            if version is not None:
                return version
        return None


def _places(schema: Schema, parent: Subject) -> list[tuple[Subject, int]]:
    return list(dict.fromkeys((resolve(one.subject, parent), one.version) for one in schema.references))
