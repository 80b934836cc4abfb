"""Checks a study for consistency: referenced names exist, and values are possible and agree with each other.

The bounds of single fields are those of the model, and are checked when a line is decoded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from datetime import datetime

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
    Value,
    Workload,
)
from gilbench.plan import counting
from gilbench.plan.fleet_builds import alike
from gilbench.run.plausible import ALIKE, CLOCK, FASTEST, impossibility

OVERHANG = 2.0  # factor beyond the slices: an observer also sees some time before and after them
_LONGEST = 60  # maximum length of a quoted name


def header_fault(header: Header) -> str | None:
    """Return the first invalid field of a study's header, and why; None: the header is valid."""
    return next(_header_faults(header), None)


class Runs:
    """Checks the runs of one file, one after another.

    Args:
        header: The valid header of the file.
    """

    def __init__(self, header: Header) -> None:
        self._header = header
        self._workloads = {workload.name: workload for workload in header.workloads}
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
            yield f"a second host {_quote(host.name)}"
        self._hosts[host.name] = host.host
        if not host.cpus or _repeats(host.cpus):
            yield "`$.cpus` is empty or has a duplicate CPU"
        theirs = [interpreter.name for interpreter in host.interpreters]
        ours = {interpreter.name: interpreter.build for interpreter in self._header.interpreters}
        if _repeats(theirs) or set(theirs) != ours.keys():
            yield "`$.interpreters` are not those of the header"
            return
        for interpreter in host.interpreters:
            if not alike(interpreter.build, ours[interpreter.name]):
                yield f"`$.interpreters` has another build of {_quote(interpreter.name)} than the header"

    def _faults(self, run: Run) -> Iterator[str]:
        plan = self._header.plan
        if run.case >= len(plan.cases):
            yield f"`$.case` is {run.case}, but the plan has {len(plan.cases)} cases, counted from 0"
            return
        if run.block >= plan.effort.blocks:
            yield f"`$.block` is {run.block}, but the plan has {plan.effort.blocks} blocks, counted from 0"
        if run.host not in self._hosts:
            yield f"`$.host` {_quote(str(run.host))} is not among the hosts of earlier lines"
            return
        case = plan.cases[run.case]
        workload = self._workloads[case.workload]
        first = self._places.setdefault((case.workload, run.block, run.attempt), run.host)
        if run.host != first and not counting.is_counted(case):
            yield f"`$.host` is {_quote(str(run.host))}, but another host measured the same block"
        if (run.slices or run.train) and run.failure is None:
            place = run.case, run.block, run.attempt
            if place in self._seen:
                yield f"a second run of case {run.case} in block {run.block}, attempt {run.attempt}"
            self._seen.add(place)
        yield from self._slice_faults(run, case, workload)
        if run.train is not None:
            yield from self._train_faults(run.train, case, workload)
        yield from _reading_faults(run.readings, case, self._hosts[run.host].memory)

    def _slice_faults(self, run: Run, case: Case, workload: Workload) -> Iterator[str]:
        host = self._hosts[run.host]
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
            if slice_.memory is not None and slice_.memory > host.memory:
                yield f"`$.slices[{number}].memory` is {slice_.memory} of {host.memory} bytes"
            if slice_.checksum and self._differs(case, slice_.checksum):
                yield f"`$.slices[{number}].checksum` of {_quote(case.workload)} differs from earlier ones"

    def _train_faults(self, train: Train, case: Case, workload: Workload) -> Iterator[str]:
        if workload.driver != "parallel" or case.threads != 1:
            yield f"`$.train` is set, but {_quote(case.workload)} with {case.threads} threads serves no train"
        fastest = train.loops / FASTEST * 1e9
        if min(train.nanoseconds) < fastest:
            yield f"`$.train.loops` is {train.loops} in {min(train.nanoseconds)} ns"
        if len(train.cpu_nanoseconds) != len(train.nanoseconds):
            yield "`$.train.cpu_nanoseconds` has another length than `$.train.nanoseconds`"
        if _repeats(train.cpus):
            yield "`$.train.cpus` has a duplicate CPU"
        if self._differs(case, train.checksum):
            yield f"`$.train.checksum` of {_quote(case.workload)} differs from earlier ones"

    def _differs(self, case: Case, checksum: str) -> bool:
        return checksum != self._checksums.setdefault((case.workload, case.parameters), checksum)


def _cpus(host: Host) -> int:
    """Return how many CPUs a process can keep busy."""
    return len(host.cpus) or host.cores


