"""The probe without kernel probes: GIL held and GIL wait of each thread, by samples from outside.

It needs the rights of a debugger: for a program that gilbench starts, or one of the same user.
"""

from __future__ import annotations

import math

from gilbench.model.profile import Probe
from gilbench.observe.gil import samples as sampling
from gilbench.observe.gil.probe import GilFigures
from gilbench.observe.gil.samples import GilSamples
from gilbench.observe.running import RunningPython


class UnprivilegedProbe:
    """Samples one process."""

    def why_not(self, python: RunningPython) -> str | None:
        """Return in one line why the process cannot be sampled; None: it can."""
        return sampling.why_not(python)

    def watch(
        self, python: RunningPython, *, live: bool = False, max_cost: float = math.inf
    ) -> UnprivilegedWatch:
        """Start sampling.

        Raises:
            GilbenchError: The memory of the process cannot be read.
        """
        del live  # the values are always at hand
        return UnprivilegedWatch(python, max_cost)


class UnprivilegedWatch:
    """Samples of one process."""

    def __init__(self, python: RunningPython, max_cost: float) -> None:
        self._samples = GilSamples(python, waits=True, max_cost=max_cost)

    def so_far(self) -> GilFigures:
        """Return the values so far."""
        return self._figures()

    def finish(self) -> GilFigures:
        """Stop sampling and return the final values."""
        self._samples.finish()
        return self._figures()

    def _figures(self) -> GilFigures:
        name = f"sampled (memory and futexes, {self._samples.rate():.0f} samples/s): GIL held and GIL wait"
        probe = Probe(strength="sampled", name=name, error=self._samples.error())
        return self._samples.figures(probe, self._samples.waits())
