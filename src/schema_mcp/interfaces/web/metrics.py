"""What happens here, in figures that Prometheus collects: counted as calls end, or read off when it asks.

Every label has few values, whatever callers send: tools of the catalogue, registries of the configuration, contexts
that calls have found, up to a bound. No label names a subject, a caller or a request.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from schema_mcp.domain.errors import SchemaMcpError
from schema_mcp.domain.naming import parse_context, shown_context
from schema_mcp.registries.contract import Circuit
from schema_mcp.registries.fleet import Fleet
from schema_mcp.registries.guard import GuardedRegistry
from schema_mcp.services.checkup import Tasks
from schema_mcp.stores.audit import Entry, Outcome
from schema_mcp.tools import CATALOGUE

CONTEXTS: Final = 100
"""So many contexts are told apart; whatever comes later is `other`."""

OTHER: Final = "other"
_NO_CALL: Final = ""
_METHODS: Final = frozenset({"GET", "POST", "PUT", "DELETE"})
_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

disable_created_metrics()  # two lines for each series, of which nobody makes use


class Metrics:
    """Counts what the audit trail hears, and adds how the registries of a fleet are."""

    def __init__(self, fleet: Fleet) -> None:
        self.all = CollectorRegistry()
        self._fleet = fleet
        self._contexts: set[str] = {_NO_CALL, "default"}
        self._operations = Counter(
            "schema_operations",
            "Calls that ended, of tools and of the registries' own REST face.",
            ("operation", "registry", "context", "outcome"),
            registry=self.all,
        )
        self._durations = Histogram(
            "schema_operation_duration_seconds",
            "How long they took.",
            ("operation",),
            buckets=_SECONDS,
            registry=self.all,
        )
        self._refusals = Counter("schema_refusals", "Calls that were refused, by code.", ("code",), registry=self.all)
        self._audited = Counter("schema_audit_lines", "Calls whose end stands in the audit trail.", registry=self.all)
        self._lost = Counter("schema_audit_failures", "Lines that could not be written there.", registry=self.all)
        # Looking a series up costs more than counting; there are few.
        self._counted, self._timed = cache(self._operations.labels), cache(self._durations.labels)
        self.tasks = Tasks()
        self.all.register(_Figures(self))

    def ended(self, entry: Entry) -> None:
        """A call has come to its end."""
        operation = _operation(entry.tool)
        self._audited.inc()
        self._counted(operation, self._registry(entry), self._context(entry), entry.outcome.value).inc()
        if entry.duration_ms is not None:
            self._timed(operation).observe(entry.duration_ms / 1_000)
        if entry.outcome is Outcome.REFUSED:
            self._refusals.labels(_code(entry.code)).inc()

    def lost(self) -> None:
        """A line of the audit trail could not be written."""
        self._lost.inc()

    def text(self) -> bytes:
        """All of it, in Prometheus' text format."""
        return generate_latest(self.all)

    def families(self) -> Iterator[Metric]:
        """What is only read off when somebody asks; a registry that nobody has used yet has no figures."""
        opened = self._fleet.opened
        yield _gauge("registry_connections_active", "Requests under way.", _each(opened, lambda one: one.under_way))
        yield _counter("registry_writes", "Writes let through to it.", _each(opened, lambda one: one.writes))
        yield from _remembered(opened)
        yield _circuits(opened)
        tasks = {"running": self.tasks.running, "interrupted": self.tasks.interrupted}
        yield _gauge("schema_tasks", "Runs without an end yet.", tasks, label="status")

    def _registry(self, entry: Entry) -> str:
        return entry.registry if entry.registry in ("", *self._fleet.connections) else OTHER

    def _context(self, entry: Entry) -> str:
        """A context by the name people use; one that no call has found does not become a label."""
        try:
            name = shown_context(parse_context(entry.context)) if entry.context else _NO_CALL
        except SchemaMcpError:
            return OTHER
        if name not in self._contexts and entry.outcome is Outcome.OK and len(self._contexts) < CONTEXTS:
            self._contexts.add(name)
        return name if name in self._contexts else OTHER


class _Figures(Collector):
    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        return self._metrics.families()


def _operation(tool: str) -> str:
    """A tool's name; for the REST face the method alone, because its paths name subjects."""
    method = tool.partition(" ")[0]
    return f"rest_{method.lower()}" if method in _METHODS else tool if tool in CATALOGUE else OTHER


def _code(code: str) -> str:
    """A code of ours; the REST face adds the registry's own number."""
    return code.partition(" ")[0] or OTHER


def _each(opened: Mapping[str, GuardedRegistry], figure: Callable[[GuardedRegistry], float]) -> dict[str, float]:
    return {name: figure(registry) for name, registry in opened.items()}


def _remembered(opened: Mapping[str, GuardedRegistry]) -> Iterator[Metric]:
    told = {name: figures for name, registry in opened.items() if (figures := registry.figures)}
    for name, what, of in (
        ("registry_cache_hits", "Answers from memory.", "hits"),
        ("registry_cache_misses", "Questions that the registry was asked.", "misses"),
        ("registry_cache_stale", "Answers from memory because it was away.", "stale"),
    ):
        yield _counter(name, what, {registry: getattr(one, of) for registry, one in told.items()})
    for name, what, of in (
        ("registry_cache_entries", "Answers in memory.", "entries"),
        ("registry_cache_bytes", "About how much they take.", "bytes"),
        ("registry_cache_oldest_seconds", "Since the oldest of them was given.", "oldest"),
    ):
        yield _gauge(name, what, {registry: getattr(one, of) for registry, one in told.items()})


def _circuits(opened: Mapping[str, GuardedRegistry]) -> Metric:
    family = GaugeMetricFamily(
        "registry_circuit", "1 for the state that an address is in.", labels=("registry", "address", "state")
    )
    for name, registry in opened.items():
        for place, one in enumerate(registry.health, start=1):
            for state in Circuit:
                family.add_metric((name, f"{place} {one.host}", state.value), float(one.circuit is state))
    return family


def _gauge(name: str, what: str, values: Mapping[str, float], *, label: str = "registry") -> Metric:
    family = GaugeMetricFamily(name, what, labels=(label,))
    for key, value in values.items():
        family.add_metric((key,), value)
    return family


def _counter(name: str, what: str, values: Mapping[str, float]) -> Metric:
    family = CounterMetricFamily(name, what, labels=("registry",))
    for key, value in values.items():
        family.add_metric((key,), value)
    return family
