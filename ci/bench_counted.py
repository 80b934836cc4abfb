"""Counts instead of times: does a count of instructions hold beside a load, and what does it say of two versions?"""

from __future__ import annotations

import contextlib
import math
import sys
import tempfile
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import msgspec
from bench_row import Row

from gilbench.analyse.stats.counts import RESOLUTION, count_estimate, count_verdict
from gilbench.analyse.study.comparisons import compare_interpreters
from gilbench.analyse.study.counts import compare_counts, count_logs
from gilbench.host.process import Process
from gilbench.interpreters import select
from gilbench.model.errors import GilbenchError
from gilbench.model.study import Case, Interpreter, Run, Study, Workload
from gilbench.plan import catalogue
from gilbench.plan.blocks import EFFORTS
from gilbench.plan.counting import INSTRUCTIONS, METRIC
from gilbench.run.counting import needed_counter, run_counts
from gilbench.run.session import Hooks
from gilbench.work.measure import measure
from gilbench.work.planning import MeasureRequest, describe_study

BUSY = 4  # processes that compute meanwhile
COMPARED = 20
MORE = 1.01  # times the work
START = 10_000  # of the first countdown
ELSE: tuple[tuple[str, dict[str, int]], ...] = (
    ("generators", {"count": 606}),
    ("method_calls", {"count": 909}),
    ("object_churn", {"pairs": 101}),
    ("string_building", {"lines": 101}),
    ("dict_churn", {"keys": 303}),
)
"""Other workloads, and 1 % more than their declared parameter."""
VERSIONS = (("3.11", "3.12"), ("3.13", "3.14"))  # 3.14 of Debian: ci/make-newest
TIMED = ("countdown", "json_dumps", "generators")  # workloads of both counts and times


def counted() -> Iterator[Row]:
    """Equal and unequal work beside a load, then the versions."""
    interpreter = select(["3.11"]).interpreters[0]
    with load():
        yield from equal_work(interpreter)
        yield from more_work(interpreter)
    for older, newer in VERSIONS:
        yield from versions(older, newer)


@contextlib.contextmanager
def load() -> Iterator[None]:
    """Keep all CPUs busy."""
    busy = [Process([sys.executable, "-S", "-c", "while True: pass"]) for _ in range(BUSY)]
    try:
        yield
    finally:
        for process in busy:
            process.close()


def equal_work(interpreter: Interpreter) -> Iterator[Row]:
    """An interpreter against itself by a path of another length each time, so that addresses differ."""
    known = catalogue.choose(catalogue.catalogue(), families=("cpu",))
    with tempfile.TemporaryDirectory() as folder:
        again = []
        for number in range(COMPARED):
            place = Path(folder) / ("x" * (7 * number + 1))
            place.mkdir()
            link = place / "python"
            link.symlink_to(interpreter.executable)
            again.append(msgspec.structs.replace(interpreter, name=f"again{number}", executable=str(link)))
        cases = [_case(workload.name, interpreter.name) for workload in known]
        cases += [_case(known[number % len(known)].name, one.name) for number, one in enumerate(again)]
        study = _count(cases, [interpreter, *again], known)
    rows = list(compare_counts(study))
    off = [abs(math.log(row.ratio)) if row.ratio else math.inf for row in rows]
    within = sum(value <= RESOLUTION for value in off)
    yield Row("A/A of counts: largest difference", max(off), None, None, "<= 0.002", max(off) <= RESOLUTION)
    yield Row(f"A/A of counts: within 0.2 %, of {len(rows)}", within, None, None, "20", within == COMPARED)
    same = sum(row.verdict == "equivalent" for row in rows)
    yield Row(f"A/A of counts: equivalent, of {len(rows)}", same, None, None, "20", same == COMPARED)


def more_work(interpreter: Interpreter) -> Iterator[Row]:
    """Pairs of parameters of which the second is 1 % more work."""
    known = catalogue.catalogue()
    starts = [round(START * MORE**number) for number in range(COMPARED - len(ELSE) + 1)]
    pairs = [(_case(name, interpreter.name), _case(name, interpreter.name, **more)) for name, more in ELSE]
    chain = [_case("countdown", interpreter.name, start=start) for start in starts]
    pairs += pairwise(chain)
    cases = list(dict.fromkeys(case for pair in pairs for case in pair))
    names = dict.fromkeys(case.workload for case in cases)
    logs = count_logs(_count(cases, [interpreter], [known[name] for name in names]))
    found = [
        count_estimate([logs[more][repeat] - logs[less][repeat] for repeat in logs[less]])
        for less, more in pairs
        if logs.keys() >= {less, more} and logs[less].keys() == logs[more].keys()
    ]
    ratios = [math.exp(one.value) for one in found]
    yield Row("1 % more work: smallest ratio", min(ratios), None, None, "", holds=True)
    yield Row("1 % more work: largest ratio", max(ratios), None, None, "", holds=True)
    hits = sum(count_verdict(one).verdict == "regressed" for one in found)
    yield Row(f"1 % more work: found, of {len(found)}", hits, None, None, "20", hits == COMPARED)


def versions(older: str, newer: str) -> Iterator[Row]:
    """The work of one version relative to another, with the time of each operation by slices beside it."""
    request = MeasureRequest(
        python=(older, newer), workload=TIMED, threads="1", effort="quick", count=INSTRUCTIONS
    )
    try:
        with tempfile.TemporaryDirectory() as folder:
            study = measure(request, Path(folder) / "study.jsonl").study
    except GilbenchError as error:
        yield Row(f"{newer} against {older}: {error}", math.nan, None, None, "", holds=True)
        return
    for row in compare_interpreters(study, metrics={METRIC, "throughput"}):
        kind = "instructions" if row.metric == METRIC else "time"
        what = f"{row.case.workload}, {kind}, {newer} / {older}"
        if row.ratio and row.lo and row.hi:
            ends = (
                (row.ratio, row.lo, row.hi)
                if row.metric == METRIC
                else (1 / row.ratio, 1 / row.hi, 1 / row.lo)
            )
            yield Row(what, *ends, "", holds=True)


def _case(workload: str, interpreter: str, **parameters: int) -> Case:
    return Case(
        workload=workload,
        interpreter=interpreter,
        threads=1,
        parameters=tuple(sorted(parameters.items())),
        observers=(INSTRUCTIONS,),
    )


def _count(cases: Sequence[Case], interpreters: Sequence[Interpreter], known: Sequence[Workload]) -> Study:
    header = describe_study(
        cases,
        effort=EFFORTS["quick"],
        interpreters=interpreters,
        workloads=known,
        reference=interpreters[0].name,
        seed=1,
    )
    runs: list[Run] = []

    def save(run: Run) -> None:
        runs.append(run)
        if run.failure is not None:
            print(header.plan.cases[run.case], run.failure, file=sys.stderr, flush=True)

    def progress(text: str, share: float) -> None:
        print(f"{share:.0%} {text}", file=sys.stderr, flush=True)

    hooks = Hooks(save=save, stop=lambda: False, progress=progress)
    by_name = {one.name: one for one in interpreters}
    counter = needed_counter(header.plan)
    if counter is not None:
        run_counts(header.plan, by_name, {one.name: one for one in known}, hooks, counter)
    return Study(header=header, runs=tuple(runs))
