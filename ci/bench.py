"""Measures gilbench itself, and prints each figure beside its aim: ``python ci/bench.py [NAME ...]``.

Every figure is a ratio or a share that was taken interleaved, with a 95% interval where it has one. Nothing here is a
test, since a timing on a shared machine is no reason to fail a build.
"""

from __future__ import annotations

import math
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

import msgspec
from bench_cost import observer_costs
from bench_counted import counted
from bench_history import history_times
from bench_layout import layouts
from bench_page import profile_page
from bench_precision import harness, precision, spread
from bench_row import Row
from rich import box
from rich.console import Console
from rich.table import Table

from gilbench.analyse.stats.estimates import mean_interval, ratio_interval
from gilbench.host.description import describe_host
from gilbench.host.environment import clean_environment
from gilbench.host.placement import Placement
from gilbench.host.process import Process
from gilbench.interpreters import select
from gilbench.model.errors import GilbenchError
from gilbench.model.study import Header, Interpreter, Plan, Run
from gilbench.plan import blocks as planning
from gilbench.plan import catalogue
from gilbench.plan.axes import Axes, cases
from gilbench.run.measure import run_plan
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
    run_plan(plan, interpreters, known, hooks, host=describe_host(), worker=kind)
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
    "layout": layouts,
    "counted": counted,
    "page": profile_page,
}


def main(names: list[str]) -> int:
    """Run the named benchmarks, or all of them."""
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        print(f"unknown: {', '.join(unknown)}; there are {', '.join(BENCHES)}", file=sys.stderr)
        return 2
    table = Table("figure", "value", "95% interval", "aim", "", box=box.SIMPLE_HEAD)
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
