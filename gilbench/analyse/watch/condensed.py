"""Takes neighboring intervals of a watch together, for tables and plots of a limited size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gilbench.model.watch import WatchInterval


def condensed(intervals: Sequence[WatchInterval], most: int) -> Iterator[Sequence[WatchInterval]]:
    """Yield neighboring intervals together, at most ``most`` times."""
    size = -(-len(intervals) // most)
    return (intervals[at : at + size] for at in range(0, len(intervals), size))


def mean(few: Sequence[WatchInterval], figure: str) -> float | None:
    """Return the mean of a figure over the time in which it was known; None: it never was."""
    known = [(value, one.duration) for one in few if (value := getattr(one, figure)) is not None]
    seconds = sum(duration for _, duration in known)
    return sum(value * duration for value, duration in known) / seconds if seconds else None


def longest_hold(few: Sequence[WatchInterval]) -> float | None:
    """Return the longest hold that was seen, in s; None: none was."""
    return max((one.longest_hold or 0.0 for one in few), default=0.0) or None
