"""A YAML file as its author sees it: every value knows its line, so that every complaint can name it.

Scalars stay text until somebody says what they should be; that is what lets `${VAR:-true}` become a yes.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias, cast

import yaml
from pydantic import SecretStr

from schema_mcp.domain.errors import ConfigurationError

_LARGEST_FILE = 256 * 1024
_DEEPEST = 12

_VARIABLE = re.compile(r"\$\$\{|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}|\$\{[^}]*\}?")
"""`$${` is a plain `${`; `${VAR}` must be set; `${VAR:-default}` need not be; anything else is a slip."""

Loader: TypeAlias = type[yaml.SafeLoader]
_LOADER: Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast where it was built


@dataclass(frozen=True, slots=True)
class Value:
    """A text, a list or a mapping of a file, with the line it stands on.

    `written` is a text before its variables were put in: complaints show that, because a variable may be a secret.
    """

    file: str
    line: int
    content: "str | tuple[Value, ...] | dict[str, Value]" = field(repr=False)
    written: str = ""

    def fault(self, message: str, hint: str = "") -> ConfigurationError:
        """The error that says what is wrong on this line and what to write instead."""
        return ConfigurationError(f"{self.file}, line {self.line}: {message}", hint=hint)


def read(path: Path, environ: Mapping[str, str]) -> Value:
    """Read a YAML file, variables put in; raises `ConfigurationError` with file and line for whatever is wrong."""
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise ConfigurationError(f"{path} is larger than 256 kB", hint="Is it the right file?")
        return parse(path.read_text(encoding="utf-8"), str(path), environ)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}", hint="Check --config, or run `init`.") from error


def parse(text: str, file: str, environ: Mapping[str, str]) -> Value:
    """The values of a YAML text."""
    try:
        _refuse_tricks(text, file)
        node = cast("yaml.Node | None", yaml.compose(text, Loader=_LOADER))  # pyright: ignore[reportUnknownMemberType]
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigurationError(
            f"{file}, line {line}: this is not YAML: {error.problem}", hint="Check quotes, brackets and indentation."
        ) from error
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{file} is not YAML", hint="Check quotes, brackets and indentation.") from error
    if node is None:
        return Value(file, 1, {})
    return _Reader(file, environ).value(node)


def _refuse_tricks(text: str, file: str) -> None:
    """Look at the events first: building values of a text that is nested too deep would end the process."""
    depth = 0
    for event in cast("Iterable[yaml.Event]", yaml.parse(text, Loader=_LOADER)):  # pyright: ignore[reportUnknownMemberType]
        here = Value(file, event.start_mark.line + 1, "")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise here.fault(f"more than {_DEEPEST} levels deep", "Is it the right file?")
        if getattr(event, "anchor", None):
            raise here.fault("anchors and aliases (& and *) are not understood here", "Write the value out.")


def value_of(environ: Mapping[str, str], name: str) -> str:
    """What a variable says, or the file that NAME_FILE names, as secrets are mounted; empty where neither is set.

    Raises `ConfigurationError` where both are set, or the file cannot be read.
    """
    value, path = environ.get(name, ""), environ.get(f"{name}_FILE", "")
    if not path:
        return value
    if value:
        raise ConfigurationError(f"{name} and {name}_FILE are both set", hint="Unset one of them.")
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"The file that {name}_FILE names cannot be read: {type(error).__name__}", hint="Check its path and rights."
        ) from error


class _Reader:
    """Turns YAML nodes into values; refuses what would hide something from a reader of the file."""

    def __init__(self, file: str, environ: Mapping[str, str]) -> None:
        self._file = file
        self._environ = environ

    def value(self, node: yaml.Node) -> Value:
        here = Value(self._file, node.start_mark.line + 1, "")
        match node:
            case yaml.MappingNode():
                return Value(self._file, here.line, dict(self._entries(node)))
            case yaml.SequenceNode():
                return Value(self._file, here.line, tuple(self.value(one) for one in node.value))
            case _:
                written = str(node.value)
                return Value(self._file, here.line, self._put_in(written, here), written)

    def _entries(self, node: yaml.MappingNode) -> Iterator[tuple[str, Value]]:
        names: set[str] = set()
        for key, content in node.value:
            here = Value(self._file, key.start_mark.line + 1, "")
            if not isinstance(key, yaml.ScalarNode):
                raise here.fault("a key must be a plain word")
            name = str(key.value)
            if name in names:
                raise here.fault(f"{name[:80]!r} is here twice", "Keep one of the two.")
            names.add(name)
            yield name, self.value(content)

    def _put_in(self, text: str, here: Value) -> str:
        def one(found: re.Match[str]) -> str:
            if found[0] == "$${":
                return "${"
            name = found["name"]
            if name is None:
                raise here.fault(f"{found[0][:40]!r} is not a variable", "Write ${NAME} or ${NAME:-default}.")
            value = value_of(self._environ, name) or found["default"]
            if value is None:
                raise here.fault(
                    f"the environment variable {name} is not set (or is empty)",
                    f"Set it, or {name}_FILE to a file that says it, or give it a default: ${{{name}:-…}}.",
                )
            return value

        return _VARIABLE.sub(one, text)


Read: TypeAlias = Callable[[Value], Any]
"""Says what a value should be, and refuses it with its line where it is not."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key that a mapping may have: how its value is read, what stands there when it is left out, what it means."""

    name: str
    read: Read
    default: str
    meaning: str
    keys: "tuple[Key, ...]" = ()


