"""The state of a watch as metrics of OpenTelemetry: those of the OpenMetrics page, with the same names and labels."""

from __future__ import annotations

from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from gilbench.model.watch import WatchState
from gilbench.render.watch_metrics import WatchMetric, watch_metrics
from gilbench.version import __version__

_UNITS = {"seconds": "s", "bytes": "By", "ratio": "1", "": "1"}
_NS = 1_000_000_000


def otlp_metrics(state: WatchState) -> MetricsData:
    """Return all metrics of a watch."""
    metrics = [_metric(one, state) for one in watch_metrics(state) if one.kind != "info"]
    scope = InstrumentationScope("gilbench", __version__)
    resource = Resource({"service.name": "gilbench-watch", "gilbench.python": state.interval.python or ""})
    return MetricsData([ResourceMetrics(resource, [ScopeMetrics(scope, metrics, "")], "")])


def _metric(one: WatchMetric, state: WatchState) -> Metric:
    now = state.interval.start + state.interval.duration
    begun = int(state.created * _NS) if one.kind == "counter" else 0
    points = [
        NumberDataPoint(dict(labels), begun, int(now * _NS), value)
        for labels, value in one.samples
        if value is not None
    ]
    data = (
        Sum(points, AggregationTemporality.CUMULATIVE, is_monotonic=True)
        if one.kind == "counter"
        else Gauge(points)
    )
    return Metric(one.name, one.help, _UNITS[one.unit], data)
