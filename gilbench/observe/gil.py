"""Chooses what looks at the GIL of a process: the strongest probe that works, and says why if it is weaker."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from gilbench.errors import GilbenchError, UsageError
from gilbench.observe.gil_exact import ExactProbe
from gilbench.observe.gil_futex import FutexProbe
from gilbench.observe.gil_probe import GilFigures, GilProbe, Watching
from gilbench.observe.gil_sampled import SampledProbe
from gilbench.observe.parking_probe import ParkingProbe
from gilbench.observe.running import RunningPython

# The strongest first. One line here is all that a new probe needs.
PROBES: tuple[GilProbe, ...] = (ExactProbe(), ParkingProbe(), FutexProbe(), SampledProbe())


def watch_gil(python: RunningPython, *, live: bool = False, probes: Sequence[GilProbe] = PROBES) -> Watching:
    """Place the strongest probe that works; what it returns names the reasons against stronger ones.

    Raises:
        UsageError: None works; each one's reason.
    """
    reasons: list[str] = []
    for one in probes:
        reason = one.why_not(python)
        if reason is None:
            try:
                return _Chosen(one.watch(python, live=live), reasons)
            except GilbenchError as error:
                reason = str(error)
        if reason:
            reasons.append(reason)
    raise UsageError("nothing can look at the GIL of this process: " + "; ".join(dict.fromkeys(reasons)))


class _Chosen:
    """A probe, and why there is no stronger one."""

    def __init__(self, chosen: Watching, reasons: Sequence[str]) -> None:
        self._chosen, self._reason = chosen, "; ".join(dict.fromkeys(reasons)) or None

    def so_far(self) -> GilFigures:
        return self._explained(self._chosen.so_far())

    def finish(self) -> GilFigures:
        return self._explained(self._chosen.finish())

    def _explained(self, figures: GilFigures) -> GilFigures:
        if self._reason is None:
            return figures
        return figures._replace(probe=msgspec.structs.replace(figures.probe, reason=self._reason))
