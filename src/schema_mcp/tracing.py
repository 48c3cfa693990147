"""Traces for OpenTelemetry, where the usual variables ask for them; otherwise nothing of it is loaded.

Spans say who was asked what kind of thing and how it ended, by names of ours; never arguments, texts or messages.
"""

import logging
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from importlib.util import find_spec
from threading import Thread
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from schema_mcp.registries import watching

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

NAME: Final = "schema-mcp"
_EXPORTER = "opentelemetry.exporter.otlp"
_PLACES = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_HEADERS = ("OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS")
_CLOSING_SECONDS = 3.0

_log = logging.getLogger(__name__)


def is_asked_for(environ: Mapping[str, str]) -> bool:
    """Whether the environment wants traces: OTLP as exporter, or an address to send them to."""
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    if exporters := environ.get("OTEL_TRACES_EXPORTER", ""):
        return "otlp" in (one.strip() for one in exporters.split(","))
    return any(environ.get(place) for place in _PLACES)


def secrets(environ: Mapping[str, str]) -> set[str]:
    """What the exporter shows to the collector, and nobody else may see."""
    pairs = [pair for name in _HEADERS for pair in environ.get(name, "").split(",")]
    values = {value.strip() for _, _, value in (pair.partition("=") for pair in pairs)}
    return (values | {unquote(value) for value in values}) - {""}  # the exporter unquotes them


class Tracing:
    """The process' way to its collector; `is_on` says whether there is one."""

    def __init__(self, provider: "TracerProvider | None" = None) -> None:
        self._provider = provider

    @property
    def is_on(self) -> bool:
        return self._provider is not None

    def close(self) -> None:
        """Send what is left; a collector that does not answer holds nobody up for long."""
        if self._provider is not None:
            last = Thread(target=self._provider.shutdown, daemon=True)
            last.start()
            last.join(_CLOSING_SECONDS)


def tracing(environ: Mapping[str, str]) -> Tracing:
    """Begin to trace where the environment asks for it; says what is missing where it cannot be done."""
    if not is_asked_for(environ):
        return Tracing()
    if not _is_installed():
        _log.warning("traces are asked for (OTEL_*), but not sent: install schema-mcp[otel]")
        return Tracing()
    provider = _provider()
    from opentelemetry import trace  # noqa: PLC0415 - loaded only where somebody wants it

    trace.set_tracer_provider(provider)
    watching.looks_on = _onlooker()
    return Tracing(provider)


def _is_installed() -> bool:
    try:
        return find_spec(f"{_EXPORTER}.proto.http") is not None
    except ModuleNotFoundError:
        return False


def _provider() -> "TracerProvider":
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    said = Resource.create({"service.version": version(NAME)})
    unnamed = str(said.attributes.get("service.name", "")).startswith("unknown_service")
    resource = said.merge(Resource({"service.name": NAME})) if unnamed else said
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


def _onlooker() -> watching.Onlooker:
    from opentelemetry import trace  # noqa: PLC0415

    tracer = trace.get_tracer(NAME)

    @contextmanager
    def looks_on(registry: str, method: str) -> Generator[watching.Answered]:
        about = {"schema_mcp.registry": registry, "http.request.method": method}
        with tracer.start_as_current_span(
            f"{method} {registry}",
            kind=trace.SpanKind.CLIENT,
            attributes=about,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:

            def answered(status: int | None) -> None:
                if status is not None:
                    span.set_attribute("http.response.status_code", status)
                if status is None or status >= 400:  # noqa: PLR2004 - where refusals begin
                    span.set_attribute("error.type", "no_answer" if status is None else str(status))
                    span.set_status(trace.StatusCode.ERROR)

            yield answered

    return looks_on
