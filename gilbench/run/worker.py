"""A worker, seen from gilbench: one process for one case, which measures one slice per request."""

from __future__ import annotations

import bisect
import contextlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from gilbench.host.environment import clean_environment
from gilbench.host.placement import Placement, set_affinity
from gilbench.host.process import cpu_time
from gilbench.model.errors import RunFailure
from gilbench.model.study import Case, Environment, Interpreter, Slice, Value, Workload
from gilbench.observe.running import descendants
from gilbench.plan.axes import SWITCH_INTERVAL, environment, options
from gilbench.plan.schedules import RATE, period, poisson, spread
from gilbench.run.endpoint import Endpoint
from gilbench.run.peer import Peer
from gilbench.run.plausible import impossibility
from gilbench.run.train import Stamps

_T = TypeVar("_T")
_SCRIPT = Path(__file__).parent.parent / "target" / "worker.py"
START_LIMIT = 60.0  # s for an interpreter to start and prepare; a JVM on a busy host is slow
SLICE_LIMIT = 10.0  # s in addition to the length of a slice
# A heap of fixed size, touched at startup. The kernel, and a hypervisor below it, provide a growing heap page by page:
# that slowed pidigits on Jython from 9000 to 800 runs per second for many slices.
_JVM = "-Xms256m -Xmx256m -XX:+AlwaysPreTouch"
_ELSEWHERE = frozenset({"processes"})  # drivers whose work is done by children of the worker
ANSWER_LIMIT = 2.0  # s in which pending requests are answered at the end of a slice, at least
ROUND_TRIPS = 8  # of a service, one after another, that a slice needs in addition to its length
SIGNAL_GRACE = 0.1  # s after the last signal in which signals are still counted as handled


