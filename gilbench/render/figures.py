"""Writes values for tables: short, with their intervals, and with one unit per column."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

from gilbench.model.excerpt import excerpt
from gilbench.model.metrics import Scale, common_scale, scale_of, significant, undetermined, write
from gilbench.model.results import Cell, Comparison
from gilbench.model.study import Host, Parameters
from gilbench.plan.counting import METRIC
from gilbench.render.page import Tone

_WIDE = 0.3  # relative half-width from which the two ends of the interval are written
_LOPSIDED = 1.5  # ratio of the two half-widths from which the two ends are written
_UNDETERMINED = "(undetermined)"
SENTENCE = 300  # maximum length of a sentence from outside
TONES: dict[str, Tone] = {
    "improved": "good",
    "regressed": "bad",
    "equivalent": "plain",
    "inconclusive": "faint",
}
_REASONS = {
    "interval too wide": "too wide",
    "one of too many comparisons": "of too many",
    "neither direction is better": "no direction",
    "values that are not finite": "not finite",
}


def with_intervals(cells: Sequence[Cell | None]) -> list[str]:
    """Write the values of a column with their 95% intervals, in one unit.

    The form is ``1.98x ±2%``, or ``3.10x (2.0-4.7)`` if the interval is wide or lopsided, or
    ``3.10x (undetermined)`` if it says nothing. Fractions are in percent, and their ± is in percentage points.
    """
    scales = _scales(cells)
    return [
        "-" if cell is None else figure_within(cell.value, cell.lo, cell.hi, cell.unit, scales[cell.unit])
        for cell in cells
    ]


def without_intervals(cells: Sequence[Cell | None]) -> list[str]:
    """Write values of one column in one unit."""
    scales = _scales(cells)
    return ["-" if cell is None else write(cell.value, cell.unit, scales[cell.unit]) for cell in cells]


def figure_within(
    value: float, lo: float | None, hi: float | None, unit: str, scale: Scale | None = None
) -> str:
    """Write a value with its 95% interval, with a given or the best prefix."""
    scale = scale or scale_of(_size(value, lo), unit)
    figure = write(value, unit, scale)
    if lo is None or hi is None:
        return figure
    if math.isinf(hi):
        return _ends(value, lo, hi, unit, scale)
    if undetermined(value, lo, hi, unit):
        return f"{figure} {_UNDETERMINED}"
    below, above = value - lo, hi - value
    half = max(below, above)
    share = half / abs(value) if value else math.inf
    beyond = unit == "fraction" and hi <= 1 < value + half  # exceeds 100%
    if beyond or share >= _WIDE or (share >= _WIDE / 3 and half > _LOPSIDED * min(below, above)):
        return _ends(value, lo, hi, unit, scale)
    return f"{figure} ±{significant(half * 100, 2) if unit == 'fraction' else _percent(share)}"


def short(text: str, longest: int = 60) -> str:
    """Return a text from outside as one line, truncated if it is long."""
    return excerpt(text.replace("\n", " "), longest)


def ratio_text(row: Comparison) -> str:
    """Write a ratio with its interval; of counts, which are more precise than times, with another digit."""
    if row.ratio is None:
        return "-"
    digits = 4 if row.metric == METRIC else 3
    ratio = significant(row.ratio, digits)
    if row.lo is None or row.hi is None:
        return ratio
    if undetermined(row.ratio, row.lo, row.hi, "x"):
        return f"{ratio} {_UNDETERMINED}"
    return f"{ratio} ({significant(row.lo, digits)}-{significant(row.hi, digits)})"


def verdict_text(row: Comparison) -> str:
    """Write a verdict; if inconclusive, with the number of blocks or hosts that would decide it, or the reason."""
    if row.verdict == "inconclusive" and row.blocks_needed is not None:
        return f"inconclusive, +{row.blocks_needed} blocks"
    if row.verdict == "inconclusive" and row.hosts_needed is not None:
        return f"inconclusive, +{row.hosts_needed} host{'s'[: row.hosts_needed != 1]}"
    if row.verdict == "inconclusive" and row.reason is not None:
        return f"inconclusive, {_REASONS.get(row.reason, row.reason)}"
    return row.verdict


def case_name(workload: str, parameters: Parameters) -> str:
    """Name a case by its workload and the parameters that differ from the declaration."""
    return f"{workload} {', '.join(f'{name}={value}' for name, value in parameters)}".rstrip()


def threads_name(count: int) -> str:
    """Write a thread count."""
    return "1 thread" if count == 1 else f"{count} threads"


def cpus_name(count: int) -> str:
    """Write a number of CPUs."""
    return "1 CPU" if count == 1 else f"{count} CPUs"


def processors(host: Host) -> str:
    """Describe the CPUs of a host: ``2 CPUs, one core; the quota gives 1.5``."""
    cores = {cpu.core: cpu.kind for cpu in host.cpus}
    parts = [cpus_name(len(host.cpus) or host.cores)]
    if len(cores) != len(host.cpus):
        parts.append("one core" if len(cores) == 1 else f"{len(cores)} cores")
    kinds = sorted(Counter(cores.values()).values(), reverse=True)
    if len(kinds) > 1:
        parts.append(f"{len(kinds)} kinds of core, of which one is measured ({kinds[0]} cores)")
    quota = "" if host.quota is None else f"; the quota gives {host.quota:g}"
    return ", ".join(parts) + quota


def _scales(cells: Sequence[Cell | None]) -> dict[str, Scale]:
    """The prefix of each unit in a column."""
    values: dict[str, list[float]] = defaultdict(list)
    for cell in cells:
        if cell is not None:
            values[cell.unit].append(_size(cell.value, cell.lo))
    return {unit: common_scale(mine, unit) for unit, mine in values.items()}


def _size(value: float, lo: float | None) -> float:
    """Return the value that the prefix must suit: for infinity, the lower limit."""
    return lo if lo is not None and math.isinf(value) else value


def _ends(value: float, lo: float, hi: float, unit: str, scale: Scale) -> str:
    figure = write(value, unit, scale)
    if lo == math.inf:
        return figure
    if math.isinf(value):  # infinity has no unit
        return f"{figure} ({write(max(lo, 0.0), unit, scale)}-∞)"
    limits = max(lo, 0.0) / scale.divisor, hi / scale.divisor
    low, high = (significant(limit, 2) for limit in limits)
    # With two digits, the ends would exclude the value or be equal.
    if not float(low) <= value / scale.divisor <= float(high) or (low == high and lo < hi):
        low, high = (significant(limit) for limit in limits)
    return f"{figure} ({low}-{'∞' if math.isinf(hi) else high})"


def _percent(share: float) -> str:
    decimals = next((digits for digits, least in enumerate((0.01, 0.0005)) if share >= least), 2)
    return f"{share:.{decimals}%}"
