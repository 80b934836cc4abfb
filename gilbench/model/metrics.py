"""The metrics (name, unit, better direction) and how their values are written."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from typing import Literal, NamedTuple

Better = Literal["higher", "lower", "neither"]


class Metric(NamedTuple):
    """A measured quantity."""

    name: str
    unit: str
    better: Better
    title: str


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("throughput", "1/s", "higher", "throughput"),
        Metric("speedup", "x", "higher", "speedup over one thread"),
        Metric("efficiency", "fraction", "higher", "speedup per thread"),
        Metric("retained", "fraction", "higher", "throughput vs unloaded"),
        Metric("relative", "x", "higher", "throughput relative to the reference"),
        Metric("time_per_operation", "s", "lower", "time per operation"),
        Metric("wall_time", "s", "lower", "wall time per run of a command"),
        Metric("cpu_time", "s", "lower", "CPU time per run of a command"),
        Metric("user_time", "s", "lower", "CPU time per run in the program"),
        Metric("system_time", "s", "lower", "CPU time per run in the kernel"),
        Metric("gil_enabled", "fraction", "neither", "runs of a command with the GIL enabled"),
        Metric("fairness", "fraction", "higher", "fairness (Jain's index of work per thread)"),
        Metric("start_skew", "s", "lower", "time from the first thread's start to the last thread's"),
        Metric("serial_part", "fraction", "lower", "serial fraction (Amdahl's law)"),
        Metric("contention", "fraction", "lower", "contention (Universal Scalability Law, sigma)"),
        Metric("coherence", "fraction", "lower", "coherency (Universal Scalability Law, kappa)"),
        Metric("cpu_per_operation", "s", "lower", "CPU time per operation"),
        Metric("switches_per_operation", "1", "lower", "context switches per operation"),
        Metric("latency_p50", "s", "lower", "median latency"),
        Metric("latency_p90", "s", "lower", "90th percentile latency"),
        Metric("latency_p99", "s", "lower", "99th percentile latency"),
        Metric("latency_p99_9", "s", "lower", "99.9th percentile latency"),
        Metric("latency_max", "s", "lower", "maximum latency"),
        Metric("latency_mean", "s", "lower", "mean latency"),
        Metric("latency_sd", "s", "lower", "standard deviation of latency"),
        Metric("delivered", "fraction", "higher", "share of requests or signals handled"),
        Metric("served_rate", "1/s", "higher", "requests or timers served per second, if overloaded"),
        Metric("offered_rate", "1/s", "neither", "requests or timers offered per second, if overloaded"),
        Metric("background_throughput", "1/s", "higher", "throughput of the added threads"),
        Metric("cpu_utilisation", "cores", "neither", "CPU time per wall time"),
        Metric("voluntary_switches", "1/s", "lower", "voluntary context switches"),
        Metric("involuntary_switches", "1/s", "lower", "involuntary context switches"),
        Metric("read_calls", "1/s", "lower", "read system calls"),
        Metric("write_calls", "1/s", "lower", "write system calls"),
        Metric("system_calls", "1/s", "lower", "system calls"),
        Metric("system_calls_per_operation", "1", "lower", "system calls per operation"),
        Metric("instructions_per_operation", "count", "lower", "instructions per operation (work done)"),
        Metric("relative_instructions", "x", "lower", "instructions relative to the reference (work done)"),
        Metric("memory_peak", "B", "lower", "peak resident memory"),
        Metric("gil_held", "fraction", "neither", "GIL held"),
        Metric("gil_wait", "1", "lower", "threads waiting for the GIL (mean)"),
        Metric("observer_cost", "x", "lower", "observer overhead"),
    )
}

_DECIMAL = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""))
_SECONDS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))
_ROUNDS_TO_ONE = 0.9995
_LOOSE = 100.0  # times the value, and its 100th part: an interval with ends beyond both says nothing
_TINY, _FITS = 0.001, 99.95  # in units of a prefix: too small to read well; small enough for the next one
_BYTES = ((2.0**30, "GiB"), (2.0**20, "MiB"), (2.0**10, "KiB"), (1.0, "B"))


def significant(value: float, digits: int = 3) -> str:
    """Write a number with ``digits`` significant digits and no exponent."""
    if value == 0 or not math.isfinite(value):
        return f"{abs(value) if value == 0 else value:.0f}"  # no -0
    exponent = int(f"{value:.{digits - 1}e}".partition("e")[2])  # after rounding: 9.996 is 10.0
    decimals = digits - 1 - exponent
    # Rounding would overflow near the largest double; such a value is written unrounded.
    rounded = round(value, decimals) if exponent < sys.float_info.max_10_exp else value
    return f"{rounded:.{max(0, decimals)}f}"


class Scale(NamedTuple):
    """A unit with its prefix."""

    divisor: float  # for a value in the base unit
    suffix: str  # text after the number, with its leading space


def scale_of(value: float, unit: str) -> Scale:
    """Choose the prefix that suits a value."""
    if unit == "fraction":
        return Scale(0.01, "%")
    if unit == "x":
        return Scale(1.0, "x")
    if unit in {"1", "cores"}:
        return Scale(1.0, "")
    prefixes, suffix = _prefixes(unit)
    divisor, prefix = next((one for one in prefixes if abs(value) >= one[0] * _ROUNDS_TO_ONE), prefixes[-1])
    return Scale(divisor, f" {prefix}{suffix}".rstrip())


def common_scale(values: Iterable[float], unit: str) -> Scale:
    """Choose one prefix for several values, so that they can be compared at a glance.

    The prefix suits the largest value. If the smallest would then be below 0.001, the next prefix is taken, provided
    that the largest has at most five digits with it.
    """
    sizes = [abs(value) for value in values if value and math.isfinite(value)]
    largest = max(sizes, default=0.0)
    scale = scale_of(largest, unit)
    if sizes and min(sizes) < scale.divisor * _TINY and largest < scale.divisor * _FITS:
        return scale_of(largest / 1000, unit)
    return scale


def write(value: float, unit: str, scale: Scale | None = None) -> str:
    """Write a value with its unit: ``write(0.0052, "s")`` is ``5.20 ms``.

    Args:
        value: In the base unit.
        unit: The base unit, as in ``METRICS``.
        scale: The prefix to use; None: the one that suits the value.
    """
    if not math.isfinite(value):
        return "∞" if value > 0 else "-"
    divisor, suffix = scale or scale_of(value, unit)
    return f"{significant(value / divisor)}{suffix}"


def undetermined(value: float, lo: float, hi: float, unit: str) -> bool:
    """Return whether an interval is so wide, for example of two blocks, that its ends say nothing.

    A share of at most 100% is bounded, so its interval always says something.
    """
    bounded = unit == "fraction" and hi <= 1
    return 0 < value < math.inf and lo <= value / _LOOSE and value * _LOOSE <= hi and not bounded


def _prefixes(unit: str) -> tuple[tuple[tuple[float, str], ...], str]:
    if unit in {"s", "B"}:
        return (_SECONDS if unit == "s" else _BYTES), ""
    return _DECIMAL, "/s" if unit == "1/s" else ""
