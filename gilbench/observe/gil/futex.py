"""The probe of a build without symbols: exact waits for the GIL, by futex; its holders, by samples.

The kernel sees each wait, since a thread that does not acquire the GIL at once sleeps on a futex. Acquiring a free GIL
and releasing it while no thread waits are no system calls, so they do not show how long it is held;
``samples.py`` does.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from gilbench.model.profile import Bucket, Probe
from gilbench.observe import bpftrace, bpftrace_access
from gilbench.observe.gil import samples as sampling
from gilbench.observe.gil.gils import Gils
from gilbench.observe.gil.probe import GilFigures
from gilbench.observe.gil.samples import GilSamples, Waits
from gilbench.observe.running import RunningPython
from gilbench.observe.script import filled

_SCRIPT = Path(__file__).with_suffix(".bt")
_SHORT = 1e-3  # s
_NAME = "futex (bpftrace: GIL waits; GIL held is sampled from memory)"


class FutexProbe:
    """Places the futex probe on one process."""

    def why_not(self, python: RunningPython) -> str | None:
        """Return in one line why the process cannot be probed; None: it can."""
        return sampling.why_not(python) or bpftrace_access.why_not()

    def watch(self, python: RunningPython, *, live: bool = False, max_cost: float = math.inf) -> FutexWatch:
        """Place the probe and return as soon as it counts.

        Raises:
            GilbenchError: The probe could not be placed.
        """
        return FutexWatch(python, live=live, max_cost=max_cost)


class FutexWatch:
    """The futex probe of one process."""

    def __init__(self, python: RunningPython, *, live: bool, max_cost: float) -> None:
        text = filled(_SCRIPT, {"pid": str(python.pid)}, ["live"] if live else [])
        self._script = bpftrace.Script(text, pid=python.pid, keys=65536)
        try:
            self._samples = GilSamples(python, max_cost=max_cost, beside=lambda: self._script.used() or 0.0)
        except BaseException:
            self._script.close()
            raise

    def so_far(self) -> GilFigures:
        """Return the values so far."""
        return self._figures(dict(self._script.maps))

    def finish(self) -> GilFigures:
        """Remove the probe and return the final values."""
        self._samples.finish()
        return self._figures(self._script.finish())

    def _figures(self, maps: Mapping[str, Any]) -> GilFigures:
        waits = read_waits(maps, self._samples.gils) if self._samples.gils is not None else {}
        figures = self._samples.figures(
            Probe(strength="futex", name=_NAME, error=self._samples.error(), lost=self._script.lost), waits
        )
        used = self._script.used()
        if used is None or figures.cost is None:
            return figures
        return figures._replace(cost=figures.cost + used / max(figures.duration, _SHORT))


def read_waits(maps: Mapping[str, Any], gils: Gils) -> dict[int, Waits]:
    """Read the maps of ``futex.bt``: waits for the GIL by thread, without those on other futexes."""
    seconds: Counter[int] = Counter()
    longest: dict[int, int] = {}
    buckets: dict[int, Counter[tuple[int, int]]] = {}
    for key, stats in maps.get("@waited", {}).items():
        tid, word = map(int, key.split(","))
        if gils.is_ours(word):
            seconds[tid] += stats["total"]
            longest[tid] = max(longest.get(tid, 0), maps.get("@longest", {}).get(key, 0))
            histogram: Iterable[Mapping[str, int]] = maps.get("@waits", {}).get(key, ())
            buckets.setdefault(tid, Counter()).update(
                {(one.get("min", 0), one["max"] + 1): one["count"] for one in histogram if one["count"]}
            )
    return {
        tid: Waits(
            total * 1e-9,
            longest[tid] * 1e-9,
            tuple(
                Bucket(lo=lo * 1e-9, hi=hi * 1e-9, count=count)
                for (lo, hi), count in sorted(buckets[tid].items())
            ),
        )
        for tid, total in seconds.items()
    }
