"""Each metric once: its name, its unit, which direction is better, and how a figure of it is written."""

from __future__ import annotations

import math
import sys
from typing import Literal, NamedTuple

Better = Literal["higher", "lower", "neither"]


class Metric(NamedTuple):
    """What is taken from a case."""

    name: str
    unit: str
    better: Better
    title: str


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("throughput", "1/s", "higher", "throughput"),
        Metric("speedup", "x", "higher", "speed-up to one thread"),
        Metric("efficiency", "fraction", "higher", "speed-up per thread"),
        Metric("retained", "fraction", "higher", "throughput kept beside CPU-bound threads"),
        Metric("relative", "x", "higher", "throughput relative to the reference"),
        Metric("fairness", "fraction", "higher", "Jain's index of the threads' shares of the work"),
        Metric("start_skew", "s", "lower", "from the first thread's start to the last one's"),
        Metric("serial_part", "fraction", "lower", "share that does not scale, by Amdahl's law"),
        Metric("contention", "fraction", "lower", "sigma of the Universal Scalability Law"),
        Metric("coherence", "fraction", "lower", "kappa of the Universal Scalability Law"),
        Metric("cpu_per_operation", "s", "lower", "CPU time of an operation"),
        Metric("switches_per_operation", "1", "lower", "context switches of an operation"),
        Metric("latency_p50", "s", "lower", "median latency"),
        Metric("latency_p90", "s", "lower", "90th percentile of latency"),
        Metric("latency_p99", "s", "lower", "99th percentile of latency"),
        Metric("latency_p99_9", "s", "lower", "99.9th percentile of latency"),
        Metric("latency_max", "s", "lower", "largest latency"),
        Metric("delivered", "fraction", "higher", "requests or signals served"),
        Metric("background_throughput", "1/s", "higher", "throughput of the CPU-bound threads"),
        Metric("cpu_utilisation", "cores", "neither", "CPU time per wall time"),
        Metric("voluntary_switches", "1/s", "lower", "voluntary context switches"),
        Metric("involuntary_switches", "1/s", "lower", "involuntary context switches"),
        Metric("read_calls", "1/s", "lower", "read system calls"),
        Metric("write_calls", "1/s", "lower", "write system calls"),
        Metric("system_calls", "1/s", "lower", "system calls"),
        Metric("system_calls_per_operation", "1", "lower", "system calls of an operation"),
        Metric("memory_peak", "B", "lower", "peak resident memory"),
        Metric("gil_held", "fraction", "neither", "time in which a thread held the GIL"),
        Metric("gil_wait", "1", "lower", "threads that waited for the GIL, on average"),
        Metric("observer_cost", "x", "lower", "slow-down caused by the observer"),
    )
}

_DECIMAL = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""))
_SECONDS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))
_BYTES = ((2.0**30, "GiB"), (2.0**20, "MiB"), (2.0**10, "KiB"), (1.0, "B"))


def significant(value: float, digits: int = 3) -> str:
    """Write a number with ``digits`` significant digits and no exponent."""
    if value == 0 or not math.isfinite(value):
        return f"{abs(value) if value == 0 else value:.0f}"  # no -0
    exponent = int(f"{value:.{digits - 1}e}".partition("e")[2])  # after rounding: 9.996 is 10.0
    decimals = digits - 1 - exponent
    # Beyond what a double can hold rounding overflows; such a figure is written as it is.
    rounded = round(value, decimals) if exponent < sys.float_info.max_10_exp else value
    return f"{rounded:.{max(0, decimals)}f}"


def scale_of(value: float, unit: str) -> tuple[float, str]:
    """Choose the prefix that suits a value: the divisor, and the unit as it is written behind the figure."""
    if unit == "fraction":
        return 0.01, "%"
    if unit == "x":
        return 1.0, "x"
    if unit in {"1", "cores"}:
        return 1.0, ""
    table, suffix = {"s": (_SECONDS, ""), "B": (_BYTES, "")}.get(
        unit, (_DECIMAL, "/s" if unit == "1/s" else "")
    )
    for divisor, prefix in table:
        if abs(value) >= divisor * 0.9995:
            return divisor, prefix + suffix
    divisor, prefix = table[-1]
    return divisor, prefix + suffix


def write(value: float, unit: str) -> str:
    """Write one figure with its unit: ``write(0.0052, "s")`` is ``5.20 ms``."""
    if not math.isfinite(value):
        return "∞" if value > 0 else "-"
    divisor, suffix = scale_of(value, unit)
    tight = suffix in {"%", "x", ""}
    return f"{significant(value / divisor)}{'' if tight else ' '}{suffix}"
