"""Data made up for a message: of the message by construction, finite, the same for the same seed."""

import base64
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Final

from schema_mcp.domain.errors import InvalidRequestError
from schema_mcp.domain.protobuf.slots import Shape, Slot, Slots
from schema_mcp.domain.protobuf.wellknown import ANY

_SHALLOW: Final = 4
_DEEPEST: Final = 60
_MOST_VALUES: Final = 20_000
_WORDS: Final = ("amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "harbor")


def example(slots: Slots, shape: Shape, seed: int) -> Any:
    """A message in its JSON form; raises `InvalidRequestError` where one that is finite cannot be."""
    return _Maker(slots, Random(seed)).message(shape, 0)  # noqa: S311 - not for secrets


class _Maker:
    def __init__(self, slots: Slots, random: Random) -> None:
        self._slots = slots
        self._random = random
        self._left = _MOST_VALUES

    def message(self, shape: Shape, depth: int) -> Any:
        self._left -= 1
        if self._left < 0 or depth > _DEEPEST or (shape.body is None):
            raise InvalidRequestError(
                f"No example can be made for {shape.name}: it requires itself, is too large, or is a built-in message "
                "whose content is not known here"
            )
        if shape.name in _OWN:
            return _OWN[shape.name](self._random)
        made: dict[str, Any] = {}
        for slot in self._chosen(shape, depth):
            made[slot.json_name] = self._field(slot, depth)
        return made

    def _chosen(self, shape: Shape, depth: int) -> list[Slot]:
        """One field of each oneof, and no more than has to be once it gets deep."""
        sparing = depth >= _SHALLOW or self._left < _MOST_VALUES // 2
        chosen: list[Slot] = []
        oneofs: dict[str, list[Slot]] = {}
        for slot in self._slots.of(shape).values():
            if slot.required or not (sparing or slot.oneof or _is_opaque(slot)):
                chosen.append(slot)
            elif slot.oneof and not sparing and not _is_opaque(slot):
                oneofs.setdefault(slot.oneof, []).append(slot)
        return [*chosen, *(self._random.choice(several) for several in oneofs.values())]

    def _field(self, slot: Slot, depth: int) -> Any:
        if slot.entry:
            key, value = slot.entry
            return {_key_text(self._single(key, depth)): self._single(value, depth)}
        if slot.repeated:
            return [self._single(slot, depth) for _ in range(self._random.randint(1, 2))]
        return self._single(slot, depth)

    def _single(self, slot: Slot, depth: int) -> Any:
        self._left -= 1
        if slot.message:
            return self.message(slot.message, depth + 1)
        if slot.enum:
            return self._random.choice(slot.enum.constants).name if slot.enum.constants else 0
        return _SCALARS[slot.scalar](self._random)


def _is_opaque(slot: Slot) -> bool:
    """Is it a message that nobody can make one of?"""
    inner = slot.entry[1] if slot.entry else slot
    return inner.message is not None and (inner.message.body is None or inner.message.name == ANY)


def _key_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _word(random: Random) -> str:
    return random.choice(_WORDS)


def _small(random: Random) -> int:
    return random.randint(1, 1_000)


def _large(random: Random) -> str:
    return str(random.randint(1, 1_000_000))


def _quarter(random: Random) -> float:
    return random.randint(1, 4_000) / 4


_SCALARS: Final[Mapping[str, Callable[[Random], Any]]] = {
    "bool": lambda random: random.random() < 0.5,  # noqa: PLR2004 - a coin
    "string": _word,
    "bytes": lambda random: base64.b64encode(_word(random).encode()).decode(),
    "float": _quarter,
    "double": _quarter,
    **dict.fromkeys(("int32", "uint32", "sint32", "fixed32", "sfixed32"), _small),
    **dict.fromkeys(("int64", "uint64", "sint64", "fixed64", "sfixed64"), _large),
}

_OWN: Final[Mapping[str, Callable[[Random], Any]]] = {
    "google.protobuf.Timestamp": lambda random: f"2024-05-{random.randint(10, 28)}T09:30:00Z",
    "google.protobuf.Duration": lambda random: f"{random.randint(1, 90)}s",
    "google.protobuf.FieldMask": lambda random: f"order.{_word(random)}",
    "google.protobuf.Struct": lambda random: {_word(random): _small(random)},
    "google.protobuf.Value": _word,
    "google.protobuf.ListValue": lambda random: [_word(random)],
    "google.protobuf.Any": lambda _: {"@type": "type.googleapis.com/google.protobuf.Empty"},
    **{
        f"google.protobuf.{name}Value": _SCALARS[name.lower()]
        for name in ("Double", "Float", "Int64", "UInt64", "Int32", "UInt32", "Bool", "String", "Bytes")
    },
}
