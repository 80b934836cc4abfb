"""Checks a study for consistency: referenced names exist, and values are possible and agree with each other.

The bounds of single fields are those of the model, and are checked when a line is decoded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gilbench.model.metrics import METRICS
from gilbench.model.study import (
    Case,
    FleetHost,
    Header,
    Host,
    Parameters,
    Reading,
    Run,
    Train,
    Workload,
)
from gilbench.plan import counting
from gilbench.plan.fleet_builds import alike
from gilbench.run.plausible import CLOCK, FASTEST, MARGIN, impossibility
from gilbench.store.integrity_header import always_has_gil, quote, repeats

OVERHANG = 2.0  # factor beyond the slices: an observer also sees some time before and after them
_OF_THE_GIL = frozenset({"gil", "stacks"})  # observers whose shares of threads are of the GIL


class Runs:
    """Checks the runs of one file, one after another.

    Args:
        header: The valid header of the file.
    """

    def __init__(self, header: Header) -> None:
        self._header = header
        self._workloads = {workload.name: workload for workload in header.workloads}
        self._builds = {interpreter.name: interpreter.build for interpreter in header.interpreters}
        self._seen: set[tuple[int, int, int]] = set()
        self._hosts: dict[str | None, Host] = {None: header.host}
        self._places: dict[tuple[str, int, int], str | None] = {}  # host by workload, block, and attempt
        self._checksums: dict[tuple[str, Parameters], str] = {
            (workload.name, ()): workload.checksum for workload in header.workloads if workload.checksum
        }

    def fault(self, run: Run) -> str | None:
        """Return the first invalid field of the next run, and why; None: the run is valid."""
        return next(self._faults(run), None)

    def host_fault(self, host: FleetHost) -> str | None:
        """Return the first invalid field of the next host of a fleet, and why; None: the host is valid."""
        return next(self._host_faults(host), None)

    def _host_faults(self, host: FleetHost) -> Iterator[str]:
        if host.name in self._hosts:
            yield f"a second host {quote(host.name)}"
        self._hosts[host.name] = host.host
        if not host.cpus or repeats(host.cpus):
            yield "`$.cpus` is empty or has a duplicate CPU"
        theirs = [interpreter.name for interpreter in host.interpreters]
        if repeats(theirs) or set(theirs) != self._builds.keys():
            yield "`$.interpreters` are not those of the header"
            return
        for interpreter in host.interpreters:
            if not alike(interpreter.build, self._builds[interpreter.name]):
                yield f"`$.interpreters` has another build of {quote(interpreter.name)} than the header"

    def _faults(self, run: Run) -> Iterator[str]:
        plan = self._header.plan
        if run.case >= len(plan.cases):
            yield f"`$.case` is {run.case}, but the plan has {len(plan.cases)} cases, counted from 0"
            return
        if run.block >= plan.effort.blocks:
            yield f"`$.block` is {run.block}, but the plan has {plan.effort.blocks} blocks, counted from 0"
        if run.host not in self._hosts:
            yield f"`$.host` {quote(str(run.host))} is not among the hosts of earlier lines"
            return
        host = self._hosts[run.host]
        case = plan.cases[run.case]
        workload = self._workloads[case.workload]
        first = self._places.setdefault((case.workload, run.block, run.attempt), run.host)
        if run.host != first and not counting.is_counted(case):
            yield f"`$.host` is {quote(str(run.host))}, but another host measured the same block"
        if (run.slices or run.train) and run.failure is None:
            place = run.case, run.block, run.attempt
            if place in self._seen:
                yield f"a second run of case {run.case} in block {run.block}, attempt {run.attempt}"
            self._seen.add(place)
        yield from self._slice_faults(run, case, workload, host)
        if run.train is not None:
            yield from self._train_faults(run.train, case, workload, host)
        yield from self._gil_faults(run, case)
        yield from _reading_faults(run.readings, case, host)
        if self._builds[case.interpreter].free_threaded:
            return
        for number, reading in enumerate(run.readings):
            held = sum(share.value for share in reading.threads)
            if reading.observer in _OF_THE_GIL and held > OVERHANG:
                yield f"`$.readings[{number}].threads` add up to {held:g} of one GIL"

    def _slice_faults(self, run: Run, case: Case, workload: Workload, host: Host) -> Iterator[str]:
        known = {cpu.number for cpu in host.cpus}
        rounds = [slice_.round for slice_ in run.slices]
        if min(rounds, default=0) < 0 or len(set(rounds)) < len(rounds):
            yield "`$.slices[...].round` is negative or duplicate"
        ended = 0.0
        for number, slice_ in enumerate(run.slices):
            if slice_.start < ended - CLOCK:
                yield f"`$.slices[{number}].start` {slice_.start:g} is before the end of the previous slice"
            ended = slice_.end
            problem = impossibility(slice_, case, workload.driver, _cpus(host))
            if problem is not None:
                yield problem.replace("`", f"`$.slices[{number}]", 1)
            if known and not known.issuperset(slice_.cpus):
                yield f"`$.slices[{number}].cpus` has a CPU that is not in `$.host.cpus`"
            if slice_.memory is not None and slice_.memory > host.memory:
                yield f"`$.slices[{number}].memory` is {slice_.memory} of {host.memory} bytes"
            if slice_.checksum and self._differs(case, slice_.checksum):
                yield f"`$.slices[{number}].checksum` of {quote(case.workload)} differs from earlier ones"

    def _train_faults(self, train: Train, case: Case, workload: Workload, host: Host) -> Iterator[str]:
        if workload.driver != "parallel" or case.threads != 1:
            yield f"`$.train` is set, but {quote(case.workload)} with {case.threads} threads serves no train"
        fastest = train.loops / FASTEST * 1e9
        if min(train.nanoseconds) < fastest:
            yield f"`$.train.loops` is {train.loops} in {min(train.nanoseconds)} ns"
        if len(train.cpu_nanoseconds) != len(train.nanoseconds):
            yield "`$.train.cpu_nanoseconds` has another length than `$.train.nanoseconds`"
        cpus, lap = len(train.cpus) or _cpus(host), max(train.nanoseconds) / 1e9
        if max(train.cpu_nanoseconds, default=0) / 1e9 > cpus * (lap + MARGIN):
            yield f"`$.train.cpu_nanoseconds` has {max(train.cpu_nanoseconds)} in laps of at most {lap:g} s"
        if repeats(train.cpus):
            yield "`$.train.cpus` has a duplicate CPU"
        if self._differs(case, train.checksum):
            yield f"`$.train.checksum` of {quote(case.workload)} differs from earlier ones"

    def _gil_faults(self, run: Run, case: Case) -> Iterator[str]:
        if not always_has_gil(self._builds[case.interpreter]):
            return
        states = [slice_.gil_enabled for slice_ in run.slices]
        if False in (
            state for pair in (*states, run.train and run.train.gil_enabled) for state in pair or ()
        ):
            yield f"the GIL is disabled, but {quote(case.interpreter)} cannot run without it"

    def _differs(self, case: Case, checksum: str) -> bool:
        return checksum != self._checksums.setdefault((case.workload, case.parameters), checksum)


def _cpus(host: Host) -> int:
    """Return how many CPUs a process can keep busy."""
    return len(host.cpus) or host.cores


def _reading_faults(readings: Sequence[Reading], case: Case, host: Host) -> Iterator[str]:
    most = {
        **{name: FASTEST for name, metric in METRICS.items() if metric.unit == "1/s"},
        "gil_held": OVERHANG,
        "gil_wait": OVERHANG * (case.threads + 1),
        "memory_peak": float(host.memory),
        "cpu_utilisation": OVERHANG * _cpus(host),
    }
    if repeats(reading.observer for reading in readings):
        yield "`$.readings` has a duplicate observer"
    for number, reading in enumerate(readings):
        at = f"$.readings[{number}]"
        if reading.observer not in {"cpu", *case.observers}:
            yield f"`{at}.observer` {quote(reading.observer)} is not an observer of this case"
        for name, value in reading.figures.items():
            if name not in METRICS:
                yield f"`{at}.figures` has {quote(name)}, which is not a metric"
            elif value > most.get(name, value):
                yield f"`{at}.figures` has {value:g} for {name}, which is at most {most[name]:g}"
        if reading.samples == 0 and (reading.threads or reading.functions):
            yield f"`{at}` has shares of no samples"
        if reading.observer != "cpu":
            for field, shares in {"threads": reading.threads, "functions": reading.functions}.items():
                if any(share.value > OVERHANG for share in shares):
                    yield f"`{at}.{field}` has a share above {OVERHANG:.0%}"
