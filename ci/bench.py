"""Measures gilbench itself, and prints each figure beside its aim: ``python ci/bench.py [NAME ...]``.

Every figure is a ratio or a share that was taken interleaved, with a 95 % interval where it has one; nothing here
is a test, since a timing on a shared machine is no reason to fail a build.
"""

from __future__ import annotations

import math
import os
import random
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

import msgspec
import numpy as np
from bench_cost import observer_costs
from bench_counted import counted
from bench_history import history_times
from bench_row import Row
from rich import box
from rich.console import Console
from rich.table import Table

from gilbench.analyse.stats.estimates import block_log_ratio, mean_interval, ratio_interval
from gilbench.analyse.study.index import Blocks, throughput
from gilbench.host.description import describe_host
from gilbench.host.placement import Placement, place, set_affinity
from gilbench.host.process import Process, capture, clean_environment
from gilbench.interpreters import select
from gilbench.model.errors import GilbenchError
from gilbench.model.study import Case, Header, Interpreter, Plan, Run, Workload
from gilbench.plan import blocks as planning
from gilbench.plan import catalogue
from gilbench.plan.axes import Axes, cases
from gilbench.run.endpoint import Endpoint
from gilbench.run.measure import run_plan
from gilbench.run.peer import Peer
from gilbench.run.session import Hooks
from gilbench.run.worker import Worker
from gilbench.store.study import StudyWriter


def startup() -> Iterator[Row]:
    """Wall time of ``gilbench --version`` over ``python -c pass``, in turn."""
    script = Path(sys.executable).with_name("gilbench")
    commands = {"ours": [str(script), "--version"], "bare": [sys.executable, "-c", "pass"]}
    ratios = []
    for _ in range(40):
        times = {name: _wall(command) for name, command in _shuffled(commands)}
        ratios.append(math.log(times["ours"] / times["bare"]))
    interval = ratio_interval(ratios)
    yield Row(
        "gilbench --version / python -c pass",
        interval.value,
        interval.lo,
        interval.hi,
        "<= 3",
        interval.value <= 3,
    )


def parent() -> Iterator[Row]:
    """CPU of the parent while a slice runs, progress and all, as a share of one core."""
    shares: list[float] = []

    class Watched(Worker):
        def measure(self, round_: int, place: Placement, seconds: float, latency_seconds: float, seed: int):  # type: ignore[no-untyped-def]  # noqa: ANN202
            cpu, wall = time.process_time(), time.monotonic()
            slice_ = super().measure(round_, place, seconds, latency_seconds, seed)
            if round_ >= 0:
                shares.append((time.process_time() - cpu) / (time.monotonic() - wall))
            return slice_

    _session([_newest()], ["countdown", "sha256"], (1, 2), Watched, blocks=5)
    interval = mean_interval(shares)
    yield Row(
        "CPU of the parent during slices",
        interval.value,
        interval.lo,
        interval.hi,
        "< 0.01",
        interval.value < 0.01,
    )


def rendering() -> Iterator[Row]:
    """Wall time and peak memory of ``gilbench report`` on a study of 10 000 runs made of real ones."""
    header, runs = _session(
        [_newest(), *select(["3.11"]).interpreters], ["countdown"], (1, 2), Worker, blocks=1
    )
    count = 10_000 // len(runs)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "big.jsonl"
        plan = msgspec.structs.replace(
            header.plan, effort=msgspec.structs.replace(header.plan.effort, blocks=count)
        )
        with StudyWriter(path, msgspec.structs.replace(header, plan=plan)):
            pass
        with path.open("ab") as file:  # without a sync for each of them
            for block in range(count):
                for run in runs:
                    record = {"kind": "run", **msgspec.to_builtins(msgspec.structs.replace(run, block=block))}
                    file.write(msgspec.json.encode(record) + b"\n")
        script = str(Path(sys.executable).with_name("gilbench"))
        started = time.monotonic()
        process = Process([script, "report", str(path)], env=clean_environment())
        status = process.wait(120)
        taken = time.monotonic() - started
        peak = process.rusage.ru_maxrss / 1024 if process.rusage else math.nan
        process.close()
    good = status == 0
    yield Row(f"report of {count * len(runs)} runs, s", taken, None, None, "< 2", good and taken < 2)
    yield Row(f"report of {count * len(runs)} runs, MiB", peak, None, None, "< 191", good and peak < 191)