def mapping(value: Value, keys: Iterable[Key]) -> dict[str, Any]:
    """The keys that are given, read; an unknown one is refused with the nearest known name."""
    known = {key.name: key for key in keys}
    read: dict[str, Any] = {}
    for name, content in entries(value).items():
        if name not in known:
            raise content.fault(f"unknown key {name[:80]!r}", nearest(name, known))
        read[name] = known[name].read(content)
    return read


def entries(value: Value) -> dict[str, Value]:
    """A mapping with names of its own."""
    if not isinstance(value.content, dict):
        raise value.fault("a mapping belongs here", "Write `name: { key: value }`.")
    return value.content


def text(value: Value) -> str:
    """A text that says something."""
    if not isinstance(value.content, str) or not value.content:
        raise value.fault("a text belongs here", "An empty value says nothing: fill it in, or remove the key.")
    return value.content


def secret(value: Value) -> SecretStr:
    """A text that may be empty and is never repeated."""
    if not isinstance(value.content, str):
        raise value.fault("a text belongs here")
    return SecretStr(value.content)


def texts(value: Value) -> tuple[str, ...]:
    """A list of texts."""
    if not isinstance(value.content, tuple) or not value.content:
        raise value.fault("a list belongs here", "Write [first, second].")
    return tuple(text(one) for one in value.content)


def truth(value: Value) -> bool:
    """A yes or no."""
    said = truth_of(text(value))
    if said is None:
        raise value.fault(f"{value.written[:80]!r} is neither true nor false", "Write true or false.")
    return said


def truth_of(said: str) -> bool | None:
    """What a word means as a yes or no; None when it is neither."""
    word = said.strip().lower()
    if word in ("true", "yes", "on", "1"):
        return True
    return False if word in ("false", "no", "off", "0") else None


def amount(value: Value) -> float:
    """A number, zero or more."""
    try:
        number = float(text(value))
    except ValueError:
        number = -1
    if not 0 <= number < float("inf"):
        raise value.fault("a number, zero or more, belongs here")
    return number


def count(value: Value) -> int:
    """A whole number, zero or more."""
    if not (written := text(value)).isdecimal() or len(written) > len("2147483647"):
        raise value.fault("a whole number, zero or more, belongs here")
    return int(written)


def one_of(choices: Iterable[str], what: str) -> Read:
    """A word out of a few; another one is refused with the nearest."""
    known = list(choices)

    def read(value: Value) -> str:
        word = text(value)
        if word not in known:
            raise value.fault(f"unknown {what} {value.written[:80]!r}", nearest(word, known))
        return word

    return read


def nearest(name: str, known: Iterable[str]) -> str:
    """What was probably meant, and everything there is."""
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    guess = f"Did you mean {near[0]!r}? " if near else ""
    return f"{guess}Known: {', '.join(names)}."
