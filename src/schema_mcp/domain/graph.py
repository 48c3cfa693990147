"""A part of the graph of references: who uses whom, in which order to register, where it runs in circles."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from schema_mcp.domain.references import Place
from schema_mcp.domain.schema import SchemaType


@dataclass(frozen=True, slots=True)
class Node:
    """One version in the graph; `depth` is how many references away from the start it stands.

    One that is missing is referenced, and nobody has it.
    """

    place: Place
    depth: int
    id: int = 0
    type: SchemaType | None = None
    is_missing: bool = False


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """One reference, under the name that the user's text has for it."""

    user: Place
    used: Place
    name: str = ""


@dataclass(frozen=True, slots=True)
class Graph:
    """Versions and the references between them; `is_cut` where there is more beyond the depth asked for."""

    nodes: Mapping[Place, Node] = field(default_factory=dict[Place, Node])
    edges: tuple[Edge, ...] = ()
    is_cut: bool = False

    @property
    def order(self) -> list[Place]:
        """Every place after all that it uses; where references run in a circle, after as much as can be."""
        return _walked(self.nodes, self._uses)[0]

    @property
    def circles(self) -> list[list[Place]]:
        """The circles met on the way, each from a place back to that place."""
        return _walked(self.nodes, self._uses)[1]

    @property
    def _uses(self) -> dict[Place, list[Place]]:
        found: dict[Place, list[Place]] = {}
        for edge in self.edges:
            found.setdefault(edge.user, []).append(edge.used)
        return found


def _walked(places: Iterable[Place], uses: Mapping[Place, Sequence[Place]]) -> tuple[list[Place], list[list[Place]]]:
    """Depth first, each place once, without recursion."""
    known = sorted(places)
    order: list[Place] = []
    circles: list[list[Place]] = []
    done: set[Place] = set()
    for start in known:
        way: dict[Place, list[Place]] = {}
        if start not in done:
            way[start] = _todo(uses, start)
        while way:
            place = next(reversed(way))
            if not way[place]:
                del way[place]
                done.add(place)
                order.append(place)
                continue
            used = way[place].pop()
            if used in way:
                steps = list(way)
                circles.append([*steps[steps.index(used) :], used])
            elif used not in done:
                way[used] = _todo(uses, used)
    return order, circles


def _todo(uses: Mapping[Place, Sequence[Place]], place: Place) -> list[Place]:
    return sorted(uses.get(place, ()), reverse=True)


def mermaid(graph: Graph) -> str:
    """The graph as a Mermaid flowchart: an arrow leads from a user to what it uses."""
    names = {place: f"n{index}" for index, place in enumerate(graph.order)}
    lines = ["flowchart TD"]
    for place, name in names.items():
        subject, number = place
        label = str(subject).replace('"', "#quot;")
        missing = ":::missing" if graph.nodes[place].is_missing else ""
        lines.append(f'  {name}["{label} v{number}"]{missing}')
    lines += [f"  {names[edge.user]} --> {names[edge.used]}" for edge in graph.edges]
    if any(node.is_missing for node in graph.nodes.values()):
        lines.append("  classDef missing stroke-dasharray: 4")
    return "\n".join(lines)
