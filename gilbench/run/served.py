"""The interfaces of what the session measures: a runner, and a worker, which stays alive between slices."""

from __future__ import annotations

from typing import Protocol

from gilbench.host.placement import Placement
from gilbench.model.study import Environment, Slice
from gilbench.run.train import Rider


class Measurable(Protocol):
    """A case that is measured slice by slice."""

    pid: int

    def prepare(self) -> Environment:
        """Load the workload."""

    def measure(
        self, round_: int, place: Placement, seconds: float, latency_seconds: float, seed: int
    ) -> Slice:
        """Serve one slice."""

    def output(self) -> str:
        """Return the end of the process's output."""

    def close(self) -> None:
        """End the processes.

        Raises:
            RunFailure: What the user wants to be done at the end failed.
        """


class Served(Measurable, Rider, Protocol):
    """A worker, seen from outside."""

    def calibrate(self) -> int:
        """Choose the number of operations between two reads of the clock."""
