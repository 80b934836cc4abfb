"""Measures what the host gives without a measured interpreter, on the CPUs of a slice."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Protocol

import msgspec

from gilbench.host.environment import clean_environment
from gilbench.host.placement import Placement
from gilbench.model.errors import RunFailure
from gilbench.model.study import Case, Control, Workload
from gilbench.run.endpoint import Endpoint

_SECONDS = 0.015  # of each of the three measurements of a speedup
_SLEEPS = 10  # of 1 ms
_LIMIT = 30.0  # s
_MOST = 64  # processes of one measurement


class Controls(Protocol):
    """What a host gives."""

    def speedup(self, cpus: tuple[int, ...]) -> float | None:
        """Return the throughput of one process of a loop in C on each CPU, relative to that of one process alone."""

    def lateness(self, cpu: int) -> float | None:
        """Return the median time in s by which a timer is late on a CPU."""


class ControlledBlock:
    """The controls of one block of a workload: one measurement for each set of CPUs."""

    def __init__(self, controls: Controls, workload: Workload) -> None:
        self._controls = controls
        self._scheduled = workload.scheduled or workload.peer is not None
        self._speedups: dict[tuple[int, ...], float | None] = {}
        self._lateness: dict[int, float | None] = {}

    def measure(self, case: Case, place: Placement) -> Control | None:
        """Return the lateness for a schedule, the speedup for threads; None: the case has neither."""
        if self._scheduled:
            if place.peer not in self._lateness:
                self._lateness[place.peer] = self._controls.lateness(place.peer)
            return Control(lateness=self._lateness[place.peer])
        if case.threads > 1:
            if place.cpus not in self._speedups:
                self._speedups[place.cpus] = self._controls.speedup(place.cpus)
            return Control(speedup=self._speedups[place.cpus])
        return None


class HostControl:
    """The process that measures, started when it is needed. If it fails, the host is unknown, and nothing else."""

    def __init__(self) -> None:
        self._endpoint: Endpoint | None = None

    def speedup(self, cpus: tuple[int, ...]) -> float | None:
        """As for all controls."""
        if len(cpus) == 1:
            return 1.0
        found = self._ask({"do": "speedup", "cpus": cpus[:_MOST], "seconds": _SECONDS})
        return found.speedup

    def lateness(self, cpu: int) -> float | None:
        """As for all controls."""
        return self._ask({"do": "lateness", "cpu": cpu, "count": _SLEEPS}).lateness

    def close(self) -> None:
        """End the process."""
        if self._endpoint is not None:
            self._endpoint.close()
            self._endpoint = None

    def _ask(self, request: dict[str, object]) -> Control:
        try:
            if self._endpoint is None:
                script = str(Path(__file__).with_name("control_main.py"))
                self._endpoint = Endpoint([sys.executable, "-I", "-S", script], clean_environment())
            return msgspec.convert(self._endpoint.ask(request, _LIMIT), Control)
        except (RunFailure, msgspec.ValidationError):
            self.close()
            return Control()
