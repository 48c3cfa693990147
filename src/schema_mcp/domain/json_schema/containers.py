"""Objects and arrays: properties and items that came, went or changed."""

from schema_mcp.domain.json_schema.content import covering, effort, is_open, others_steps
from schema_mcp.domain.json_schema.limits import limits_found
from schema_mcp.domain.json_schema.model import Anything, Array, Nothing, Object, Schema
from schema_mcp.domain.json_schema.steps import Found, Into, Steps


def object_steps(original: Object, update: Object, path: str) -> Steps:
    for name, before in original.properties.items():
        after = update.properties.get(name)
        if after is None:
            yield from _removed_steps(original, update, before, name, f"{path}/properties/{name}")
        else:
            yield Into(before, after, f"{path}/properties/{name}")
    for name, after in update.properties.items():
        if name not in original.properties:
            yield from _added_steps(original, update, after, name, f"{path}/properties/{name}")
    yield from _required_steps(original, update, path)
    yield from limits_found(original, update, path)
    yield from _dependency_steps(original, update, path)
    yield from others_steps(original, update, path, "additionalProperties", "ADDITIONAL_PROPERTIES")
    yield from others_steps(original, update, path, "unevaluatedProperties", "UNEVALUATED_PROPERTIES")


def _added_steps(original: Object, update: Object, added: Schema, name: str, path: str) -> Steps:
    required = name in update.required
    if is_open(original):
        kind = _added_to_open(added, required=required)
    else:
        kind = f"{_necessity(added, required=required)}_ADDED_TO_UNOPEN_CONTENT_MODEL"
        yield effort(original, name)
        cover = covering(original, name)
        yield from _coverage_steps(cover, added, "PROPERTY_ADDED", original, update, name, path)
    yield Found(kind, path, original, update, name)


def _added_to_open(added: Schema, *, required: bool) -> str:
    if isinstance(added, Anything):
        return "PROPERTY_WITH_EMPTY_SCHEMA_ADDED_TO_OPEN_CONTENT_MODEL"
    return f"{_necessity(added, required=required)}_ADDED_TO_OPEN_CONTENT_MODEL"


def _necessity(added: Schema, *, required: bool) -> str:
    if not required:
        return "OPTIONAL_PROPERTY"
    return "REQUIRED_PROPERTY_WITH_DEFAULT" if added.has_default else "REQUIRED_PROPERTY"


def _removed_steps(original: Object, update: Object, removed: Schema, name: str, path: str) -> Steps:
    if is_open(update):
        yield Found("PROPERTY_REMOVED_FROM_OPEN_CONTENT_MODEL", path, original, update, name)
        return
    yield effort(update, name)
    cover = covering(update, name)
    if cover is None:
        with_false = "_WITH_FALSE" if isinstance(removed, Nothing) else ""
        yield Found(f"PROPERTY{with_false}_REMOVED_FROM_CLOSED_CONTENT_MODEL", path, original, update, name)
    else:
        yield from _coverage_steps(removed, cover, "PROPERTY_REMOVED", original, update, name, path)


def _coverage_steps(
    before: Schema | None,
    after: Schema | None,
    kind: str,
    original: Object | Array,
    update: Object | Array,
    name: str,
    path: str,
) -> Steps:
    """Does the schema for unlisted properties fit the listed one?"""
    if before is None or after is None:
        return
    outcome = yield Into(before, after, path)
    verdict = "NOT_COVERED" if outcome.breaks else "IS_COVERED"
    yield Found(f"{kind}_{verdict}_BY_PARTIALLY_OPEN_CONTENT_MODEL", path, original, update, name)


def _required_steps(original: Object, update: Object, path: str) -> Steps:
    """Names that are required without being declared on both sides are not looked at."""
    for name, before in original.properties.items():
        after = update.properties.get(name)
        was, is_ = name in original.required, name in update.required
        if after is None or was is is_:
            continue
        kind = "REMOVED" if was else "WITH_DEFAULT_ADDED" if after.has_default else "ADDED"
        yield Found(f"REQUIRED_ATTRIBUTE_{kind}", f"{path}/required/{name}", original, update, name)
        del before


