"""Options: `option (unit) = "bar";`, `[deprecated = true]`, and the messages inside them."""

from schema_mcp.domain.protobuf.model import Bare, Option, Value
from schema_mcp.domain.protobuf.scanner import Scanner

MAX_VALUE_DEPTH = 64


def read_declared(scanner: Scanner) -> Option:
    """What follows the word `option`, up to and with its semicolon."""
    option = read_option(scanner)
    scanner.require(";")
    return option


def read_options(scanner: Scanner) -> tuple[Option, ...]:
    """The options in brackets, or none."""
    if not scanner.take("["):
        return ()
    options = [read_option(scanner)]
    while not scanner.take("]"):
        scanner.require(",")
        options.append(read_option(scanner))
    return tuple(options)


def read_option(scanner: Scanner) -> Option:
    """One `name = value`; the name may go on behind its parentheses, as in `(info).owner`."""
    name = scanner.name(keep_brackets=True)
    path: list[str] = []
    while scanner.take("."):
        path.append(scanner.name(keep_brackets=True))
    scanner.require("=")
    whole = ".".join(path)
    if whole.count(".") > MAX_VALUE_DEPTH:
        scanner.fail(f"option names longer than {MAX_VALUE_DEPTH} parts")
    return Option(name, _value(scanner, 0), whole)


def _value(scanner: Scanner, depth: int) -> Value:
    if depth > MAX_VALUE_DEPTH:
        scanner.fail(f"option values nested deeper than {MAX_VALUE_DEPTH}")
    match scanner.peek():
        case "{":
            return _message(scanner, depth + 1)
        case "[":
            return _list(scanner, depth + 1)
        case '"' | "'":
            return scanner.string()
        case _:
            return Bare(scanner.word())


def _list(scanner: Scanner, depth: int) -> Value:
    scanner.require("[")
    values: list[Value] = []
    while not scanner.take("]"):
        values.append(_value(scanner, depth))
        if not scanner.take(",") and scanner.peek() != "]":
            scanner.fail("expected ',' or ']'")
    return tuple(values)


def _message(scanner: Scanner, depth: int) -> Value:
    """A message in text format: commas may be missing, and a name that comes again makes a list."""
    scanner.require("{")
    entries: dict[str, list[Value]] = {}
    lists: set[str] = set()
    while not scanner.take("}"):
        name = scanner.name(keep_brackets=True)
        if not scanner.take(":") and scanner.peek() != "{":
            scanner.fail("expected ':' in option")
        value = _value(scanner, depth)
        if name in entries or isinstance(value, tuple):
            lists.add(name)
        entries.setdefault(name, []).extend(value if isinstance(value, tuple) else (value,))
        scanner.take(",")
    return {name: tuple(values) if name in lists else values[0] for name, values in entries.items()}
