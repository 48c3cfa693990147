"""Everything a registry says no with: its code, its status, its words.

Source: registry semantics 1.8; the HTTP status is the first three digits of the code.
"""

from schema_mcp.domain.schema import DEFAULT_CONTEXT, Subject


class Refusal(Exception):  # noqa: N818 - the registry said no; not an error of ours
    """One refused request, as the registry's clients see it."""

    def __init__(self, error_code: int, message: str) -> None:
        super().__init__(message)
        self.error_code = error_code
        self.message = message

    @property
    def status(self) -> int:
        return int(str(self.error_code)[:3])


def method_not_allowed() -> Refusal:
    return Refusal(405, "HTTP 405 Method Not Allowed")


def subject_missing(subject: Subject) -> Refusal:
    return Refusal(40401, f"Subject '{shown(subject)}' not found.")


def version_missing(number: int | str) -> Refusal:
    return Refusal(40402, f"Version {number} not found.")


def schema_missing(which: object = "") -> Refusal:
    return Refusal(40403, f"Schema {which} not found" if which != "" else "Schema not found")


def subject_soft_deleted(subject: Subject) -> Refusal:
    return Refusal(40404, f"Subject '{shown(subject)}' was soft deleted.Set permanent=true to delete permanently")


def subject_not_soft_deleted(subject: Subject) -> Refusal:
    return Refusal(40405, f"Subject '{shown(subject)}' was not deleted first before being permanently deleted")


def version_soft_deleted(subject: Subject, number: int) -> Refusal:
    return Refusal(
        40406,
        f"Subject '{shown(subject)}' Version {number} was soft deleted.Set permanent=true to delete permanently",
    )


def version_not_soft_deleted(subject: Subject, number: int) -> Refusal:
    return Refusal(
        40407,
        f"Subject '{shown(subject)}' Version {number} was not deleted first before being permanently deleted",
    )


def config_unset(scope: Subject) -> Refusal:
    return Refusal(40408, f"Subject '{shown(scope)}' does not have subject-level compatibility configured")


def mode_unset(scope: Subject) -> Refusal:
    return Refusal(40409, f"Subject '{shown(scope)}' does not have subject-level mode configured")


def incompatible(subject: Subject, messages: tuple[str, ...]) -> Refusal:
    details = ", ".join(messages)
    return Refusal(
        40901,
        "Schema being registered is incompatible with an earlier schema for subject "
        f'"{shown(subject)}", details: [{details}]',
    )


def invalid_schema(message: str) -> Refusal:
    return Refusal(42201, message)


def invalid_version(text: str) -> Refusal:
    return Refusal(
        42202,
        f"The specified version '{text}' is not a valid version id. "
        'Allowed values are between [1, 2^31-1] and the string "latest"',
    )


def invalid_level() -> Refusal:
    return Refusal(
        42203,
        "Invalid compatibility level. Valid values are none, backward, forward, full, "
        "backward_transitive, forward_transitive, and full_transitive",
    )


def invalid_mode(message: str = "Invalid mode. Valid values are READWRITE, READONLY, IMPORT and FORWARD.") -> Refusal:
    return Refusal(42204, message)


def not_permitted(message: str) -> Refusal:
    return Refusal(42205, message)


def wrong_mode(subject: Subject, what: str) -> Refusal:
    """A write that the mode in force forbids; in the default context the context's name is empty."""
    context = "" if subject.context == DEFAULT_CONTEXT else f":{subject.context}:"
    name = shown(subject) if subject != Subject("") else "null"
    return not_permitted(f"Subject {name} in context {context} is {what}")


def id_taken(schema_id: int, context: str) -> Refusal:
    shown_context = "" if context == DEFAULT_CONTEXT else f":{context}:"
    return not_permitted(f"Overwrite new schema with id {schema_id} in context {shown_context} is not permitted.")


def referenced(subject: Subject, number: int) -> Refusal:
    key = f"{{magic=1,keytype=SCHEMA,subject={shown(subject)},version={number}}}"
    return Refusal(42206, f"One or more references exist to the schema {key}.")


def invalid_subject(subject: Subject) -> Refusal:
    return Refusal(42208, f"The specified subject '{shown(subject)}' is not a valid.")


def context_not_empty(context: str) -> Refusal:
    return Refusal(42211, f"The specified context ':{context}:' is not empty.")


def shown(subject: Subject) -> str:
    """A subject in messages: its wire form, `:.ctx:` for a whole context."""
    return str(subject)