def spread() -> Iterator[Row]:
    """How much wider A against A spreads when all of A comes before all of B than slice by slice in turn."""
    interpreter, workload = _newest(), catalogue.catalogue()["countdown"]
    slices, seconds, pairs = 20, 0.05, 20
    in_turn, one_by_one = [], []
    for number in range(pairs):
        in_turn.append(_pair(interpreter, workload, [0, 1] * slices, seconds, number, pinned=True))
        one_by_one.append(
            _pair(interpreter, workload, [0] * slices + [1] * slices, seconds, number, pinned=False)
        )
    value, low, high = _spread_ratio(one_by_one, in_turn)
    yield Row("sd of A/A in turn", statistics.stdev(in_turn), None, None, "", holds=True)
    yield Row("sd of A/A, one after the other", statistics.stdev(one_by_one), None, None, "", holds=True)
    yield Row("the second over the first", value, low, high, ">= 4", value >= 4)


def harness() -> Iterator[Row]:
    """Throughput of countdown in a bare script's thread over that in a worker's, in turn on the same CPU."""
    interpreter, workload = _newest(), catalogue.catalogue()["countdown"]
    blocks, slices, seconds = 20, 12, 0.05
    ratios = [_bare_against_worker(interpreter, workload, slices, seconds, block) for block in range(blocks)]
    interval = ratio_interval(ratios)
    holds = (
        interval.lo is not None and interval.hi is not None and interval.lo <= 1.01 and interval.hi >= 0.99
    )
    yield Row("countdown, bare script / worker", interval.value, interval.lo, interval.hi, "<= 1.01", holds)


def _bare_against_worker(
    interpreter: Interpreter, workload: Workload, slices: int, seconds: float, block: int
) -> float:
    case = Case(workload=workload.name, interpreter=interpreter.name, threads=1)
    peer, cpus = Peer(), tuple(sorted(os.sched_getaffinity(0)))
    worker = Worker(case, interpreter, {workload.name: workload}, peer)
    script = str(Path(__file__).with_name("bare_countdown.py"))
    bare = Endpoint([interpreter.executable, "-I", script], clean_environment())
    rates: tuple[list[float], list[float]] = [], []
    try:
        worker.prepare()
        worker.calibrate()
        where = place(case, workload.driver, cpus, block)
        set_affinity(bare.pid, where.cpus)
        times = round(throughput(worker.measure(-1, where, seconds, 0.0, 0)) * seconds)
        request = {"do": "measure", "start": workload.parameters["start"], "times": times}
        bare.ask(request, 30)
        for turn in range(slices):
            for side in random.sample((0, 1), 2):
                if side:
                    rates[side].append(throughput(worker.measure(turn, where, seconds, 0.0, 0)))
                else:
                    rates[side].append(times / float(bare.ask(request, 30)["seconds"]))
    finally:
        worker.close()
        bare.close()
        peer.close()
    return float(block_log_ratio(*rates))


def precision() -> Iterator[Row]:
    """An interpreter against itself again and again: how far the ratio spreads, by gilbench and by pyperf, in turn.

    pyperf is given the longer time of the two. Its warm-ups and calibration are its own; so are ours.
    """
    base = select([sys.executable]).interpreters[0]
    script = str(Path(__file__).with_name("pyperf_countdown.py"))
    command = [sys.executable, script, f"--compare-to={sys.executable}", "--python-names=a:b"]
    command += ["-p", "5", "-n", "4", "-w", "1", "--min-time", "0.05"]
    ours, theirs, seconds = [], [], [0.0, 0.0]
    for number in range(14):
        started = time.monotonic()
        ours.append(_ratio_by_blocks(base, number))
        between = time.monotonic()
        done = capture(command, seconds=120, env=dict(os.environ))
        means = re.search(r"\[a\] ([\d.]+) (\w+) .*\[b\] ([\d.]+) (\w+) ", done.stdout)
        if means is None or means[2] != means[4]:
            raise SystemExit(f"pyperf said: {done.stdout}{done.stderr}")
        theirs.append(math.log(float(means[1]) / float(means[3])))
        seconds[0] += between - started
        seconds[1] += time.monotonic() - between
    value, low, high = _spread_ratio(ours, theirs)
    yield Row("sd of the log-ratio, gilbench", statistics.stdev(ours), None, None, "", holds=True)
    yield Row(
        "sd of the log-ratio, pyperf --compare-to", statistics.stdev(theirs), None, None, "", holds=True
    )
    yield Row(
        "time of gilbench / time of pyperf",
        seconds[0] / seconds[1],
        None,
        None,
        "<= 1",
        seconds[0] <= seconds[1],
    )
    yield Row("spread of gilbench / spread of pyperf", value, low, high, "<= 0.33", value <= 1 / 3)


_BLOCKS_IN_PYPERFS_TIME = 10