class Worker:
    """A process that measures slices of one case, and stays alive between them.

    Args:
        case: The case.
        interpreter: Interpreter of the case.
        catalogue: All workloads by name; a workload can combine others as its foreground and background.
        peer: The load generator.

    Raises:
        RunFailure: The interpreter cannot be started.
    """

    def __init__(
        self,
        case: Case,
        interpreter: Interpreter,
        catalogue: Mapping[str, Workload],
        peer: Peer,
    ) -> None:
        self.case = case
        self.workload = catalogue[case.workload]
        foreground = self.workload.foreground
        self._serving = catalogue[foreground] if foreground else self.workload
        self.parameters: dict[str, Value] = {
            **self._serving.parameters,
            **self.workload.parameters,
            **dict(case.parameters),
        }
        background = self.parameters.get("background")
        self._background = catalogue[str(background)] if background else None
        # If a workload is its own background, both use the parameters of the case.
        own = self._background is not None and self._background.name == self.workload.name
        self._background_parameters = (
            self.parameters if own else getattr(self._background, "parameters", None)
        )
        self._peer = peer
        self._serving_thread: int | None = None
        extra = {**dict(interpreter.environment), **environment(case)}
        if interpreter.build.implementation == "Jython":
            extra.setdefault("JAVA_TOOL_OPTIONS", os.environ.get("JAVA_TOOL_OPTIONS", _JVM))
        command = [*interpreter.command, *options(case, interpreter.build), str(_SCRIPT)]
        self._endpoint = Endpoint(command, clean_environment(extra))
        self.pid = self._endpoint.pid

    def prepare(self) -> Environment:
        """Load the workload and return the actual environment of the run.

        Raises:
            RunFailure: The request failed, as with every request.
        """
        answer = self._endpoint.ask(
            {
                "do": "prepare",
                "workload": self._serving.path,
                "driver": self.workload.driver,
                "parameters": self.parameters,
                "threads": self.case.threads,
                "background": None if self._background is None else self._background.path,
                "background_parameters": self._background_parameters,
                "switch_interval": self.case.switch_interval,
                "jit": self.case.jit,
            },
            START_LIMIT + self._longest_operation(),
        )
        self._serving_thread = answer.pop("tid", None)
        found = self._convert(answer, Environment)
        # A wrapper may stay in front of the interpreter.
        if found.pid != self.pid and found.pid in descendants(self.pid):
            self.pid = found.pid
        problem = overridden(self.case, found)
        if problem is not None:
            raise RunFailure("mode", problem)
        return msgspec.structs.replace(found, pid=self.pid)

    def calibrate(self) -> int:
        """Choose and return the number of operations between two reads of the clock."""
        if self.workload.operation_seconds:
            return 1
        return self._convert(self._endpoint.ask({"do": "calibrate"}, START_LIMIT).get("loops", 0), int)

    def operation_seconds(self) -> float:
        """Measure roughly how long one operation takes, in seconds."""
        answer = self._endpoint.ask({"do": "calibrate"}, START_LIMIT)
        return self._convert(answer.get("seconds"), float)

    def measure(
        self, round_: int, place: Placement, seconds: float, latency_seconds: float, seed: int
    ) -> Slice:
        """Measure one slice.

        Args:
            round_: Number of the round; negative: a warm-up slice.
            place: CPUs of the slice.
            seconds: Length of the timed part.
            latency_seconds: Length of the open-loop part, in which requests or signals are sent on schedule.
            seed: Seed of the schedule.
        """
        if self.workload.peer:
            self._peer.confine((place.peer,))
            in_force = set_affinity(self.pid, place.cpus, (self._serving_thread, place.serving))
        else:
            in_force = set_affinity(self.pid, place.cpus)
        if self.workload.driver in _ELSEWHERE:
            for child in _children(self.pid):
                set_affinity(child, place.cpus)
        # A warm-up slice is discarded, so it may be shorter.
        scheduled = latency_seconds if round_ < 0 else max(latency_seconds, self.workload.least_seconds)
        before = cpu_time(self.pid)
        if self.workload.driver == "service":
            closed = 0.0 if self.workload.scheduled else seconds
            record = self._measure_service(closed, scheduled, seed)
        elif self.workload.driver == "signals":
            record = self._measure_signals(scheduled, seed)
        else:
            length = scheduled or seconds if self.workload.scheduled else seconds
            request: dict[str, Any] = {"do": "measure", "seconds": length}
            if self.workload.scheduled and "interval" in self.parameters:
                request["schedule"] = self._made(spread, "interval", length, seed)
            limit = length + SLICE_LIMIT + _longest_wait(self.case) + self._longest_operation()
            record = self._endpoint.ask(request, limit)
        after = cpu_time(self.pid)
        cpu = None if before is None or after is None else after - before
        slice_ = self._convert({**record, "round": round_, "cpus": in_force, "cpu": cpu}, Slice)
        if self.workload.driver in _ELSEWHERE and cpu is not None:
            # The kernel adds a child's CPU time only when the child ends, so add what the children report.
            spent = sum(thread.cpu or 0.0 for thread in slice_.threads)
            slice_ = msgspec.structs.replace(slice_, cpu=cpu + spent)
        problem = impossibility(slice_, self.case, self.workload.driver, os.cpu_count() or 1)
        if problem is not None:
            raise RunFailure("protocol", f"answered with impossible values: {problem}")
        return slice_

    def board(self, place: Placement, request: dict[str, Any]) -> tuple[int, ...]:
        """Send the request of a train; see ``run.train``. Return the CPUs of the worker."""
        in_force = set_affinity(self.pid, place.cpus)
        self._endpoint.send({"do": "train", **request})
        return in_force

    def fileno(self) -> int:
        """Return the descriptor that is readable when the worker has answered or died."""
        return self._endpoint.fileno()

    def leave_train(self, seconds: float) -> Stamps | None:
        """Return the answer to the request of a train; None: the train was stopped before its end."""
        answer = self._endpoint.expect("ok", seconds)
        return None if answer.get("stopped") else self._convert(answer, Stamps)

    def output(self) -> str:
        """Return the end of the process's stdout and stderr."""
        return self._endpoint.process.output()

    def close(self) -> None:
        """End the process."""
        self._endpoint.close()

    def _measure_service(self, seconds: float, latency_seconds: float, seed: int) -> dict[str, Any]:
        patience = max(ANSWER_LIMIT, _longest_wait(self.case))
        limit = seconds + latency_seconds + SLICE_LIMIT + ROUND_TRIPS * _longest_wait(self.case)
        schedule = self._made(poisson, "rate", latency_seconds, seed)
        link = self.workload.peer or self._serving.peer
        pipes = self._ask_peer({"do": "pipes"}, SLICE_LIMIT)["paths"] if link == "pipe" else None
        self._endpoint.send({"do": "measure", "pipes": pipes})
        ready = self._endpoint.expect("ready", SLICE_LIMIT + _longest_wait(self.case))
        request = {
            "depth": 1,
            **self.parameters,
            "do": "serve",
            "link": link,
            "address": ready.get("address"),
            "closed": seconds,
            "open": latency_seconds,
            "schedule": schedule,
            "patience": patience,
            "limit": limit,
        }
        seen = self._ask_peer(request, limit)
        record = self._endpoint.expect("ok", SLICE_LIMIT + _longest_wait(self.case))
        answered = seen["requests"] - seen["offered"] + len(seen["latencies"])
        if not answered <= record.pop("served", -1) <= seen["requests"]:
            raise RunFailure("checksum", "the service and the load generator counted different requests")
        return {
            **record,
            "operations": seen["operations"],
            "window": seen["window"],
            "latencies": seen["latencies"],
            "offered": seen["offered"],
            "served": len(seen["latencies"]),
        }

    def _measure_signals(self, seconds: float, seed: int) -> dict[str, Any]:
        request: dict[str, Any] = {"do": "measure", "peer": self.workload.peer is not None}
        if self.workload.peer is None:
            interval = self._made(period, "interval", seconds, seed)
            length = seconds + interval + SIGNAL_GRACE
            limit = length + SLICE_LIMIT + _longest_wait(self.case)
            request |= {"seconds": length, "interval": interval}
            record = self._endpoint.ask(request, limit)
            sent = self._convert(record.pop("due", None), list[float])
        else:
            schedule = self._made(spread, "interval", seconds, seed)
            length = schedule[-1] + float(self.parameters["interval"]) + SIGNAL_GRACE
            limit = length + SLICE_LIMIT + _longest_wait(self.case)
            self._endpoint.send({**request, "seconds": length})
            ready = self._endpoint.expect("ready", limit)
            order = {
                "do": "signals",
                "pid": self.pid if ready.get("pid") is None else ready["pid"],
                "signal": self.parameters["signal"],
                "schedule": schedule,
            }
            sent = self._ask_peer(order, limit)["sent"]
            record = self._endpoint.expect("ok", limit)
            record.pop("due", None)
        handled = sorted(self._convert(record.pop("handled", None), list[float]))
        return {
            **record,
            "latencies": signal_latencies(sent, handled),
            "offered": len(sent),
            "served": min(len(handled), len(sent)),
        }

    def _ask_peer(self, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        """Send a request to the load generator. If that fails because the worker died, raise the worker's failure."""
        try:
            return self._peer.ask(request, seconds)
        except RunFailure as error:
            self._endpoint.expect("ok", 1.0)
            raise RunFailure("peer", error.message) from error

    def _made(self, make: Callable[[Value, float, int], _T], name: str, seconds: float, seed: int) -> _T:
        """Make a schedule from the parameter of this name."""
        try:
            return make(self.parameters.get(name, RATE), seconds, seed)
        except ValueError as error:
            raise RunFailure("workload", str(error)) from error

    def _longest_operation(self) -> float:
        """Return the time in s in which each thread has surely ended an operation, even one after the other."""
        return 4 * self.case.threads * self.workload.operation_seconds

    @staticmethod
    def _convert(answer: Any, to: type[_T]) -> _T:
        try:
            return msgspec.convert(answer, to)
        except msgspec.ValidationError as error:
            raise RunFailure("protocol", f"answered with an invalid {to.__name__}: {error}") from error


def _longest_wait(case: Case) -> float:
    """Return the time in s in which each thread has surely had the GIL: two turns of all, on a busy host."""
    interval = SWITCH_INTERVAL if case.switch_interval is None else case.switch_interval
    return 4 * case.threads * interval


def _children(pid: int) -> list[int]:
    """Return the child processes of a process; empty: none, or unknown."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (task / "children").read_text("ascii").split())
    return found


def overridden(case: Case, found: Environment) -> str | None:
    """Return which mode of a case is not in force in its worker; None: all are, as far as is known."""
    modes = {"GIL": (case.gil, found.gil_enabled), "JIT": (case.jit, found.jit_enabled)}
    for name, (wanted, actual) in modes.items():
        if None not in {wanted, actual} and wanted is not actual:
            words = "on instead of off" if actual else "off instead of on"
            return f"its {name} is {words}: an option or a variable of the interpreter overrides it"
    return None


def signal_latencies(sent: list[float], handled: list[float]) -> list[float]:
    """Return the seconds from each sent signal to the next call of the handler; signals without one are omitted.

    One call handles every pending signal: the kernel and the interpreter merge signals that arrive while one is
    pending. ``Slice.served`` counts the calls; this function counts the signals.
    """
    calls = ((moment, bisect.bisect_left(handled, moment)) for moment in sent)
    return [handled[index] - moment for moment, index in calls if index < len(handled)]
