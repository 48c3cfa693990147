"""What one look at two Avro types tells, without comparing what is inside them."""

from schema_mcp.domain.avro.model import Array, Enum, Field, Kind, Map, Primitive, Type, Union

_PROMOTIONS = {
    Kind.LONG: {Kind.INT},
    Kind.FLOAT: {Kind.INT, Kind.LONG},
    Kind.DOUBLE: {Kind.INT, Kind.LONG, Kind.FLOAT},
    Kind.STRING: {Kind.BYTES},
    Kind.BYTES: {Kind.STRING},
}
_COMPLEX = frozenset({Kind.ARRAY, Kind.MAP, Kind.UNION, Kind.RECORD, Kind.ENUM, Kind.FIXED})

READS: dict[Kind, frozenset[Kind]] = {
    kind: frozenset() if kind in _COMPLEX else frozenset({kind, *_PROMOTIONS.get(kind, ())}) for kind in Kind
}
"""What each kind reads without a further look."""


def fits_plainly(reader: Type, writer: Type) -> bool:
    """Can one look tell that the two fit? Most parts of most schemas need no more, and nothing is kept of it."""
    if writer.kind in READS[reader.kind]:
        return True
    match reader, writer:
        case Union(), Primitive():
            return writer.kind in _readable(reader)
        case Union(), Union():
            return _readable(reader).issuperset([branch.kind for branch in writer.branches])
        case (Array(items=mine), Array(items=written)) | (Map(values=mine), Map(values=written)):
            return written.kind in READS[mine.kind]
        case Enum(), Enum():
            return reader.name == writer.name and reader.symbols == writer.symbols
        case _:
            return False


def is_flat(field: Field) -> bool:
    """Is all of its type written in the field itself, so that nobody else can meet a part of it?"""
    if "aliases" in field.raw:
        return False
    types = field.type.branches if isinstance(field.type, Union) else [field.type]
    return all(isinstance(one, Primitive) for one in types)


def _readable(union: Union) -> set[Kind]:
    return {kind for branch in union.branches for kind in READS[branch.kind]}