def _dependency_steps(original: Object, update: Object, path: str) -> Steps:
    for name in original.needs | update.needs:
        change = _needs_change(original.needs.get(name), update.needs.get(name))
        if change:
            yield Found(f"DEPENDENCY_ARRAY_{change}", f"{path}/dependencies/{name}", original, update, name)
    for name in original.implies | update.implies:
        before, after = original.implies.get(name), update.implies.get(name)
        if before is not None and after is not None:
            yield Into(before, after, f"{path}/dependencies/{name}")
        else:
            change = "ADDED" if before is None else "REMOVED"
            yield Found(f"DEPENDENCY_SCHEMA_{change}", f"{path}/dependencies/{name}", original, update, name)


def _needs_change(before: frozenset[str] | None, after: frozenset[str] | None) -> str:
    if before == after:
        return ""
    if before is None:
        return "ADDED"
    if after is None:
        return "REMOVED"
    return "EXTENDED" if before < after else "NARROWED" if before > after else "CHANGED"


def array_steps(original: Array, update: Array, path: str) -> Steps:
    yield from limits_found(original, update, path)
    if original.unique is not update.unique:
        change = "ADDED" if update.unique else "REMOVED"
        yield Found(f"UNIQUE_ITEMS_{change}", f"{path}/uniqueItems", original, update)
    yield from others_steps(original, update, path, "additionalItems", "ADDITIONAL_ITEMS")
    yield from others_steps(original, update, path, "unevaluatedItems", "UNEVALUATED_ITEMS")
    yield from _items_steps(original, update, f"{path}/items")
    for index in range(max(len(original.prefix), len(update.prefix))):
        yield from _item_steps(original, update, index, f"{path}/items/{index}")


def _items_steps(original: Array, update: Array, path: str) -> Steps:
    match original.items, update.items:
        case Schema() as before, Schema() as after:
            yield Into(before, after, path)
        case None, Schema():
            yield Found("SCHEMA_ADDED", path, original, update)
        case Schema(), None:
            yield Found("SCHEMA_REMOVED", path, original, update)
        case _:
            return


def _item_steps(original: Array, update: Array, index: int, path: str) -> Steps:
    if index >= len(update.prefix):
        yield from _removed_item_steps(original, update, original.prefix[index], index, path)
    elif index >= len(original.prefix):
        yield from _added_item_steps(original, update, update.prefix[index], index, path)
    else:
        yield Into(original.prefix[index], update.prefix[index], path)


def _added_item_steps(original: Array, update: Array, added: Schema, index: int, path: str) -> Steps:
    if is_open(original):
        with_empty = "_WITH_EMPTY_SCHEMA" if isinstance(added, Anything) else ""
        yield Found(f"ITEM{with_empty}_ADDED_TO_OPEN_CONTENT_MODEL", path, original, update, str(index))
        return
    yield effort(original, str(index))
    cover = covering(original, str(index))
    if cover is None:
        yield Found("ITEM_ADDED_TO_CLOSED_CONTENT_MODEL", path, original, update, str(index))
    else:
        yield from _coverage_steps(cover, added, "ITEM_ADDED", original, update, str(index), path)


def _removed_item_steps(original: Array, update: Array, removed: Schema, index: int, path: str) -> Steps:
    if is_open(update):
        yield Found("ITEM_REMOVED_FROM_OPEN_CONTENT_MODEL", path, original, update, str(index))
        return
    yield effort(update, str(index))
    cover = covering(update, str(index))
    if cover is None:
        with_false = "_WITH_FALSE" if isinstance(removed, Nothing) else ""
        yield Found(f"ITEM{with_false}_REMOVED_FROM_CLOSED_CONTENT_MODEL", path, original, update, str(index))
    else:
        yield from _coverage_steps(removed, cover, "ITEM_REMOVED", original, update, str(index), path)
