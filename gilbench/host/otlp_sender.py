"""Sends metrics to an OpenTelemetry collector over HTTP, in a thread of its own, so that a slow one delays nothing."""

from __future__ import annotations

import logging
import threading
import urllib.parse
from collections.abc import Callable
from typing import TYPE_CHECKING

from gilbench.model.errors import UsageError
from gilbench.model.excerpt import excerpt

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricsData

_PATH = "/v1/metrics"  # of the protocol, where an address has no path
_LIMIT = 5.0  # s for an attempt with its repetitions


class OtlpSender:
    """Sends the latest metrics; earlier ones that were not sent yet are left out, since later sums contain them.

    Args:
        address: URL of the collector, for example ``http://localhost:4318``.
        failed: Receives a sentence when the collector cannot be reached, once until it can.

    Raises:
        UsageError: The address is none, or the extra is not installed.
    """

    def __init__(self, address: str, failed: Callable[[str], None]) -> None:
        parts = urllib.parse.urlsplit(address)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise UsageError(
                f"--otlp: {excerpt(address, 80)!r} is not a URL; use for example http://localhost:4318"
            )
        try:
            from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter  # noqa: PLC0415
        except ImportError as error:
            raise UsageError(
                "--otlp needs the extra otlp; install it: pip install 'gilbench[otlp]'"
            ) from error
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # failures are told by us
        whole = parts._replace(path=_PATH) if parts.path in {"", "/"} else parts
        self._exporter = OTLPMetricExporter(endpoint=whole.geturl(), timeout=_LIMIT)
        self._address, self._failed = f"{parts.scheme}://{parts.hostname}", failed
        self._latest: MetricsData | None = None
        self._changed, self._ended = threading.Condition(), False
        self._thread: threading.Thread | None = None

    def send(self, metrics: MetricsData) -> None:
        """Send metrics soon."""
        with self._changed:
            self._latest = metrics
            self._changed.notify()
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Send what is left, and stop."""
        with self._changed:
            self._ended = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(2 * _LIMIT)
        self._exporter.shutdown()

    def _work(self) -> None:
        reached = True
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._latest is not None or self._ended)
                metrics, self._latest = self._latest, None
            if metrics is None:
                return
            before, reached = reached, self._export(metrics)
            if before and not reached:
                self._failed(f"cannot send metrics to {self._address}; trying again in each interval")

    def _export(self, metrics: MetricsData) -> bool:
        from opentelemetry.sdk.metrics.export import MetricExportResult  # noqa: PLC0415 - an extra

        try:
            return self._exporter.export(metrics) is MetricExportResult.SUCCESS
        except Exception:  # noqa: BLE001 - whatever the library raises, the watch goes on
            return False
