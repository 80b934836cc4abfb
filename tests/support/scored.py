"""Studies of the claims that were never measured: what each kind of interpreter does is known beforehand."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import msgspec
from studies import DRIFT, counted, make_header, make_plan, make_profile, make_slice, named

from gilbench.analyse.claims import claim_cases
from gilbench.model.study import Case, Failure, Interpreter, Run, Slice, Study
from gilbench.plan.catalogue import catalogue

OFFERED = 40
KNOWN = catalogue()  # reads every workload, which takes long


class Truth(NamedTuple):
    """What an interpreter does, in the words of the claims."""

    cpu: float = 1.0  # speed-up of Python code on two threads
    crowded: float = 1.0  # and on four
    outside: float = 1.95  # of what happens outside the GIL
    echo: float = 0.01  # what an echo keeps beside a busy thread
    computing: float = 0.9  # what a computation keeps beside two threads of I/O
    signal: float = 0.03  # s until a signal is handled beside busy threads
    handled: float = 0.55  # of the signals
    join: float = 0.005  # s until ^C is seen
    handovers: float = 400.0  # context switches per CPU second of two threads, beyond the harness
    cores: float = 1.0  # times as many handovers on two CPUs
    kept: float = 0.08  # s of latency beside a C call that keeps the GIL


NEW = Truth()
OLD = Truth(
    cpu=0.75,
    crowded=0.5,
    echo=1.2,
    computing=0.2,
    signal=2e-4,
    handled=1.0,
    join=0.5,
    handovers=10000.0,
    cores=6.0,
)
FREE = Truth(
    cpu=1.9,
    crowded=1.9,
    echo=0.8,
    computing=0.9,
    signal=1e-4,
    handled=1.0,
    join=1e-4,
    handovers=1.0,
    kept=2e-4,
)
PYPY = Truth(signal=2e-4, handled=1.0, echo=0.6, computing=0.2, handovers=2000.0, cores=5.0)

PY27 = named("2.7", "2.7.18")
PY311 = named("3.11", "3.11.7")
PY313 = named("3.13", "3.13.5")
PY313T = named("3.13t", "3.13.5", free_threaded=True)
PYPY39 = named("pypy3.9", "3.9.16", implementation="PyPy", jit=True)
JYTHON = named("jython2.7", "2.7.3", implementation="Jython", jit=True)


def truth_of(case: Case) -> Truth:
    """What the interpreter of a case is known to do."""
    if case.interpreter == "3.13t":
        return NEW if case.gil else FREE
    return {"2.7": OLD, "pypy3.9": PYPY, "jython2.7": FREE}.get(case.interpreter, NEW)


def claims_study(
    interpreters: Sequence[Interpreter],
    *,
    truth: Callable[[Case], Truth] = truth_of,
    blocks: int = 4,
    failures: Mapping[str, Failure] | None = None,
    without: Sequence[str] = (),
    cpus: int = 2,
) -> Study:
    """Make the study of a scorecard.

    Args:
        interpreters: What it was made on.
        truth: What each case gives.
        blocks: How many of them.
        failures: How every run of these workloads failed.
        without: Workloads that the study has no run of.
        cpus: How many processors there were.
    """
    cases = claim_cases(interpreters, KNOWN, cpus)
    plan = make_plan(
        cases,
        effort=make_profile(blocks=blocks),
        reference=interpreters[0].name,
        cpus=tuple(range(cpus)),
    )
    chosen = [KNOWN[name] for name in dict.fromkeys(case.workload for case in cases)]
    runs = []
    for number, case in enumerate(cases):
        failure = (failures or {}).get(case.workload)
        for block in range(0 if case.workload in without else blocks):
            if failure is not None:
                runs.append(Run(case=number, block=block, attempt=0, failure=failure))
                continue
            # Runs differ a little, each in its own way.
            noise = random.Random(f"{number}/{block}").gauss(1.0, 0.01)
            slices, switches = _served(case, truth(case), noise, DRIFT[block % len(DRIFT)])
            declared = KNOWN[case.workload].checksum or "0"
            slices = [msgspec.structs.replace(slice_, checksum=declared) for slice_ in slices]
            readings = (counted(voluntary_switches=switches * noise),)
            runs.append(Run(case=number, block=block, attempt=0, slices=tuple(slices), readings=readings))
    return Study(header=make_header(plan, interpreters, chosen, cores=cpus), runs=tuple(runs))


def _served(case: Case, truth: Truth, noise: float, drift: float) -> tuple[list[Slice], float]:
    """Slices of a run, and its voluntary context switches per second."""
    name, threads = case.workload, case.threads
    if name in {"delivery", "ctrl_c", "long_hold"}:
        wait = truth.signal if name == "delivery" else truth.join
        if dict(case.parameters).get("main") == "c_call":
            wait = 0.25
        if name == "long_hold":
            wait = 3e-4 if dict(case.parameters).get("how") == "release" else truth.kept
        offered = 100 if name == "long_hold" else OFFERED  # its rate for a second
        served = round(offered * (truth.handled if name == "delivery" else 1.0))
        late = tuple(wait * noise * (1 + 0.01 * (step % OFFERED)) for step in range(served))
        return [_scheduled(late, offered)], 75.0
    if name == "tcp_echo_cpu":
        rate = 1000.0 * noise * drift * (truth.echo if threads else 1.0)
        return [make_slice(0, rate, threads=threads)], 75.0
    if name == "io_before_cpu":
        rate = 1000.0 * noise * drift * (truth.computing if threads else 1.0)
        return [make_slice(turn, rate, threads=threads) for turn in range(4)], 75.0
    speedup = truth.outside if KNOWN[name].family == "offgil" else truth.cpu
    if name == "countdown" and threads > 2:
        speedup = truth.crowded
    if name == "countdown_tasklets":
        speedup = 1.0
    rate = 1000.0 * noise * drift * (speedup if threads > 1 else 1.0)
    switches = 60.0 * threads  # of the harness: three per slice and thread
    if threads > 1:
        switches += truth.handovers / (truth.cores if case.cpus == 1 else 1.0)
    return [make_slice(turn, rate, threads=threads) for turn in range(4)], switches


def _scheduled(latencies: tuple[float, ...], offered: int) -> Slice:
    slice_ = make_slice(0, 0.0, threads=0, window=0.0)
    end = max(slice_.end, slice_.start + max(latencies))
    return msgspec.structs.replace(
        slice_, end=end, latencies=latencies, offered=offered, served=len(latencies)
    )
