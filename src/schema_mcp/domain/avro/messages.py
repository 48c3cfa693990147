"""What a clash is called: the registry's own sentence, and one for people with the way out."""

from schema_mcp.domain.avro.compatibility import Clash, Found
from schema_mcp.domain.avro.model import Type, branch_name
from schema_mcp.domain.formats import Difference

# Confluent 8.1.5 as recorded, with the reader as "new schema"; the other way round the two words change places.
_DESCRIPTIONS = {
    Clash.NAME: "The name of the schema has changed (path '{path}')",
    Clash.SIZE: "The size of FIXED type field at path '{path}' in the new schema does not match with the old schema",
    Clash.SYMBOLS: "The new schema is missing enum symbols '{info}' at path '{path}' in the old schema",
    Clash.DEFAULT: "The field '{info}' at path '{path}' in the new schema has no default value"
    " and is missing in the old schema",
    Clash.TYPE: "The type (path '{path}') of a field in the new schema does not match with the old schema",
    Clash.BRANCH: "The new schema is missing a type inside a union field at path '{path}' in the old schema",
    Clash.FAILURE: "Unexpected exception during compatibility check",
}

_PLAIN = {
    Clash.NAME: "{place} is called `{reader}` by the reader and `{writer}` by the writer:"
    " keep the name, or give the reader's type the writer's name as an alias",
    Clash.SIZE: "{place} has another size in the writer's schema ({info}): keep the size",
    Clash.SYMBOLS: "a reader of {place} does not know the symbols {info} that may be written:"
    " give the reader's enum these symbols or a default, or do not write them",
    Clash.DEFAULT: "a reader of this schema cannot fill {place} for records that lack it: give it a default,"
    " or keep writing it",
    Clash.TYPE: "{place} is written as {writer} and cannot be read as {reader}:"
    " keep the type, or let the reader have one that reads both",
    Clash.BRANCH: "{place} may be written as {writer}, which no branch of the reader's union can read:"
    " give the union such a branch, mend the one it has, or do not write it",
    Clash.FAILURE: "{place} matches more than one of the writer's fields through its aliases: keep one of them",
}


def difference(found: Found) -> Difference:
    """A clash in the words of the contract."""
    path = found.spot.path or "/"
    return Difference(
        kind=found.clash.value,
        path=path,
        breaks=True,
        description=_DESCRIPTIONS[found.clash].format(path=path, info=found.info),
        plain=_PLAIN[found.clash].format(
            place=f"`{found.spot.place}`" if found.spot.place else "the schema",
            info=found.info,
            reader=_called(found.reader),
            writer=_called(found.writer),
        ),
        info=found.info,
    )


def _called(type_: Type) -> str:
    name = branch_name(type_)
    return name if name == type_.kind.value else f"{type_.kind.value} {name}"
