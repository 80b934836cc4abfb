"""Studies that were never measured: each figure in them is known beforehand."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from interpreters_fakes import make_interpreter

from gilbench.analyse.study.report import build_report
from gilbench.model.results import Cell, Report
from gilbench.model.study import (
    Case,
    Effort,
    Environment,
    Failure,
    Header,
    Host,
    Interpreter,
    Noise,
    Plan,
    Reading,
    Run,
    Share,
    Slice,
    Study,
    ThreadSlice,
    Train,
    Value,
    Workload,
)
from gilbench.store.study import StudyWriter

SECONDS = 0.05  # of each slice
DRIFT = (
    1.0,
    0.5,
    2.0,
    1.3,
    0.8,
    1.7,
)  # of the host from block to block: whatever runs in one block shares it


def make_workload(name: str = "countdown", family: str = "cpu", **fields: Any) -> Workload:
    served: dict[str, dict[str, Any]] = {
        "io": {"driver": "service", "peer": "tcp", "unit": "requests", "threads": (1,)},
        "mixed": {"driver": "service", "peer": "tcp", "unit": "requests", "quiet_case": True},
        "signals": {"driver": "signals", "peer": "signals", "unit": "signals", "quiet_case": True},
    }
    known = {
        "name": name,
        "family": family,
        "path": f"/fake/{family}/{name}.py",
        "digest": "0" * 16,
        "summary": "A workload for the tests.",
        "driver": "parallel",
        "unit": "operations",
    }
    return Workload(**{**known, **served.get(family, {}), **fields})


def named(name: str, version: str = "3.13.5", **facts: Any) -> Interpreter:
    return msgspec.structs.replace(make_interpreter(version, executable=f"/fake/{name}", **facts), name=name)


def make_profile(**changes: Any) -> Effort:
    known = {
        "name": "quick",
        "blocks": 4,
        "slices": 4,
        "slice_seconds": SECONDS,
        "latency_seconds": 0.4,
        "warmup_seconds": 1.0,
    }
    return Effort(**{**known, **changes})


def make_plan(cases: Sequence[Case], *, reference: str = "3.13", **changes: Any) -> Plan:
    known = {
        "effort": make_profile(),
        "cases": tuple(cases),
        "seed": 1,
        "reference": reference,
        "cpus": (0, 1),
        "seconds": 10.0,
    }
    return Plan(**{**known, **changes})


def make_header(
    plan: Plan, interpreters: Sequence[Interpreter], workloads: Sequence[Workload], **host: Any
) -> Header:
    known = {
        "system": "Linux",
        "kernel": "6.1.0",
        "machine": "x86_64",
        "cpu_model": "Some CPU",
        "cores": 2,
        "memory": 8 << 30,
    }
    return Header(
        gilbench="0.1.0",
        created="2026-01-02T03:04:05+00:00",
        host=Host(**{**known, **host}),
        plan=plan,
        interpreters=tuple(interpreters),
        workloads=tuple(workloads),
    )


def make_slice(turn: int = 0, rate: float = 1000.0, *, threads: int = 1, **changes: Any) -> Slice:
    """A slice of ``threads`` threads that do ``rate`` operations per second together."""
    begin = 100.0 + turn
    operations = rate * SECONDS
    each = ThreadSlice(
        tid=None,
        start=begin,
        finish=begin + SECONDS,
        operations=operations / max(1, threads),
        total=round(operations / max(1, threads)),
        cpu=SECONDS / max(1, threads),
    )
    known = {
        "round": turn,
        "start": begin,
        "end": begin + SECONDS,
        "window": SECONDS,
        "operations": operations,
        "checksum": "0",
        "gil_enabled": (True, True),
        "cpus": (0, 1),
        "cpu": SECONDS,
        "threads": tuple(msgspec.structs.replace(each, tid=tid) for tid in range(1, threads + 1)),
    }
    return Slice(**{**known, **changes})


def make_train(nanoseconds: Sequence[int], **changes: Any) -> Train:
    known = {
        "loops": 1,
        "nanoseconds": tuple(nanoseconds),
        "cpu_nanoseconds": tuple(nanoseconds),
        "handover": 1e-5,
        "lead": 1e-4,
        "checksum": "0",
        "gil_enabled": (True, True),
        "cpus": (0,),
    }
    return Train(**{**known, **changes})


def _noise(case: int, block: int) -> float:
    return random.Random(f"{case}/{block}").gauss(1.0, 0.01)


class StudyBuilder:
    """Cases and their runs, added one after the other.

    Args:
        interpreters: Of the study; the first is the reference.
        workloads: Of the study.
        blocks: How often each case is run.
    """

    def __init__(
        self, interpreters: Sequence[Interpreter], workloads: Sequence[Workload], *, blocks: int = 4
    ) -> None:
        self.interpreters, self.workloads, self.blocks = tuple(interpreters), tuple(workloads), blocks
        self.cases: list[Case] = []
        self.runs: list[Run] = []
        self.host: dict[str, Any] = {}
        self.warnings: tuple[str, ...] = ()

    def case(
        self,
        workload: str,
        interpreter: str,
        threads: int = 1,
        *,
        observers: tuple[str, ...] = (),
        parameters: Mapping[str, Value] | None = None,
    ) -> int:
        """The number of a case, which is added where it is new."""
        case = Case(
            workload=workload,
            interpreter=interpreter,
            threads=threads,
            parameters=tuple(sorted((parameters or {}).items())),
            observers=observers,
        )
        if case not in self.cases:
            self.cases.append(case)
        return self.cases.index(case)

    def run(self, case: int, block: int, slices: Sequence[Slice], **changes: Any) -> Run:
        run = Run(
            **{
                "case": case,
                "block": block,
                "attempt": 0,
                "environment": Environment(pid=1, clock="CLOCK_MONOTONIC", switch_interval=0.005, loops=8),
                "slices": tuple(slices),
                "noise": Noise(load=0.5, steal=0.0, pressure=0.0),
                **changes,
            }
        )
        self.runs.append(run)
        return run

    def work(
        self,
        workload: str,
        interpreter: str,
        rate: float,
        *,
        threads: int = 1,
        noise: Sequence[float] | None = None,
        **changes: Any,
    ) -> int:
        """Run a case of parallel work in every block, ``rate`` operations per second on a steady host."""
        case = self.case(workload, interpreter, threads)
        for block in range(self.blocks):
            now = rate * DRIFT[block] * (noise[block] if noise else _noise(case, block))
            self.run(case, block, [make_slice(turn, now, threads=threads) for turn in range(4)], **changes)
        return case

    def serve(
        self,
        workload: str,
        interpreter: str,
        latencies: Sequence[float],
        *,
        threads: int = 1,
        rate: float = 0.0,
        background: float = 500.0,
        offered: int = 20,
        parameters: Mapping[str, Value] | None = None,
        **changes: Any,
    ) -> int:
        """Run a case that is served on schedule in every block; the same latencies in each."""
        case = self.case(workload, interpreter, threads, parameters=parameters)
        for block in range(self.blocks):
            now = rate * DRIFT[block] * _noise(case, block)
            busy = make_slice(0, background, threads=threads).threads
            slice_ = make_slice(
                0,
                now,
                window=SECONDS if rate else 0.0,
                threads=0,
                latencies=tuple(latencies),
                offered=offered,
                served=len(latencies),
            )
            self.run(case, block, [msgspec.structs.replace(slice_, threads=busy)], **changes)
        return case

    def fail(self, case: int, kind: str = "crash", message: str = "ended by SIGSEGV") -> None:
        self.run(case, 0, [], failure=Failure(kind=kind, message=message, output="the last words"))

    def study(self) -> Study:
        effort = make_profile(blocks=self.blocks)
        order = sorted(range(len(self.cases)), key=self._place_in_plan)
        cases = [self.cases[number] for number in order]
        plan = make_plan(cases, effort=effort, reference=self.interpreters[0].name)
        header = make_header(plan, self.interpreters, self.workloads, **self.host)
        runs = [msgspec.structs.replace(run, case=order.index(run.case)) for run in self.runs]
        return Study(header=header, runs=tuple(runs), warnings=self.warnings)

    def _place_in_plan(self, number: int) -> tuple[Any, ...]:
        case = self.cases[number]
        names = [workload.name for workload in self.workloads], [one.name for one in self.interpreters]
        places = names[0].index(case.workload), names[1].index(case.interpreter)
        return places[0], case.parameters, case.threads, places[1], case.observers

    def report(self) -> Report:
        return build_report(self.study())


def cells_of(report: Report, **wanted: Any) -> list[Cell]:
    """All cells of which the named fields, or those of their cases, are so."""

    def field(cell: Cell, name: str) -> Any:
        return getattr(cell.case if name in Case.__struct_fields__ else cell, name)

    return [
        cell for cell in report.cells if all(field(cell, name) == value for name, value in wanted.items())
    ]


def cell_of(report: Report, **wanted: Any) -> Cell:
    """The one cell of which the named fields are so."""
    (cell,) = cells_of(report, **wanted)
    return cell


def save(study: Study, path: Path) -> Path:
    """Write a study as a session would."""
    with StudyWriter(path, study.header) as writer:
        for run in study.runs:
            writer.add(run)
    return path


def header_line(**changes: Any) -> bytes:
    """First line of a study file, with other values in it."""
    header = StudyBuilder([named("3.13")], [make_workload()]).study().header
    return (
        json.dumps({"kind": "study", "schema": 1, **msgspec.to_builtins(header), **changes}).encode() + b"\n"
    )


def counted(**figures: float) -> Reading:
    """What the kernel counted in a run."""
    known = {
        "voluntary_switches": 120.0,
        "involuntary_switches": 30.0,
        "read_calls": 4.0,
        "write_calls": 0.0,
        "memory_peak": 12.5 * 2**20,
    }
    return Reading(observer="cpu", figures={**known, **figures})


def everything(*, names: Mapping[str, str] | None = None) -> StudyBuilder:
    """A study with something in each table, by which the golden files are made.

    Args:
        names: Other names for interpreters and workloads.
    """
    call = {**(names or {})}

    def name(usual: str) -> str:
        return call.get(usual, usual)

    old, new, jit = name("3.11"), name("3.13t"), name("pypy3.9")
    countdown, sha256, echo = name("countdown"), name("sha256"), name("tcp_echo")
    loaded, delivery, table = name("tcp_echo_cpu"), name("delivery"), name("dict_write")
    builder = StudyBuilder(
        [
            named(old, "3.11.7", pgo=True, optimisation="-O3"),
            named(new, "3.13.5", free_threaded=True, pgo=False, optimisation="-O3"),
            named(jit, "3.9.16", implementation="PyPy", jit=True),
        ],
        [
            make_workload(countdown),
            make_workload(sha256, "offgil"),
            make_workload(echo, "io"),
            make_workload(loaded, "mixed", foreground=echo),
            make_workload(delivery, "signals", parameters={"main": "asleep"}),
            make_workload(table, "shared"),
            make_workload("coalescing", "signals", parameters={"interval": 0.02}),
        ],
    )
    builder.host = {"virtualisation": "virtual machine", "governor": "powersave"}
    speeds = {old: 1000.0, new: 800.0, jit: 30000.0}
    scaling = {old: (1.0, 0.98, 0.97), new: (1.0, 1.95, 1.97), jit: (1.0, 0.99, 0.99)}
    for interpreter, speed in speeds.items():
        for threads, factor in zip((1, 2, 4), scaling[interpreter], strict=True):
            readings = (counted(voluntary_switches=150.0 * threads),)
            builder.work(countdown, interpreter, speed * factor, threads=threads, readings=readings)
            builder.work(sha256, interpreter, 900.0 * min(2, threads), threads=threads, readings=readings)
            builder.work(table, interpreter, speed / 3 * factor**-0.5, threads=threads, readings=readings)
        free = interpreter == new
        quick = [1e-4 + 1e-6 * step for step in range(20)]
        builder.serve(echo, interpreter, quick, rate=12000.0, background=12000.0, readings=(counted(),))
        for threads in (0, 1, 4):
            slow = quick if free or not threads else [5e-3 * threads + 1e-4 * step for step in range(20)]
            rate = 12000.0 if not threads else 30000.0 if free else 120.0 / threads
            builder.serve(loaded, interpreter, slow, threads=threads, rate=rate, readings=(counted(),))
            for main in ("asleep", "busy"):
                handled = slow if free or threads < 4 else slow[:13]
                builder.serve(
                    delivery,
                    interpreter,
                    handled,
                    threads=threads,
                    parameters={"main": "busy"} if main == "busy" else {},
                    readings=(counted(),),
                )
        for threads in (0, 4):
            for interval in (0.02, 0.005, 0.001, 0.0002):
                seen = 20 if free or not threads else max(1, round(20 * (interval / 0.02) ** 0.5))
                builder.serve(
                    "coalescing",
                    interpreter,
                    quick[:seen],
                    threads=threads,
                    parameters={"interval": interval} if interval != 0.02 else {},
                    readings=(counted(),),
                )
    observe(builder, countdown, old, new)
    broken = builder.case(sha256, jit, 8)
    builder.fail(broken, "crash", "ended by SIGSEGV in the middle of a sentence that is longer than one line")
    builder.fail(broken, "crash", "ended by SIGSEGV")
    builder.warnings = ("the last line of some.jsonl is truncated and was left out",)
    return builder


def observe(builder: StudyBuilder, workload: str, seen: str, unseen: str) -> None:
    held = Reading(
        observer="stacks",
        figures={"gil_held": 0.97},
        threads=(Share(name="worker-0", value=0.5), Share(name="worker-1", value=0.47)),
        functions=(Share(name="operation (countdown.py:20)", value=0.97),),
        samples=200,
    )
    nothing = Reading(observer="stacks", unavailable="py-spy cannot read this interpreter")
    for interpreter, reading in ((seen, held), (unseen, nothing)):
        case = builder.case(workload, interpreter, 2, observers=("stacks",))
        for block in range(builder.blocks):
            slice_ = make_slice(2, 700.0 * DRIFT[block], threads=2)
            shares = {name: value + 0.001 * block for name, value in reading.figures.items()}
            builder.run(case, block, [slice_], readings=(msgspec.structs.replace(reading, figures=shares),))
