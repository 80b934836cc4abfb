"""Writes the values of a study or a check in Bencher Metric Format, for ``bencher run --adapter json``.

Each case is a benchmark, and each metric a measure, in its base unit: ``throughput`` in 1/s, ``latency_p50`` in s. The
interval is ``lower_value`` and ``upper_value``. https://bencher.dev/docs/reference/bencher-metric-format
"""

from __future__ import annotations

from typing import TextIO

from gilbench.model.results import Check, Report
from gilbench.render.guard import json_text
from gilbench.render.service_values import service_values

_LONGEST = 1024  # characters of a benchmark's name


def write_bencher(result: Report | Check, file: TextIO) -> None:
    """Write the values by benchmark and measure."""
    document: dict[str, dict[str, dict[str, float]]] = {}
    for one in service_values(result):
        ends = {"lower_value": one.lo, "upper_value": one.hi}
        document.setdefault(one.name[:_LONGEST], {})[one.metric] = {
            "value": one.value,
            **{name: end for name, end in ends.items() if end is not None},
        }
    file.write(f"{json_text(document)}\n")
