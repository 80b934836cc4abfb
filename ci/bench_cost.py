"""What observers cost the program that they look at.

Two workers of one case, one of them observed, serve their slices in turn; a block starts new ones. The figure is
the work done without the observer over that done with it, so 1.03 is a slow-down of 3%, with a 95% interval over
blocks. Beside gilbench's own observers stand py-spy at its 100 Hz and gilknocker at its defaults, which has to run
inside the program.
"""

from __future__ import annotations

import math
import os
import random
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from bench_row import Row

from gilbench.analyse.stats.estimates import block_log_ratio, ratio_interval
from gilbench.analyse.study.index import throughput
from gilbench.host.capture import capture
from gilbench.host.environment import clean_environment
from gilbench.host.placement import Layout, place
from gilbench.host.process import Process, ProcessError
from gilbench.interpreters import select
from gilbench.model.errors import GilbenchError
from gilbench.model.study import Case, Interpreter, Workload
from gilbench.observe.gil.exact import ExactProbe
from gilbench.observe.running import find_python
from gilbench.plan import catalogue
from gilbench.plan.catalogue import read_declaration
from gilbench.run.peer import Peer
from gilbench.run.worker import Worker

BLOCKS = 5
SLICES = 16
SECONDS = 0.1  # of a slice
GILKNOCKER = "gilknocker==0.4.2"
THREADS = {"countdown": 2, "tcp_echo": 1, "threadpool_service": 4}
AIMS = {("exact", "countdown"): 1.03, ("exact", "tcp_echo"): 1.15}


@contextmanager
def exact(pid: int) -> Iterator[None]:
    """The exact probe of ``gilbench profile``."""
    python = find_python(pid)
    reason = ExactProbe().why_not(python)
    if reason is not None:
        raise ProcessError(reason)
    watching = ExactProbe().watch(python)
    try:
        yield
    finally:
        figures = watching.finish()
    if not any(thread.switches for thread in figures.threads):
        raise ProcessError("the exact probe saw nobody take the GIL")


@contextmanager
def py_spy(pid: int) -> Iterator[None]:
    """``py-spy record`` as it comes: 100 Hz, and the program is stopped for each sample."""
    program = str(Path(sys.executable).with_name("py-spy"))
    with tempfile.TemporaryDirectory() as folder:
        command = [program, "record", "--pid", str(pid), "--rate", "100", "--duration", "86400"]
        process = Process([*command, "--format", "raw", "--output", f"{folder}/out"], env=clean_environment())
        try:
            while "Sampling process" not in process.output():
                if process.wait(0.02) is not None:
                    raise ProcessError(f"py-spy: {process.output().strip()}")
            yield
        finally:
            process.close()


@contextmanager
def within(_pid: int) -> Iterator[None]:
    """Gilknocker is a part of the observed workload, and needs no process of its own."""
    yield


OBSERVERS: dict[str, Callable[[int], Any]] = {"exact": exact, "py-spy": py_spy, "gilknocker": within}


def observer_costs() -> Iterator[Row]:
    """Slow-down of the work by every observer; where one cannot be measured, what was in its way."""
    interpreter = select(["3.13"]).interpreters[0]
    known = catalogue.catalogue()
    with tempfile.TemporaryDirectory() as folder:
        for name, threads in THREADS.items():
            for observer in OBSERVERS:
                what = f"slow-down by {observer}, {name} x{threads} on {interpreter.name}"
                aim = AIMS.get((observer, name))
                try:
                    ratios = _log_ratios(observer, known[name], interpreter, Path(folder))
                except GilbenchError as error:
                    yield Row(f"{what}: {error}", math.nan, None, None, "", aim is None)
                    continue
                found = ratio_interval(ratios)
                holds = aim is None or found.value <= aim
                yield Row(what, found.value, found.lo, found.hi, f"<= {aim}" if aim else "", holds)


def _log_ratios(observer: str, workload: Workload, interpreter: Interpreter, folder: Path) -> list[float]:
    """Measure one observer on one workload, one figure for each block."""
    inside = observer == "gilknocker"
    observed = _with_gilknocker(workload, interpreter, folder) if inside else workload
    watch = OBSERVERS[observer]
    return [_block(watch, workload, observed, interpreter, block) for block in range(BLOCKS)]


def _block(
    watch: Callable[[int], Any], plain: Workload, observed: Workload, interpreter: Interpreter, block: int
) -> float:
    """Log of the work done without the observer over that done with it."""
    case = Case(workload=plain.name, interpreter=interpreter.name, threads=THREADS[plain.name])
    known, peer, cpus = dict(catalogue.catalogue()), Peer(), tuple(sorted(os.sched_getaffinity(0)))
    workers = [Worker(case, interpreter, {**known, plain.name: one}, peer) for one in (plain, observed)]
    rates: list[list[float]] = [[], []]
    try:
        for worker in workers:
            worker.prepare()
            worker.calibrate()
        with watch(workers[1].pid):
            for turn in range(SLICES):
                where = place(case, plain.driver, Layout(cpus), block + turn)
                for which in random.sample((0, 1), 2):
                    rates[which].append(throughput(workers[which].measure(turn, where, SECONDS, 0.0, turn)))
    finally:
        for worker in workers:
            worker.close()
        peer.close()
    return float(block_log_ratio(*rates))


def _with_gilknocker(workload: Workload, interpreter: Interpreter, folder: Path) -> Workload:
    """The same workload with gilknocker started in its process."""
    packages = folder / "packages"
    if not packages.exists():
        version = ".".join(map(str, interpreter.build.version_info[:2]))
        command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--only-binary=:all:"]
        command += ["--python-version", version, "--target", str(packages), GILKNOCKER]
        done = capture(command, seconds=120, env=dict(os.environ))
        if done.status:
            raise ProcessError(f"{GILKNOCKER} does not install: {done.stderr.strip().splitlines()[-1]}")
    start = (
        f"import sys as _sys\n_sys.path.append({str(packages)!r})\n"
        "import gilknocker as _gilknocker\n_knocker = _gilknocker.KnockKnock()\n_knocker.start()\n"
    )
    path = folder / Path(workload.path).name
    path.write_text(Path(workload.path).read_text("utf-8") + "\n" + start, "utf-8")
    return msgspec.structs.replace(read_declaration(path, workload.family), name=workload.name)
