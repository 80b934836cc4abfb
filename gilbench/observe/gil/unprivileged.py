"""The probe without kernel probes: GIL held and GIL wait of each thread, by samples from outside.

It needs the rights of a debugger: for a program that gilbench starts, or one of the same user.
"""

from __future__ import annotations

from gilbench.model.profile import Probe
from gilbench.observe.gil import samples as sampling
from gilbench.observe.gil.probe import GilFigures
from gilbench.observe.gil.samples import STEP, GilSamples
from gilbench.observe.running import RunningPython

_NAME = f"sampled (memory and futexes, {1 / STEP:.0f} samples/s): GIL held and GIL wait"


class UnprivilegedProbe:
    """Samples one process."""

    def why_not(self, python: RunningPython) -> str | None:
        """Return in one line why the process cannot be sampled; None: it can."""
        return sampling.why_not(python)

    def watch(self, python: RunningPython, *, live: bool = False) -> UnprivilegedWatch:
        """Start sampling.

        Raises:
            GilbenchError: The memory of the process cannot be read.
        """
        del live  # the values are always at hand
        return UnprivilegedWatch(python)


class UnprivilegedWatch:
    """Samples of one process."""

    def __init__(self, python: RunningPython) -> None:
        self._samples = GilSamples(python, waits=True)

    def so_far(self) -> GilFigures:
        """Return the values so far."""
        return self._figures()

    def finish(self) -> GilFigures:
        """Stop sampling and return the final values."""
        self._samples.finish()
        return self._figures()

    def _figures(self) -> GilFigures:
        probe = Probe(strength="sampled", name=_NAME, error=self._samples.error())
        return self._samples.figures(probe, self._samples.waits())
