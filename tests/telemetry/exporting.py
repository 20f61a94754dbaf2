"""Providers of OpenTelemetry that keep what they are told, for tests."""

from __future__ import annotations

from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from polydriver.telemetry import instrument

__all__ = ["Recorder"]


class Recorder:
    """An in-memory tracer and meter provider."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.tracers = TracerProvider()
        self.tracers.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.reader = InMemoryMetricReader()
        self.meters = MeterProvider([self.reader])

    def watch(self, target: Any, *, content: bool = False) -> Any:
        """Instrument `target`; returns what ends it."""
        return instrument(target, self.tracers, self.meters, content=content)

    @property
    def spans(self) -> list[ReadableSpan]:
        """The spans that ended, in the order of their ends."""
        return list(self.exporter.get_finished_spans())

    def named(self, start: str) -> list[ReadableSpan]:
        """Those whose names begin so."""
        return [span for span in self.spans if span.name.startswith(start)]

    def points(self) -> dict[str, list[Any]]:
        """The data points of each metric, by its name."""
        data = self.reader.get_metrics_data()
        if data is None:
            return {}
        return {
            metric.name: list(metric.data.data_points)
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }
