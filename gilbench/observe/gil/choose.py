"""Chooses the probe of the GIL for a process: the strongest one that works, with the reasons against stronger ones."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from gilbench.model.errors import GilbenchError, UsageError
from gilbench.observe.gil.exact import ExactProbe
from gilbench.observe.gil.futex import FutexProbe
from gilbench.observe.gil.probe import GilFigures, GilProbe, Watching
from gilbench.observe.gil.returning import ReturningProbe
from gilbench.observe.gil.sampled import SampledProbe
from gilbench.observe.running import RunningPython


def _of_gil(python: RunningPython, live: bool) -> Watching:
    return watch_gil(python, live=live)


# The strongest first. A new probe needs one line here.
PROBES: tuple[GilProbe, ...] = (ExactProbe(), ReturningProbe(_of_gil), FutexProbe(), SampledProbe())


def watch_gil(python: RunningPython, *, live: bool = False, probes: Sequence[GilProbe] = PROBES) -> Watching:
    """Place the strongest probe that works. Its values name the reasons against stronger ones.

    Raises:
        UsageError: No probe works; the reason of each.
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
    raise UsageError("no GIL probe works on this process: " + "; ".join(dict.fromkeys(reasons)))


class _Chosen:
    """A probe, and the reasons against stronger ones."""

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