def _ratio_by_blocks(base: Interpreter, seed: int) -> float:
    """Log-ratio of an interpreter to itself, by slices as in effort quick."""
    known = dict(catalogue.catalogue())
    again = msgspec.structs.replace(base, name="again")
    plan = planning.make_plan(
        list(cases([known["countdown"]], [base, again], Axes((1,)))),
        effort=msgspec.structs.replace(planning.EFFORTS["quick"], blocks=_BLOCKS_IN_PYPERFS_TIME),
        interpreters=[base, again],
        workloads=[known["countdown"]],
        reference=base.name,
        seed=seed,
    )
    runs: list[Run] = []
    hooks = Hooks(save=runs.append, stop=lambda: False, progress=lambda _text, _share: None)
    run_plan(plan, [base, again], known, hooks)
    one, other = plan.cases
    return statistics.fmean(Blocks(plan, runs).log_ratios(other, one, throughput))


def _spread_ratio(above: list[float], below: list[float]) -> tuple[float, float, float]:
    """The sd of one sample over that of another, with a 95 % interval by the bootstrap."""
    rng = np.random.default_rng(1)
    draws = [
        np.array(sample)[rng.integers(0, len(sample), size=(4000, len(sample)))] for sample in (above, below)
    ]
    low, high = np.quantile(np.std(draws[0], axis=1) / np.std(draws[1], axis=1), [0.025, 0.975])
    return statistics.stdev(above) / statistics.stdev(below), float(low), float(high)


def _pair(
    interpreter: Interpreter,
    workload: Workload,
    order: list[int],
    seconds: float,
    number: int,
    *,
    pinned: bool,
) -> float:
    """Log-ratio of two processes of one interpreter, their slices in the given order.

    Pinned is how a session does it; the other way has none of its rules.
    """
    case = Case(workload=workload.name, interpreter=interpreter.name, threads=1)
    peer, cpus = Peer(), tuple(sorted(os.sched_getaffinity(0)))
    workers = [Worker(case, interpreter, {workload.name: workload}, peer) for _ in range(2)]
    rates: list[list[float]] = [[], []]
    try:
        for worker in workers:
            worker.prepare()
            worker.calibrate()
        turns = [0, 0]
        for which in order:
            where = place(case, workload.driver, cpus, number + turns[which])
            where = where if pinned else Placement(cpus, cpus[0], cpus[0])
            rates[which].append(throughput(workers[which].measure(turns[which], where, seconds, 0.0, 0)))
            turns[which] += 1
    finally:
        for worker in workers:
            worker.close()
        peer.close()
    return float(block_log_ratio(*rates))


def _session(
    interpreters: list[Interpreter],
    names: list[str],
    threads: tuple[int, ...],
    kind: type[Worker],
    *,
    blocks: int,
) -> tuple[Header, list[Run]]:
    known = dict(catalogue.catalogue())
    chosen = [known[name] for name in names]
    effort = msgspec.structs.replace(planning.EFFORTS["quick"], blocks=blocks)
    plan: Plan = planning.make_plan(
        list(cases(chosen, interpreters, Axes(threads))),
        effort=effort,
        interpreters=interpreters,
        workloads=chosen,
        reference=interpreters[0].name,
        seed=1,
    )
    header = Header(
        gilbench="bench",
        created="2000-01-01T00:00:00+00:00",
        host=describe_host(),
        plan=plan,
        interpreters=tuple(interpreters),
        workloads=tuple(chosen),
    )
    runs: list[Run] = []
    hooks = Hooks(save=runs.append, stop=lambda: False, progress=lambda _text, _share: None)
    run_plan(plan, interpreters, known, hooks, worker=kind)
    return header, runs


def _newest() -> Interpreter:
    return select(["3.13"]).interpreters[0]


def _wall(command: list[str]) -> float:
    started = time.perf_counter()
    process = Process(command, env=clean_environment())
    process.wait(30)
    taken = time.perf_counter() - started
    process.close()
    return taken


def _shuffled(commands: dict[str, list[str]]) -> list[tuple[str, list[str]]]:
    items = list(commands.items())
    random.shuffle(items)
    return items


BENCHES: dict[str, Callable[[], Iterator[Row]]] = {
    "startup": startup,
    "parent": parent,
    "rendering": rendering,
    "spread": spread,
    "harness": harness,
    "history": history_times,
    "precision": precision,
    "cost": observer_costs,
    "counted": counted,
}


def main(names: list[str]) -> int:
    """Run the named benchmarks, or all of them."""
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        print(f"unknown: {', '.join(unknown)}; there are {', '.join(BENCHES)}", file=sys.stderr)
        return 2
    table = Table("figure", "value", "95 % interval", "aim", "", box=box.SIMPLE_HEAD)
    try:
        for row in chain.from_iterable(BENCHES[name]() for name in names or BENCHES):
            interval = "" if row.lo is None or row.hi is None else f"{row.lo:.4g} to {row.hi:.4g}"
            line = row.what, f"{row.value:.4g}", interval, row.aim, "" if row.holds else "missed"
            print(*line, sep="  ", file=sys.stderr, flush=True)  # what is measured is not lost with the rest
            table.add_row(*line)
    except GilbenchError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    Console().print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
