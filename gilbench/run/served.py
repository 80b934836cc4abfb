"""What a worker is to those who ask it for something."""

from __future__ import annotations

from typing import Protocol

from gilbench.model import Environment, Slice
from gilbench.run.affinity import Placement


class Served(Protocol):
    """A worker, seen from outside."""

    pid: int

    def prepare(self) -> Environment:
        """Load the workload."""

    def calibrate(self) -> int:
        """Fit the number of operations between two readings of the clock."""

    def measure(
        self, turn: int, place: Placement, seconds: float, latency_seconds: float, seed: int
    ) -> Slice:
        """Serve one slice."""

    def output(self) -> str:
        """End of what the process wrote."""

    def close(self) -> None:
        """End the process."""
