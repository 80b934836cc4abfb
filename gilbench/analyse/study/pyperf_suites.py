"""Turns a study into suites of pyperf: one for each interpreter and mode, since pyperf compares files.

A block is a run of pyperf, since each block has a process of its own. Its values are the seconds per operation in each
slice: in the short slices if the case has them, else in the long ones. With several threads, they are the time in which
all threads together do one operation.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime

from gilbench.analyse.study.index import Blocks, throughput
from gilbench.analyse.study.samples import counts_operations
from gilbench.model.pyperf import PREFIX, Metadata, PyperfBenchmark, PyperfRun, PyperfSuite
from gilbench.model.study import Case, Header, Interpreter, Study, Train, Workload
from gilbench.plan.axes import variant


def pyperf_suites(study: Study) -> tuple[PyperfSuite, ...]:
    """Return the suites of all cases with a time per operation; latencies have none."""
    header = study.header
    blocks = Blocks(header.plan, study.runs)
    workloads = {workload.name: workload for workload in header.workloads}
    found: defaultdict[tuple[str, str], list[PyperfBenchmark]] = defaultdict(list)
    for case in header.plan.cases:
        workload = workloads[case.workload]
        if case.observers or not counts_operations(workload):
            continue
        runs = tuple(_runs(blocks, case, workload))
        if runs:
            benchmark = PyperfBenchmark(name=_name(case, workload), runs=runs)
            found[case.interpreter, variant(case)].append(benchmark)
    interpreters = {one.name: one for one in header.interpreters}
    clocks = _clocks(study)
    return tuple(
        PyperfSuite(
            configuration=configuration,
            interpreter=name,
            benchmarks=tuple(benchmarks),
            metadata={
                **_metadata(header, interpreters[name], clocks.get(name)),
                "gilbench_interpreter": configuration,
            },
        )
        for (name, configuration), benchmarks in found.items()
    )


def _runs(blocks: Blocks, case: Case, workload: Workload) -> Iterator[PyperfRun]:
    about: Metadata = {"gilbench_workload": workload.name, "gilbench_threads": case.threads}
    trains = blocks.trains(case)
    yield from (train_run(train, about) for train in trains)
    for run in () if trains else blocks.runs(case).values():
        served = [slice_ for slice_ in run.slices if throughput(slice_) > 0]
        if served:
            values = tuple(1 / throughput(slice_) for slice_ in served)
            loops = max(1, round(min(slice_.operations for slice_ in served)))
            yield PyperfRun(values=values, metadata={**about, "loops": loops})


def train_run(train: Train, metadata: Metadata) -> PyperfRun:
    """Return a train as a run."""
    return PyperfRun(
        values=tuple(nanoseconds * 1e-9 / train.loops for nanoseconds in train.nanoseconds),
        metadata={**metadata, "loops": train.loops},
    )


def _name(case: Case, workload: Workload) -> str:
    """Name a case without commas, which separate names in pyperf's options."""
    usual, what = (0, "added threads") if workload.quiet_case else (1, "threads")
    differing = [f"{case.threads} {what}"] if case.threads != usual else []
    differing += [f"{name}={value}" for name, value in case.parameters]
    name = workload.name.removeprefix(PREFIX)
    return f"{name} ({'; '.join(differing)})".replace(",", "_") if differing else name


def _metadata(header: Header, interpreter: Interpreter, clock: str | None) -> Metadata:
    """Describe the host and the interpreter as pyperf does, without the name of the host."""
    build, host = interpreter.build, header.host
    own = build.implementation_version
    version = f"{build.implementation} {own} (Python {build.version})" if own else build.version
    created = datetime.fromisoformat(header.created).astimezone(UTC)
    known: dict[str, str | int | float | None] = {
        "python_implementation": build.implementation.lower(),
        "python_version": version,
        "python_executable": interpreter.executable,
        "python_compiler": build.compiler,
        "platform": "-".join(part for part in (host.system, host.kernel, host.machine) if part),
        "cpu_model_name": host.cpu_model,
        "cpu_count": len(host.cpus) or host.cores,
        "timer": clock,
        "date": created.strftime("%Y-%m-%d %H:%M:%S"),
        "unit": "second",
        "gilbench_version": header.gilbench,
    }
    return {name: value for name, value in known.items() if value}


def _clocks(study: Study) -> dict[str, str]:
    cases = study.header.plan.cases
    return {
        cases[run.case].interpreter: run.environment.clock
        for run in study.runs
        if run.environment is not None
    }
