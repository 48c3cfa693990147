"""Any Avro schema, for laws that hold for all of them."""

import json

from hypothesis import strategies as st

PRIMITIVES = ["null", "boolean", "int", "long", "float", "double", "bytes", "string"]
EMPTY = {"null": None, "boolean": False, "int": 0, "long": 0, "float": 1.5, "double": 0.1, "bytes": "ÿ", "string": "é"}
WORDS = st.sampled_from(["doc", "x-owner", "confluent:tags", "zz"])
VALUES = st.one_of(st.text(max_size=3), st.integers(), st.booleans(), st.just({"b": [1.5, None], "a": "ü"}))


@st.composite
def schemas(draw, depth=3, spaces=("", "com.example", "shop"), primitives=PRIMITIVES):
    """A schema as JSON; each named type has a name of its own, and some are used again by name."""
    return draw(_types(depth, _Names(draw(st.sampled_from(spaces)), primitives)))


class _Names:
    def __init__(self, space, primitives):
        self.count = 0
        self.space = space
        self.primitives = primitives
        self.defined = []

    def next(self):
        self.count += 1
        return f"T{self.count}"


@st.composite
def _types(draw, depth, names, within_union=False):  # noqa: PLR0911 one line for each kind
    kinds = ["primitive", "logical", "enum", "fixed"]
    if depth:
        kinds += ["record", "record", "array", "map"] + ([] if within_union else ["union"])
    if names.defined and not within_union:
        kinds.append("again")
    match draw(st.sampled_from(kinds)):
        case "primitive":
            return draw(st.sampled_from(names.primitives))
        case "logical":
            return {"type": "long", "logicalType": "timestamp-millis"} | draw(properties())
        case "again":
            return draw(st.sampled_from(names.defined))
        case "array":
            return {"type": "array", "items": draw(_types(depth - 1, names))} | draw(properties())
        case "map":
            return {"type": "map", "values": draw(_types(depth - 1, names))} | draw(properties())
        case "union":
            return draw(_unions(depth, names))
        case kind:
            return draw(_named(kind, depth, names))


@st.composite
def _unions(draw, depth, names):
    branches = [draw(_types(depth - 1, names, within_union=True)) for _ in range(draw(st.integers(0, 3)))]
    distinct = {}
    for branch in branches:
        kind = branch["type"] if isinstance(branch, dict) else branch
        distinct.setdefault(branch.get("name", kind) if isinstance(branch, dict) else kind, branch)
    return list(distinct.values())


@st.composite
def _named(draw, kind, depth, names):
    name = names.next()
    schema = {"type": kind, "name": name, "namespace": names.space} | draw(properties())
    if draw(st.booleans()):
        schema["aliases"] = draw(st.lists(st.sampled_from(["Old", "older.Former", "Aaa"]), unique=True))
    if kind == "enum":
        schema["symbols"] = draw(st.lists(st.sampled_from(["A", "B", "C"]), unique=True))
    elif kind == "fixed":
        schema["size"] = draw(st.integers(0, 20))
    else:
        schema["fields"] = [draw(_fields(f"f{index}", depth, names)) for index in range(draw(st.integers(0, 3)))]
    names.defined.append(f"{names.space}.{name}" if names.space else name)
    return schema


@st.composite
def _fields(draw, name, depth, names):
    type_ = draw(_types(depth - 1, names))
    field = {"name": name, "type": type_} | draw(properties())
    if isinstance(type_, str) and type_ in EMPTY and draw(st.booleans()):
        field["default"] = EMPTY[type_]
    if draw(st.booleans()):
        field["order"] = draw(st.sampled_from(["ascending", "descending", "ignore"]))
    if draw(st.booleans()):
        field["aliases"] = draw(st.lists(st.sampled_from(["p", "q", "r"]), unique=True))
    return field


def properties():
    return st.dictionaries(WORDS, VALUES, max_size=2).map(
        lambda given: {word: str(value) if word == "doc" else value for word, value in given.items()}
    )


def shuffled(value, random, reserved):
    """The same JSON with the reserved keys of every object elsewhere; other keys keep their order."""
    if isinstance(value, list):
        return [shuffled(item, random, reserved) for item in value]
    if not isinstance(value, dict):
        return value
    words = [word for word in value if word in reserved]
    random.shuffle(words)
    order = words + [word for word in value if word not in reserved]
    return {word: shuffled(value[word], random, reserved) for word in order}


def text(schema):
    return json.dumps(schema)