def _header_faults(header: Header) -> Iterator[str]:
    plan = header.plan
    interpreters = [interpreter.name for interpreter in header.interpreters]
    workloads = {workload.name: workload for workload in header.workloads}
    switchable = {one.name for one in header.interpreters if one.build.free_threaded}
    compiling = {one.name for one in header.interpreters if one.build.jit_kind is not None}
    for field, names in {
        "interpreters": interpreters,
        "workloads": [workload.name for workload in header.workloads],
        "plan.cases": plan.cases,
        "plan.cpus": plan.cpus,
    }.items():
        if _repeats(names):
            yield f"`$.{field}` has a duplicate entry"
    if not plan.cpus:
        yield "`$.plan.cpus` is empty"
    if plan.reference not in interpreters:
        yield f"`$.plan.reference` {_quote(plan.reference)} is not among the interpreters"
    try:
        datetime.fromisoformat(header.created).timestamp()
    except (ValueError, OverflowError):
        yield f"`$.created` {_quote(header.created)} is not an ISO 8601 date"
    for number, workload in enumerate(header.workloads):
        for problem in _interval_faults(workload, workload.parameters):
            yield f"`$.workloads[{number}].parameters` {problem}"
    for number, case in enumerate(plan.cases):
        at = f"$.plan.cases[{number}]"
        if case.interpreter not in interpreters:
            yield f"`{at}.interpreter` {_quote(case.interpreter)} is not among the interpreters"
        if case.workload not in workloads:
            yield f"`{at}.workload` {_quote(case.workload)} is not among the workloads"
            continue
        workload = workloads[case.workload]
        if workload.driver in ALIKE and not case.threads:
            yield f"`{at}.threads` is 0, but {_quote(workload.name)} needs at least 1"
        if case.gil is not None and case.interpreter not in switchable:
            yield f"`{at}.gil` is set, but the build is not free-threaded"
        if case.jit is not None and case.interpreter not in compiling:
            yield f"`{at}.jit` is set, but the build has no JIT that can be switched"
        if case.cpus is not None and case.cpus > len(plan.cpus):
            yield f"`{at}.cpus` is {case.cpus}, but `$.plan.cpus` has {len(plan.cpus)}"
        for problem in _parameter_faults(workload, case.parameters):
            yield f"`{at}.parameters` {problem}"


def _parameter_faults(workload: Workload, parameters: Parameters) -> Iterator[str]:
    names = [name for name, _ in parameters]
    if _repeats(names):
        yield "has a duplicate name"
    for name, value in parameters:
        if name not in workload.parameters:
            yield f"has {_quote(name)}, which {_quote(workload.name)} does not declare"
        elif value in workload.choices.get(name, ()):
            continue
        elif isinstance(value, str) is not isinstance(workload.parameters[name], str):
            yield f"has a value of another type for {_quote(name)} than {_quote(workload.name)} declares"
    yield from _interval_faults(workload, dict(parameters))


def _interval_faults(workload: Workload, parameters: dict[str, Value]) -> Iterator[str]:
    interval = parameters.get("interval", 1)
    if workload.driver == "signals" and (isinstance(interval, str) or interval <= 0):
        yield f"has the interval {interval}, which is not positive"


def _reading_faults(readings: Sequence[Reading], case: Case, memory: int) -> Iterator[str]:
    most = {
        **{name: FASTEST for name, metric in METRICS.items() if metric.unit == "1/s"},
        "gil_held": OVERHANG,
        "gil_wait": OVERHANG * (case.threads + 1),
        "memory_peak": float(memory),
    }
    if _repeats(reading.observer for reading in readings):
        yield "`$.readings` has a duplicate observer"
    for number, reading in enumerate(readings):
        at = f"$.readings[{number}]"
        if reading.observer not in {"cpu", *case.observers}:
            yield f"`{at}.observer` {_quote(reading.observer)} is not an observer of this case"
        for name, value in reading.figures.items():
            if name not in METRICS:
                yield f"`{at}.figures` has {_quote(name)}, which is not a metric"
            elif value > most.get(name, value):
                yield f"`{at}.figures` has {value:g} for {name}, which is at most {most[name]:g}"
        if reading.observer != "cpu":
            for field, shares in {"threads": reading.threads, "functions": reading.functions}.items():
                if any(share.value > OVERHANG for share in shares):
                    yield f"`{at}.{field}` has a share above {OVERHANG:.0%}"


def _repeats(values: Iterable[Hashable]) -> bool:
    return max(Counter(values).values(), default=0) > 1


def _quote(name: str) -> str:
    return repr(name if len(name) <= _LONGEST else f"{name[:_LONGEST]}…")
