"""Writes the values of a study or a check as OpenMetrics text, for Prometheus and its push gateway.

Each metric is a gauge in its base unit, such as ``gilbench_latency_p50_seconds``, with the labels of the case. The ends
of the interval are gauges with the suffix ``_lower`` or ``_upper`` before the unit.
https://prometheus.io/docs/specs/om/open_metrics_spec/
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TextIO

from gilbench.model.results import Check, Report
from gilbench.plan.axes import variant
from gilbench.render.guard import quotable
from gilbench.render.service_values import ServiceValue, service_values

# Names of units; a metric without one is a plain number.
_UNITS = {
    "1/s": "per_second",
    "x": "ratio",
    "fraction": "ratio",
    "s": "seconds",
    "B": "bytes",
    "cores": "cores",
    "1": "",
    "count": "",
}


def write_openmetrics(result: Report | Check, file: TextIO) -> None:
    """Write the values, all of one metric together."""
    families: dict[str, list[ServiceValue]] = {}
    for one in service_values(result):
        families.setdefault(one.metric, []).append(one)
    for metric, values in families.items():
        file.writelines(_family(metric, values[0].title, [(one, one.value) for one in values]))
        for end in ("lower", "upper"):
            ends = [(one, one.lo if end == "lower" else one.hi) for one in values]
            known = [(one, value) for one, value in ends if value is not None]
            if known:
                title = f"{values[0].title}, {end} end of the 95% interval"
                file.writelines(_family(f"{metric}_{end}", title, known))
    file.write("# EOF\n")


def _family(metric: str, title: str, values: list[tuple[ServiceValue, float]]) -> Iterator[str]:
    unit = _UNITS[values[0][0].unit]
    stem = f"gilbench_{metric.removesuffix('_ratio') if unit == 'ratio' else metric}"
    name = re.sub(r"[^a-zA-Z0-9_]", "_", f"{stem}_{unit}" if unit else stem)
    yield f"# TYPE {name} gauge\n"
    if unit:
        yield f"# UNIT {name} {unit}\n"
    yield f"# HELP {name} {quotable(title)}\n"
    for one, value in values:
        labels = ",".join(f'{key}="{quotable(text)}"' for key, text in _labels(one).items())
        yield f"{name}{{{labels}}} {value!r}\n"


def _labels(one: ServiceValue) -> dict[str, str]:
    """Return the case as labels. Its parameters are one label, since every value of a metric needs the same labels."""
    case = one.case
    return {
        "workload": case.workload,
        "interpreter": variant(case),
        "threads": str(case.threads),
        "parameters": ",".join(f"{name}={value}" for name, value in case.parameters),
    }
