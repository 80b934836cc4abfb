"""What observers may cost: when their CPU time can be judged, and the sentence if it is too much."""

from __future__ import annotations

from gilbench.model.metrics import write

TELLING = 0.9  # s; the cost of a shorter time may be that of a burst


def too_costly(what: str, cost: float, most: float) -> str:
    """Say that an observer used too much CPU time.

    Args:
        what: The observer.
        cost: What it used, as a fraction of one CPU.
        most: What it may use.
    """
    return f"{what} used {write(cost, 'fraction')} of a CPU (--max-cost {write(most, 'fraction')})"
