"""Which message or enum a name means, here, in the references, or among the built-in files.

A name is looked for in the innermost scope first and then outwards; every referenced and built-in type is in
sight whether it is imported or not, as in the registry. A reference hides the built-in file of its path.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from schema_mcp.domain.protobuf import bundled
from schema_mcp.domain.protobuf.model import SCALARS, Enum, File, MapType, Message

OWN = "own"
BUNDLED = "bundled"


@dataclass(frozen=True, slots=True)
class Source:
    """A file and where it is from: `origin` is equal for equal content (a subject and its version)."""

    file: File
    origin: Hashable
    path: str = ""


@dataclass(frozen=True, slots=True)
class Definition:
    """A message or enum under its full name; `body` is None for a built-in type."""

    package: str
    name: str
    body: Message | Enum | None
    origin: Hashable
    path: str = ""
    is_enum: bool = False

    @property
    def full_name(self) -> str:
        return join(self.package, self.name)


class Types:
    """All definitions that one schema can see."""

    def __init__(self, own: File, dependencies: Sequence[Source]) -> None:
        self.own = own
        self._hidden = {source.path for source in dependencies}
        self._found: dict[tuple[str, str], Definition | None] = {}
        self._definitions: dict[str, Definition] = {}
        for source in (*reversed(dependencies), Source(own, OWN)):  # the first of two wins, and an own one over both
            self._definitions.update((found.full_name, found) for found in definitions_of(source))

    def resolve(self, name: str, scope: str) -> Definition | None:
        """The type that `name` means inside `scope` (a full name), or None."""
        key = (scope, name)
        if key not in self._found:
            self._found[key] = self._looked_up(name, scope)
        return self._found[key]

    def qualified(self, name: str, scope: str) -> str:
        """`.pkg.Name` for a type that can be found, any other type as it is."""
        definition = None if name in SCALARS else self.resolve(name, scope)
        return f".{definition.full_name}" if definition else name

    def entry(self, name: str, scope: str) -> MapType | None:
        """Key and value types, fully qualified, when `name` means a map entry; None for every other type."""
        definition = None if name in SCALARS else self.resolve(name, scope)
        body = definition.body if definition else None
        if definition is None or not isinstance(body, Message) or not body.is_map_entry:
            return None
        types = {field.name: self.qualified(field.type, definition.full_name) for field in body.fields}
        return MapType(types.get("key", ""), types.get("value", ""))

    def _looked_up(self, name: str, scope: str) -> Definition | None:
        if name.startswith("."):
            return self._defined(name[1:])
        candidates = (self._defined(join(outer, name)) for outer in outwards(scope))
        return next(filter(None, candidates), None)

    def _defined(self, full_name: str) -> Definition | None:
        if found := self._definitions.get(full_name):
            return found
        known = _bundled_types().get(full_name)
        return known if known and known.path not in self._hidden else None


def definitions_of(source: Source) -> Iterator[Definition]:
    """Every message and enum of a file, outer ones first."""
    package = source.file.package or ""
    waiting: list[tuple[str, Iterable[Message], Iterable[Enum]]] = [("", source.file.messages, source.file.enums)]
    while waiting:
        outer, messages, enums = waiting.pop()
        for enum in enums:
            yield Definition(package, join(outer, enum.name), enum, source.origin, source.path, is_enum=True)
        for message in messages:
            name = join(outer, message.name)
            yield Definition(package, name, message, source.origin, source.path)
            if message.messages or message.enums:
                waiting.append((name, message.messages, message.enums))


@cache
def _bundled_types() -> Mapping[str, Definition]:
    return {found.full_name: found for path, file in bundled.FILES.items() for found in _known(path, file)}


def _known(path: str, file: bundled.BundledFile) -> Iterator[Definition]:
    for name in file.messages:
        yield Definition(file.package, name, None, BUNDLED, path)
    for name in file.enums:
        yield Definition(file.package, name, None, BUNDLED, path, is_enum=True)


def outwards(scope: str) -> Iterator[str]:
    """A scope and all scopes around it: `a.B`, `a`, and the empty one."""
    while scope:
        yield scope
        scope = scope.rpartition(".")[0]
    yield ""


def join(outer: str, name: str) -> str:
    """`outer.name`, or the name alone at the top."""
    return f"{outer}.{name}" if outer else name
