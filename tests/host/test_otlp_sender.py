"""Metrics sent to a real HTTP server, which decodes them as a collector does."""

from __future__ import annotations

import http.server
import queue
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from watches import make_interval, make_state

from gilbench.host.otlp_sender import OtlpSender
from gilbench.model.errors import UsageError
from gilbench.render.otlp import otlp_metrics


@contextmanager
def collector(status: int = 200) -> Iterator[tuple[str, queue.Queue[tuple[str, Any]]]]:
    got: queue.Queue[tuple[str, Any]] = queue.Queue()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.put((self.path, ExportMetricsServiceRequest.FromString(body)))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", got
        finally:
            server.shutdown()
            thread.join()


def test_a_collector_gets_sums_and_gauges_with_their_groups() -> None:
    failures: list[str] = []
    with collector() as (address, got):
        sender = OtlpSender(address, failures.append)
        sender.send(otlp_metrics(make_state()))
        path, request = got.get(timeout=20)
        sender.close()
    assert path == "/v1/metrics"
    assert failures == []
    (resource,) = request.resource_metrics
    names = {one.key: one.value.string_value for one in resource.resource.attributes}
    assert names["service.name"] == "gilbench-watch"
    metrics = {one.name: one for one in resource.scope_metrics[0].metrics}
    held = metrics["gilbench_gil_held_seconds"]
    assert held.unit == "s"
    assert held.sum.is_monotonic
    (point,) = held.sum.data_points
    assert point.as_double == 5.0
    assert point.start_time_unix_nano == 1_700_000_000 * 10**9
    assert point.time_unix_nano == 1_700_000_010 * 10**9
    assert {one.key: one.value.string_value for one in point.attributes} == {"group": "worker-*"}
    shares = {
        point.attributes[0].value.string_value: point.as_double
        for point in metrics["gilbench_gil_wait_ratio"].gauge.data_points
    }
    assert shares == {"MainThread": 0.0, "worker-*": 0.25}


def test_a_collector_that_refuses_is_told_once() -> None:
    failures: list[str] = []
    with collector(status=400) as (address, got):
        sender = OtlpSender(address, failures.append)
        for _ in range(2):
            sender.send(otlp_metrics(make_state(make_interval())))
            got.get(timeout=20)
        sender.close()
    assert len(failures) == 1
    assert "cannot send metrics" in failures[0]


def test_a_collector_that_does_not_answer_holds_up_nobody() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        sender = OtlpSender(f"http://127.0.0.1:{silent.getsockname()[1]}", lambda _text: None)
        for _ in range(1000):
            sender.send(otlp_metrics(make_state()))  # returns at once, and keeps the latest only
        connection, _ = silent.accept()
        connection.close()
        sender.close()


@pytest.mark.parametrize("address", ["localhost:4318", "ftp://x", "http://", ""])
def test_what_is_no_url_is_refused(address: str) -> None:
    with pytest.raises(UsageError, match="--otlp"):
        OtlpSender(address, lambda _text: None)
