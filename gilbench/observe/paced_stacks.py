"""py-spy on a program, at a lower rate where it would use more CPU time than it may."""

from __future__ import annotations

import time

import msgspec

from gilbench.host.process import cpu_time
from gilbench.model.profile import Stack
from gilbench.observe.costs import TELLING
from gilbench.observe.sources import SourcePlace
from gilbench.observe.stacks import RATE, StackSampler

_LOWEST = 5  # samples/s; of fewer, no share can be told
_ROOM = 0.8  # of what it may use, at the new rate


class PacedStacks:
    """Samples the thread that holds the GIL, until it is finished.

    Args:
        pid: The process.
        children: Also sample the processes that it starts.
    """

    def __init__(self, pid: int, *, children: bool = False) -> None:
        self.rate = RATE  # samples per second, now
        self.places: dict[str, SourcePlace] = {}  # of frames, by name, after ``finish``
        self._pid, self._children = pid, children
        self._sampler = StackSampler(pid, children=children)
        self._earlier: list[Stack] = []  # at higher rates
        self._spent = 0.0  # s of CPU time of earlier samplers
        self._began = self._started = time.monotonic()
        self._attached = self._cpu()

    @property
    def unavailable(self) -> str | None:
        """Why there are no samples."""
        return None if self._earlier else self._sampler.unavailable

    def cost(self) -> float | None:
        """Return the CPU time of py-spy, as a fraction of the time that it took; None: it does not run."""
        if self._sampler.unavailable is not None:
            return None
        return (self._spent + self._cpu() - self._attached) / max(time.monotonic() - self._began, 1e-9)

    def pace(self, max_cost: float) -> None:
        """Lower the rate if the present one costs more than it may."""
        elapsed = time.monotonic() - self._started
        if self._sampler.unavailable is not None or elapsed < TELLING:
            return
        spent = self._cpu() - self._attached
        if spent <= max_cost * elapsed or self.rate <= _LOWEST:
            return
        lower = max(_LOWEST, round(self.rate * _ROOM * max_cost * elapsed / spent))
        self._spent += spent
        self._earlier += self._finished()
        self._sampler = StackSampler(self._pid, children=self._children, rate=lower)
        self.rate, self._started = lower, time.monotonic()
        self._attached = self._cpu()

    def finish(self) -> tuple[Stack, ...]:
        """Stop sampling and return the samples, as if all were taken at ``RATE``."""
        self._spent += self._cpu() - self._attached
        self._attached = 0.0
        return (*self._earlier, *self._finished())

    def _finished(self) -> list[Stack]:
        stacks = self._sampler.finish()
        self.places |= self._sampler.places
        weight = RATE / self.rate
        return [msgspec.structs.replace(stack, samples=round(stack.samples * weight)) for stack in stacks]

    def _cpu(self) -> float:
        if self._sampler.unavailable is not None:
            return 0.0
        return cpu_time(self._sampler.pid) or 0.0
