"""``gilbench selftest``: what the method promises, measured on this machine."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from gilbench.cli import output
from gilbench.cli.options import Format
from gilbench.errors import GilbenchError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gilbench.analyse.blocks import Blocks
    from gilbench.analyse.selftest import Check
    from gilbench.model import Case, Interpreter, Run

_WORKLOAD, _LENGTH = "countdown", "start"  # the parameter that its work is proportional to
_STUDIES, _STUDIES_QUICK = 4000, 1000


class _Trial(NamedTuple):
    """Real pairs of one kind."""

    name: str
    figure: str
    profile: str
    slowed: float
    pairs: int
    pairs_quick: int


_TRIALS = (
    _Trial("itself, profile standard", "false_positive_rate", "standard", 0.0, 40, 6),
    _Trial("itself slowed by 5 %, profile standard", "power", "standard", 0.05, 20, 4),
    _Trial("itself slowed by 10 %, profile quick", "power", "quick", 0.10, 20, 4),
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("selftest")(selftest)


def selftest(
    quick: Annotated[
        bool, typer.Option("--quick", help="Fewer pairs: three minutes instead of a quarter hour.")
    ] = False,
    python: Annotated[str, typer.Option(help="The interpreter that is held against itself.")] = "3",
    form: Annotated[Format, typer.Option("--format", help="For people or for programs.")] = Format.terminal,
) -> None:
    """Check the decisions on known truth: simulated studies, and an interpreter against itself on this machine."""
    from gilbench.analyse.selftest import simulated_checks  # noqa: PLC0415
    from gilbench.interpreters import select  # noqa: PLC0415

    interpreter = select([python]).interpreters[0]
    notes = output.notes(quiet=not sys.stderr.isatty())
    with notes.status("simulating studies"):
        checks = list(simulated_checks(_STUDIES_QUICK if quick else _STUDIES))
    with notes.status("measuring", refresh_per_second=1) as status:
        checks += _real_checks(interpreter, quick=quick, tell=status.update)
    if form is Format.json:
        from gilbench.render.guard import json_text  # noqa: PLC0415

        output.write(json_text({"checks": checks}) + "\n")
        return
    from gilbench.render.selftest import checks_table  # noqa: PLC0415

    output.console().print(checks_table(checks))


def _real_checks(interpreter: Interpreter, *, quick: bool, tell: object) -> Iterator[Check]:
    from gilbench.analyse.estimates import mean_estimate  # noqa: PLC0415
    from gilbench.analyse.selftest import real_check, smallest_effects  # noqa: PLC0415
    from gilbench.analyse.verdicts import verdict  # noqa: PLC0415
    from gilbench.plan import PROFILES  # noqa: PLC0415

    same: list[list[float]] = []
    for trial in _TRIALS:
        pairs = trial.pairs_quick if quick else trial.pairs
        ours = pyperfs = 0
        for number in range(pairs):
            tell(f"{trial.name}: {number + 1} of {pairs}")  # type: ignore[operator]
            logs, said_by_pyperf = _pair(interpreter, trial, seed=number)
            changed = verdict(mean_estimate(logs), "higher").verdict
            ours += changed == "regressed" if trial.slowed else changed in {"improved", "regressed"}
            pyperfs += said_by_pyperf
            if not trial.slowed:
                same.append(logs)
        # 3 of 40, and 18 of 20, are what 5 % and 90 % allow; a tenth more work must always be seen.
        least = None if not trial.slowed else (pairs if trial.slowed >= 0.1 else round(0.9 * pairs))  # noqa: PLR2004
        most = None if trial.slowed else round(0.075 * pairs)
        yield real_check(trial.name, trial.figure, ours, pairs, at_least=least, at_most=most)
        yield real_check(
            f"{trial.name}, by pyperf", trial.figure, pyperfs, pairs, at_least=None, at_most=None
        )
    yield from smallest_effects(same, list(PROFILES.values()))


def _pair(interpreter: Interpreter, trial: _Trial, seed: int) -> tuple[list[float], bool]:
    """Measure an interpreter against itself: log-ratios over blocks, and whether pyperf calls it significant."""
    import msgspec  # noqa: PLC0415

    from gilbench import workloads as catalogue  # noqa: PLC0415
    from gilbench.analyse.blocks import Blocks, throughput  # noqa: PLC0415
    from gilbench.model import Case  # noqa: PLC0415
    from gilbench.plan import PROFILES, make_plan  # noqa: PLC0415
    from gilbench.run.measure import run_plan  # noqa: PLC0415
    from gilbench.run.session import Hooks  # noqa: PLC0415

    workload = catalogue.catalogue()[_WORKLOAD]
    other = msgspec.structs.replace(interpreter, name=f"{interpreter.name} again")
    length = int(workload.parameters[_LENGTH])
    slowed = ((_LENGTH, round(length * (1 + trial.slowed))),) if trial.slowed else ()
    reference = Case(workload=workload.name, interpreter=interpreter.name, threads=1)
    candidate = Case(workload=workload.name, interpreter=other.name, threads=1, parameters=slowed)
    plan = make_plan(
        [reference, candidate],
        profile=PROFILES[trial.profile],
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
    if len(logs) < plan.profile.blocks:
        raise GilbenchError(
            f"{interpreter.name} failed to run {workload.name}; see: gilbench run --workload {workload.name}"
        )
    return logs, _pyperf_says(blocks, reference, candidate)


def _pyperf_says(blocks: Blocks, reference: Case, candidate: Case) -> bool:
    from gilbench.process import capture  # noqa: PLC0415
    from gilbench.scratch import scratch  # noqa: PLC0415
    from gilbench.store.pyperf_json import write_pyperf  # noqa: PLC0415

    with scratch() as folder:
        paths = [folder / name for name in ("reference.json", "candidate.json")]
        for path, case in zip(paths, (reference, candidate), strict=True):
            write_pyperf(path, _WORKLOAD, blocks.runs(case).values())
        done = capture([sys.executable, "-P", "-m", "pyperf", "compare_to", *map(str, paths)], seconds=60)
    if done.status != 0:
        raise GilbenchError(f"pyperf compare_to failed: {done.stderr.strip().splitlines()[-1:]}")
    return "not significant" not in done.stdout.lower()
