"""The interface of a worker for the session."""

from __future__ import annotations

from typing import Protocol

from gilbench.host.placement import Placement
from gilbench.model.study import Environment, Slice
from gilbench.run.train import Rider


class Served(Rider, Protocol):
    """A worker, seen from outside."""

    pid: int

    def prepare(self) -> Environment:
        """Load the workload."""

    def calibrate(self) -> int:
        """Choose the number of operations between two reads of the clock."""

    def measure(
        self, round_: int, place: Placement, seconds: float, latency_seconds: float, seed: int
    ) -> Slice:
        """Serve one slice."""

    def output(self) -> str:
        """Return the end of the process's output."""

    def close(self) -> None:
        """End the process."""
