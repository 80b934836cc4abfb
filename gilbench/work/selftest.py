"""Measures the promises of the method: in simulated studies, and with an interpreter against itself."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from gilbench.analyse.selftest import real_check, simulated_checks, smallest_effects
from gilbench.analyse.stats.estimates import mean_estimate
from gilbench.analyse.stats.verdicts import verdict
from gilbench.analyse.study.index import Blocks, throughput
from gilbench.host.noise import generated_noise, refuse_unknown
from gilbench.host.process import capture
from gilbench.interpreters import select
from gilbench.model.errors import GilbenchError
from gilbench.model.selftest import GeneratedNoise, Promise, Selftest
from gilbench.model.study import Case, Interpreter, Run
from gilbench.plan import catalogue
from gilbench.plan.blocks import EFFORTS, make_plan
from gilbench.run.measure import run_plan
from gilbench.run.session import Hooks
from gilbench.store.pyperf_json import write_pyperf
from gilbench.work.listener import SILENT, Listener

_WORKLOAD, _LENGTH = "countdown", "start"  # a workload, and a parameter proportional to its work
_STUDIES, _STUDIES_QUICK = 4000, 1000


class _Pairing(NamedTuple):
    """Real pairs of one kind."""

    name: str
    figure: str
    effort: str
    slowed: float
    pairs: int
    pairs_quick: int


_PAIRINGS = (
    _Pairing("itself, effort standard", "false_positive_rate", "standard", 0.0, 40, 6),
    _Pairing("itself slowed by 5%, effort standard", "power", "standard", 0.05, 20, 4),
    _Pairing("itself slowed by 10%, effort quick", "power", "quick", 0.10, 20, 4),
)


def selftest(
    python: str = "3",
    listener: Listener = SILENT,
    *,
    noise: str | None = None,
    quick: bool = False,
    refresh: bool = False,
) -> Selftest:
    """Measure the verdicts' error rate and power, simulated and on this machine.

    Args:
        python: SPEC of the interpreter to compare with itself.
        listener: Receives progress.
        noise: Noise to generate during the real pairs: bursts, pinned, cache, quota, or all; None: none.
        quick: Use fewer pairs: 3 minutes instead of 15.
        refresh: Ask every interpreter again, ignoring the cache.

    Raises:
        GilbenchError: The interpreter is missing, this machine cannot have the noise, or a run fails.
    """
    if noise is not None:
        refuse_unknown(noise)
    interpreter = select([python], refresh=refresh).interpreters[0]
    # The real pairs are first, so that a noise that this machine cannot have fails at once.
    real, generated = _real_part(interpreter, listener, noise, quick=quick)
    listener.progress("simulating studies")
    simulated = simulated_checks(_STUDIES_QUICK if quick else _STUDIES)
    return Selftest(promises=(*simulated, *real), noise=generated)


def _real_part(
    interpreter: Interpreter, listener: Listener, noise: str | None, *, quick: bool
) -> tuple[list[Promise], GeneratedNoise | None]:
    """Measure real pairs, under generated noise if there is a name."""
    if noise is None:
        return list(_real_checks(interpreter, listener, quick=quick)), None
    with generated_noise(noise) as taken:
        promises = list(_real_checks(interpreter, listener, quick=quick))
    return [msgspec.structs.replace(one, noise=noise) for one in promises], GeneratedNoise(noise, taken)


def _real_checks(interpreter: Interpreter, listener: Listener, *, quick: bool) -> Iterator[Promise]:
    same: list[list[float]] = []
    for pairing in _PAIRINGS:
        pairs = pairing.pairs_quick if quick else pairing.pairs
        ours = pyperfs = 0
        for number in range(pairs):
            listener.progress(f"{pairing.name}: {number + 1} of {pairs}")
            logs, significant = _pair(interpreter, pairing, seed=number)
            changed = verdict(mean_estimate(logs), "higher").verdict
            ours += changed == "regressed" if pairing.slowed else changed in {"improved", "regressed"}
            pyperfs += significant
            if not pairing.slowed:
                same.append(logs)
        # 5% and 90% allow 3 of 40 and 18 of 20; 10% more work must always be detected.
        least = None if not pairing.slowed else (pairs if pairing.slowed >= 0.1 else round(0.9 * pairs))  # noqa: PLR2004
        most = None if pairing.slowed else round(0.075 * pairs)
        yield real_check(pairing.name, pairing.figure, ours, pairs, at_least=least, at_most=most)
        yield real_check(
            f"{pairing.name}, by pyperf", pairing.figure, pyperfs, pairs, at_least=None, at_most=None
        )
    yield from smallest_effects(same, list(EFFORTS.values()))


def _pair(interpreter: Interpreter, pairing: _Pairing, seed: int) -> tuple[list[float], bool]:
    """Measure an interpreter against itself: log-ratios over blocks, and whether pyperf finds a difference."""
    workload = catalogue.catalogue()[_WORKLOAD]
    other = msgspec.structs.replace(interpreter, name=f"{interpreter.name} again")
    length = int(workload.parameters[_LENGTH])
    slowed = ((_LENGTH, round(length * (1 + pairing.slowed))),) if pairing.slowed else ()
    reference = Case(workload=workload.name, interpreter=interpreter.name, threads=1)
    candidate = Case(workload=workload.name, interpreter=other.name, threads=1, parameters=slowed)
    plan = make_plan(
        [reference, candidate],
        effort=EFFORTS[pairing.effort],
        interpreters=[interpreter, other],
        workloads=[workload],
        reference=interpreter.name,
        seed=seed,
    )
    runs: list[Run] = []
    hooks = Hooks(save=runs.append, stop=lambda: False, progress=lambda _text, _share: None)
    run_plan(plan, [interpreter, other], {workload.name: workload}, hooks)
    blocks = Blocks(plan, runs)
    logs = blocks.log_ratios(candidate, reference, throughput)
    if len(logs) < plan.effort.blocks:
        raise GilbenchError(
            f"{interpreter.name} cannot run {workload.name}; see the failure: "
            f"gilbench run --python {interpreter.executable} --workload {workload.name}"
        )
    return logs, _is_significant(blocks, reference, candidate)


def _is_significant(blocks: Blocks, reference: Case, candidate: Case) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in ("reference.json", "candidate.json")]
        for path, case in zip(paths, (reference, candidate), strict=True):
            write_pyperf(path, _WORKLOAD, blocks.runs(case).values())
        done = capture([sys.executable, "-P", "-m", "pyperf", "compare_to", *map(str, paths)], seconds=60)
    if done.status != 0:
        raise GilbenchError(f"pyperf compare_to failed: {done.reason}; reinstall pyperf")
    return "not significant" not in done.stdout.lower()
