"""What a tool is: one function, from which every interface reads name, words, arguments, scope and effect."""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar, get_type_hints

from pydantic import BaseModel, ConfigDict

from schema_mcp.domain.caller import Scope
from schema_mcp.toolkit.status import Status
from schema_mcp.toolkit.workspace import Workspace


class Effect(StrEnum):
    """What a tool does to the world.

    READS changes nothing · ADDS creates beside what is there · REPLACES may change what is there, twice is once ·
    DESTROYS takes something away.
    """

    READS = "reads"
    ADDS = "adds"
    REPLACES = "replaces"
    DESTROYS = "destroys"


class Shape(BaseModel):
    """Base of tool inputs and outputs. A field's docstring is its description."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, defer_build=True)

    @property
    def exit_code(self) -> int:
        """What a pipeline should make of this result; a plan with steps or drift found answers otherwise."""
        return Status.DONE


def weight(row: Shape) -> int:
    """Bytes of a row as it goes out, its comma included."""
    return len(row.model_dump_json(exclude_none=True).encode()) + 1


In = TypeVar("In", bound=Shape)
Out = TypeVar("Out", bound=Shape)


@dataclass(frozen=True, slots=True, eq=False)  # each is the one of its name; equality would be looked at per call
class Tool(Generic[In, Out]):
    """A tool as declared; the catalogue holds one of each."""

    name: str
    summary: str
    toolset: str
    scope: Scope
    effect: Effect
    core: bool
    touches_registries: bool
    request: type[In]
    result: type[Out]
    run: Callable[[Workspace, In], Awaitable[Out]]

    @property
    def writes(self) -> bool:
        return self.effect is not Effect.READS


_TOOLS = "schema_mcp.tools."


def tool(
    *, scope: Scope, effect: Effect, core: bool = False, touches_registries: bool = True
) -> Callable[[Callable[[Workspace, In], Awaitable[Out]]], Tool[In, Out]]:
    """Turn a function into a `Tool`: its name, docstring and annotations are the definition."""

    def declare(run: Callable[[Workspace, In], Awaitable[Out]]) -> Tool[In, Out]:
        hints: dict[str, Any] = get_type_hints(run)
        _, request = inspect.signature(run).parameters
        return Tool(
            name=run.__name__,
            summary=inspect.cleandoc(run.__doc__ or ""),
            toolset=run.__module__.removeprefix(_TOOLS).partition(".")[0],
            scope=scope,
            effect=effect,
            core=core,
            touches_registries=touches_registries,
            request=hints[request],
            result=hints["return"],
            run=run,
        )

    return declare
