"""Chooses the probe of the GIL for a process: the strongest one that works, with the reasons against stronger ones."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence
from pathlib import Path

import msgspec

from gilbench.model.errors import GilbenchError, UsageError
from gilbench.model.metrics import write
from gilbench.observe.costs import TELLING, too_costly
from gilbench.observe.gil.exact import ExactProbe
from gilbench.observe.gil.futex import FutexProbe
from gilbench.observe.gil.probe import GilFigures, GilProbe, Watching, without_sums
from gilbench.observe.gil.returning import ReturningProbe
from gilbench.observe.gil.sampled import SampledProbe
from gilbench.observe.gil.unprivileged import UnprivilegedProbe
from gilbench.observe.running import RunningPython


def _of_gil(python: RunningPython, live: bool) -> Watching:
    return watch_gil(python, live=live)  # it has just been switched to: cost is not watched


# The strongest first. A new probe needs one line here.
PROBES: tuple[GilProbe, ...] = (
    ExactProbe(),
    ReturningProbe(_of_gil),
    FutexProbe(),
    UnprivilegedProbe(),
    SampledProbe(),
)
# What a probe found when it checked itself, by the interpreter's file.
_FAULTS: dict[tuple[GilProbe, Path], str] = {}


def watch_gil(
    python: RunningPython,
    *,
    live: bool = False,
    max_cost: float = math.inf,
    probes: Sequence[GilProbe] = PROBES,
) -> Watching:
    """Place the strongest probe that works. Its values name the reasons against stronger ones.

    If ``live``, a probe that finds itself wrong, or that costs too much, is replaced by the next one, which counts from
    then on.

    Args:
        python: The process.
        live: ``so_far`` will be called.
        max_cost: CPU time that a probe may use, as a fraction of the time that it takes.
        probes: The probes to choose from, the strongest first.

    Raises:
        UsageError: No probe works; the reason of each.
    """
    return _Chosen(python, live, max_cost, probes)


class _Chosen:
    """A probe, and the reasons against stronger ones."""

    def __init__(
        self, python: RunningPython, live: bool, max_cost: float, probes: Sequence[GilProbe]
    ) -> None:
        self._python, self._live, self._max_cost = python, live, max_cost
        self._left = list(probes)
        self._reasons: list[str] = []
        self._replaced = False  # a probe, while it was watching
        self._dropped: tuple[GilFigures, str] | None = None  # of one that cost too much, with that reason
        self._probe: GilProbe
        self._chosen = self._next()

    def so_far(self) -> GilFigures:
        figures = self._chosen.so_far()
        reason = figures.fault or self._too_costly(figures)
        if reason is not None and self._left:
            against_stronger = list(self._reasons)
            costly = figures.fault is None
            if costly:
                self._reasons.append(reason)
            else:
                self._remember(reason)
            self._python = self._python._replace(held=False)  # its interpreter runs by now
            with contextlib.suppress(UsageError):
                weaker = self._next()
                stronger = self._chosen.finish()
                if costly:
                    self._dropped = _reasoned(stronger, against_stronger), reason
                self._chosen, figures, self._replaced = weaker, weaker.so_far(), True
        return self._explained(figures)

    def finish(self) -> GilFigures:
        figures = self._chosen.finish()
        if self._dropped is not None and figures.duration < self._dropped[0].duration:
            longer, reason = self._dropped
            gap = f"what came after the first {write(longer.duration, 's')}: {reason}"
            return longer._replace(unavailable=(*longer.unavailable, gap), partial=True)
        if figures.fault is not None:
            self._remember(figures.fault)
        return self._explained(figures)

    def _too_costly(self, figures: GilFigures) -> str | None:
        if figures.cost is None or figures.cost <= self._max_cost or figures.duration < TELLING:
            return None
        name = figures.probe.name.partition(" (")[0]
        return too_costly(f"the {name} probe", figures.cost, self._max_cost)

    def _remember(self, fault: str) -> None:
        _FAULTS[self._probe, self._python.code] = fault
        self._reasons.append(fault)

    def _next(self) -> Watching:
        while self._left:
            one = self._left.pop(0)
            reason = _FAULTS.get((one, self._python.code)) or one.why_not(self._python)
            if reason is None:
                self._probe = one
                try:
                    return one.watch(self._python, live=self._live, max_cost=self._max_cost)
                except GilbenchError as error:
                    reason = str(error)
            if reason:
                self._reasons.append(reason)
        raise UsageError("no GIL probe works on this process: " + "; ".join(dict.fromkeys(self._reasons)))

    def _explained(self, figures: GilFigures) -> GilFigures:
        figures = figures._replace(partial=self._replaced)
        if figures.fault is not None:  # found at the end only: what is wrong is not shown
            figures = without_sums(figures, f"GIL held and GIL wait: {figures.fault}")
        return _reasoned(figures, self._reasons)


def _reasoned(figures: GilFigures, reasons: Sequence[str]) -> GilFigures:
    """Name the reasons against stronger probes."""
    if not reasons:
        return figures
    reason = "; ".join(dict.fromkeys(reasons))
    return figures._replace(probe=msgspec.structs.replace(figures.probe, reason=reason))
