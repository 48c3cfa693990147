"""The settings of a registry as wishes of the store, as far as the store has a place for them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from schema_mcp.domain.schema import Level, Mode, Subject
from schema_mcp.registries.contract import level_of
from schema_mcp.services.inventory import Own
from schema_mcp.stores.schemastore import Change, ContextWish, SchemaStore, SetContextWish, SetWish, SubjectWish

_Wish = TypeVar("_Wish", SubjectWish, ContextWish)

_LEVEL_KEYS = frozenset({"compatibilityLevel", "compatibility"})


@dataclass(frozen=True, slots=True)
class Terms:
    """How an adoption deals with what differs: whose word counts, and whether subjects with a clash are left out."""

    overwrite: bool = False
    skip_clashes: bool = False
    settings: bool = True
    targets: tuple[str, ...] | None = None
    """Where new subjects are meant for; None leaves it open, which is everywhere."""


@dataclass(frozen=True, slots=True, order=True)
class Left:
    """Something of a scope that stays only in the registry, or differs and stays so."""

    scope: Subject
    reason: str


def wishes(
    store: SchemaStore, registry: str, subjects: Sequence[Subject], own: Mapping[Subject, Own], terms: Terms
) -> tuple[list[Change], list[Left]]:
    """What is to be written down, and what is left."""
    changes: list[Change] = []
    left: list[Left] = []
    for scope in [scope for scope in own if not scope.name and scope not in subjects]:
        wish, reasons = _of_context(store.context_wish(scope.context), own[scope], terms)
        changes += [SetContextWish(scope.context, wish)] if wish != store.context_wish(scope.context) else []
        left += [Left(scope, reason) for reason in reasons]
    for subject in subjects:
        wish, reasons = _of_subject(store, subject, registry, own.get(subject), terms)
        changes += [SetWish(subject, wish)] if wish != store.wish(subject) else []
        left += [Left(subject, reason) for reason in reasons]
    return changes, left


def _of_context(wish: ContextWish, own: Own, terms: Terms) -> tuple[ContextWish, list[str]]:
    defaults = {"defaults": _fields(own) or None} if own.has_config else {}
    return _taken(wish, _wanted(own) | defaults, terms, own)


def _of_subject(
    store: SchemaStore, subject: Subject, registry: str, own: Own | None, terms: Terms
) -> tuple[SubjectWish, list[str]]:
    wish = store.wish(subject)
    reasons: list[str] = []
    if own is not None:
        wish, reasons = _taken(wish, _wanted(own), terms, own)
        if fields := sorted(_fields(own)):
            reasons.append(f"{', '.join(fields)}: the store keeps a subject's level and mode only")
    if wish.targets is None and terms.targets is not None and not store.records(subject):
        wish = replace(wish, targets=terms.targets)
    if wish.targets is not None and registry not in wish.targets:
        if terms.overwrite:
            return replace(wish, targets=(*wish.targets, registry)), reasons
        reasons.append(f"the store sends it to {', '.join(wish.targets) or 'no registry'}, not to {registry}")
    return wish, reasons


def _wanted(own: Own) -> dict[str, Any]:
    """Level and mode, as far as the registry speaks of them in words of ours."""
    level = level_of(own.config)
    wanted: dict[str, Any] = {}
    if own.has_config and (level is None or level in set(Level)):
        wanted["level"] = Level(level) if level else None
    if own.has_modes and own.mode is not Mode.IMPORT:  # a state to pass through, never a wish
        wanted["mode"] = own.mode
    return wanted


def _fields(own: Own) -> dict[str, Any]:
    return {name: value for name, value in own.config.items() if name not in _LEVEL_KEYS and value is not None}


def _taken(wish: _Wish, wanted: Mapping[str, Any], terms: Terms, own: Own) -> tuple[_Wish, list[str]]:
    """The wish with what is wanted; what the store already says stays, unless the registry's word counts."""
    reasons: list[str] = []
    changed: dict[str, Any] = {}
    for name, value in wanted.items():
        said = getattr(wish, name)
        if said is None or terms.overwrite:
            changed[name] = value
        elif said != value:
            reasons.append(f"{name} is {said} in the store, which stays, and {value or 'inherited'} there")
    if own.mode is Mode.IMPORT:
        reasons.append("it is in mode IMPORT there, which no wish can be")
    if (level := level_of(own.config)) and level not in set(Level):
        reasons.append(f"its level {level[:40]!r} is none that the store knows")
    return replace(wish, **changed), reasons
