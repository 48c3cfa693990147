"""How answers of a registry are written down as JSON, and read again exactly as they were."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from schema_mcp.domain.schema import Dependency, Reference, Schema, SchemaType, Subject, Version
from schema_mcp.registries.contract import Tree

Options: TypeAlias = tuple[str | int | bool | None, ...]


def question(kind: str, subject: Subject | None, options: Options) -> str:
    """One text for each question."""
    return json.dumps([kind, None if subject is None else _subject(subject), *options])


def written(kind: str, answer: Any) -> str:
    """An answer as text."""
    return json.dumps(_FORMS[kind].write(answer), ensure_ascii=True, separators=(",", ":"))


def read(kind: str, text: str) -> Any:
    """The answer in a text; raises `ValueError`, `TypeError`, `KeyError` or `IndexError` where there is none."""
    return _FORMS[kind].read(json.loads(text))


@dataclass(frozen=True, slots=True)
class _Form:
    write: Callable[[Any], Any]
    read: Callable[[Any], Any]

    @property
    def several(self) -> "_Form":
        return _Form(lambda many: [self.write(one) for one in many], lambda many: [self.read(one) for one in many])


def _subject(subject: Subject) -> list[str]:
    return [subject.name, subject.context]


def _schema(schema: Schema) -> list[Any]:
    references = [[one.name, one.subject, one.version] for one in schema.references]
    return [schema.text, schema.type, references, schema.metadata, schema.rule_set]


def _read_schema(told: Any) -> Schema:
    text, kind, references, metadata, rule_set = told
    return Schema(text, SchemaType(kind), tuple(Reference(*one) for one in references), metadata, rule_set)


def _version(one: Version) -> list[Any]:
    return [_subject(one.subject), one.number, one.id, _schema(one.schema), one.guid, one.deleted, one.timestamp]


def _read_version(told: Any) -> Version:
    subject, number, schema_id, schema, *rest = told
    return Version(Subject(*subject), number, schema_id, _read_schema(schema), *rest)


def _holder(one: tuple[Subject, int]) -> list[Any]:
    return [_subject(one[0]), one[1]]


def _read_holder(told: Any) -> tuple[Subject, int]:
    return Subject(*told[0]), told[1]


def _tree(one: Tree) -> list[Any]:
    references = [[each.name, each.subject, each.version] for each in one.references]
    return [references, [[each.name, each.text, each.subject, each.version] for each in one.dependencies]]


def _read_tree(told: Any) -> Tree:
    references, dependencies = told
    return Tree(tuple(Reference(*one) for one in references), tuple(Dependency(*one) for one in dependencies))


def _itself(value: Any) -> Any:
    return value


_PLAIN = _Form(_itself, _itself)
_SCHEMA = _Form(_schema, _read_schema)
_VERSION = _Form(_version, _read_version)
_FORMS = {
    "contexts": _PLAIN,
    "subjects": _Form(_subject, lambda told: Subject(*told)).several,
    "numbers": _PLAIN,
    "version": _VERSION,
    "versions": _VERSION.several,
    "schema": _SCHEMA,
    "guid": _SCHEMA,
    "tree": _Form(_tree, _read_tree),
    "holders": _Form(_holder, _read_holder).several,
}
