"""Every kind of difference: does it break, what does the registry say, and what do people need to hear."""

from dataclasses import dataclass

from schema_mcp.domain.formats import Difference


@dataclass(frozen=True, slots=True)
class Kind:
    """One row of the table; the texts take `{path}`, `{what}`, `{old}` and `{new}`."""

    breaks: bool
    description: str
    plain: str


def difference(kind: str, path: str, *, what: str = "", old: str = "", new: str = "") -> Difference:
    """A difference of this kind, with its sentences filled in."""
    row = KINDS[kind]
    plain = row.plain.format(path=path, what=what, old=old, new=new)
    return Difference(kind, path, row.breaks, row.description.format(path=path), plain)


# The descriptions of breaking kinds are the registry's (recorded from Confluent 8.1.5, except for
# FIELD_NUMERIC_LABEL_CHANGED and FIELD_MOVED_TO_EXISTING_ONEOF); "new" is the reader's schema.
KINDS = {
    "PACKAGE_CHANGED": Kind(
        breaks=True,
        description="The package at '{path}' in the new schema does not match the package in the old schema",
        plain="the package is `{new}` here and `{old}` there, so every type has another name; keep the package",
    ),
    "MESSAGE_ADDED": Kind(
        breaks=False,
        description="The new schema has a MESSAGE type at path '{path}' that is missing in the old schema",
        plain="message `{what}` is new",
    ),
    "MESSAGE_REMOVED": Kind(
        breaks=True,
        description="The new schema is missing a MESSAGE type at path '{path}' in the old schema",
        plain="a reader of this schema does not know message `{what}`, which the writer has; keep the message",
    ),
    "MESSAGE_MOVED": Kind(
        breaks=False,
        description="The MESSAGE type at path '{path}' has another position in the new schema than in the old schema",
        plain="message `{what}` stands at another place; serialisers that send its index will send another one",
    ),
    "ENUM_ADDED": Kind(
        breaks=False,
        description="The new schema has an ENUM type at path '{path}' that is missing in the old schema",
        plain="enum `{what}` is new",
    ),
    "ENUM_REMOVED": Kind(
        breaks=False,
        description="The new schema is missing an ENUM type at path '{path}' in the old schema",
        plain="enum `{what}` is gone",
    ),
    "ENUM_CONST_ADDED": Kind(
        breaks=False,
        description="The new schema has an ENUM constant at path '{path}' that is missing in the old schema",
        plain="constant `{what}` is new",
    ),
    "ENUM_CONST_CHANGED": Kind(
        breaks=False,
        description="The ENUM constant at path '{path}' has another name in the new schema than in the old schema",
        plain="constant `{old}` is now called `{new}`",
    ),
    "ENUM_CONST_REMOVED": Kind(
        breaks=False,
        description="The new schema is missing an ENUM constant at path '{path}' in the old schema",
        plain="constant `{what}` is gone; a reader sees its number only",
    ),
    "FIELD_ADDED": Kind(
        breaks=False,
        description="The new schema has a field at path '{path}' that is missing in the old schema",
        plain="field `{what}` is new; older records leave it empty",
    ),
    "FIELD_REMOVED": Kind(
        breaks=False,
        description="The new schema is missing a field at path '{path}' in the old schema",
        plain="field `{what}` is gone; a reader skips it. Reserve its number so that nobody uses it again",
    ),
    "FIELD_NAME_CHANGED": Kind(
        breaks=False,
        description="The field at path '{path}' has another name in the new schema than in the old schema",
        plain="field `{old}` is now called `{new}`; binary records stay readable, JSON does not",
    ),
    "FIELD_KIND_CHANGED": Kind(
        breaks=True,
        description="The type of a field at path '{path}' in the new schema does not match the old schema",
        plain="a reader cannot read field `{what}`: it is `{new}` here and `{old}` there; "
        "keep the old type, or add a field with a new number",
    ),
    "FIELD_SCALAR_KIND_CHANGED": Kind(
        breaks=True,
        description="The kind of a SCALAR field at path '{path}' in the new schema does not match its kind in the "
        "old schema",
        plain="a reader would misread field `{what}`: `{new}` and `{old}` are written differently; "
        "keep the old type, or add a field with a new number",
    ),
    "FIELD_NAMED_TYPE_CHANGED": Kind(
        breaks=True,
        description="The type of a MESSAGE field at path '{path}' in the new schema does not match its type in the "
        "old schema",
        plain="field `{what}` holds message `{new}` here and `{old}` there, or the message changed inside; "
        "keep the old message, or add a field with a new number",
    ),
    "FIELD_NUMERIC_LABEL_CHANGED": Kind(
        breaks=True,
        description="The label of a numeric field at path '{path}' in the new schema does not match its label in the "
        "old schema",
        plain="field `{what}` is {new} here and {old} there, which numbers do not survive; keep the label",
    ),
    "FIELD_STRING_OR_BYTES_LABEL_CHANGED": Kind(
        breaks=False,
        description="The label of a string or bytes field at path '{path}' in the new schema does not match its label "
        "in the old schema",
        plain="field `{what}` is {new} here and {old} there; a single reader takes the last value",
    ),
    "REQUIRED_FIELD_ADDED": Kind(
        breaks=True,
        description="A required field  at path '{path}' in the new schema is missing in the old schema",
        plain="a reader demands `{what}`, which existing records lack; make it optional",
    ),
    "REQUIRED_FIELD_REMOVED": Kind(
        breaks=True,
        description="The new schema is missing a required field at path: '{path}' in the old schema",
        plain="the required field `{what}` is missing here; keep it",
    ),
    "ONEOF_ADDED": Kind(
        breaks=False,
        description="The new schema has a oneof at path '{path}' that is missing in the old schema",
        plain="oneof `{what}` is new",
    ),
    "ONEOF_REMOVED": Kind(
        breaks=False,
        description="The new schema is missing a oneof at path '{path}' in the old schema",
        plain="oneof `{what}` is gone",
    ),
    "ONEOF_FIELD_ADDED": Kind(
        breaks=False,
        description="The new schema has a oneof field at path '{path}' that is missing in the old schema",
        plain="`{what}` is a new choice in its oneof",
    ),
    "ONEOF_FIELD_REMOVED": Kind(
        breaks=True,
        description="The new schema is missing a oneof field at path '{path}' in the old schema",
        plain="a reader of this schema does not know the choice `{what}`, which the writer may make; keep it",
    ),
    "ONEOF_FIELD_MOVED_TO_TOP_LEVEL": Kind(
        breaks=False,
        description="The oneof field at path '{path}' in the old schema is outside a oneof in the new schema",
        plain="field `{what}` left its oneof",
    ),
    "MULTIPLE_FIELDS_MOVED_TO_ONEOF": Kind(
        breaks=True,
        description="Multiple fields in the oneof at path '{path}' in the new schema are outside a oneof in the old "
        "schema",
        plain="oneof `{what}` takes in several fields that could be set together before, and a reader keeps one of "
        "them; leave them outside",
    ),
    "FIELD_MOVED_TO_EXISTING_ONEOF": Kind(
        breaks=True,
        description="A field in the oneof at path '{path}' in the new schema is outside that oneof in the old schema",
        plain="oneof `{what}` takes in a field that could be set beside its others before; leave it where it was",
    ),
}
