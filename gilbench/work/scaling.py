"""Measures whether a call scales with threads, compared with what the host gives."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from gilbench.analyse.scaling import judge_scaling, one_core_only
from gilbench.host.description import describe_host
from gilbench.host.scratch import scratch
from gilbench.model.calls import OwnCall
from gilbench.model.errors import UsageError
from gilbench.model.scaling import Scaling
from gilbench.model.study import Study
from gilbench.work.callables import Code, import_path, name_of
from gilbench.work.calls import tried
from gilbench.work.listener import SILENT, Listener
from gilbench.work.measure import run_study
from gilbench.work.planning import MeasureRequest, plan_study


class Scaled(NamedTuple):
    """Whether a call scales, and the study behind it."""

    scaling: Scaling
    study: Study | None = None  # None: the host cannot tell, so nothing was measured


def scales(
    code: Code,
    args: Sequence[str] = (),
    setup: str = "",
    *,
    threads: int = 4,
    at_least: float = 50.0,
    python: str | None = None,
    path: Sequence[str] = (),
    shared: bool = False,
    name: str | None = None,
    effort: str = "quick",
    listener: Listener = SILENT,
) -> Scaled:
    """Measure the speedup of a call on several threads, and judge it by what the host gives to processes.

    Args:
        code: A function, ``package.module:function``, or a statement.
        args: Arguments of the function, as ``NAME=VALUE``.
        setup: Source that runs once per thread before.
        threads: Number of threads; with 1, the call is only measured.
        at_least: Smallest share of the host's gain that is a yes, in percent: if the host gives 2x, 50 requires 1.5x.
        python: SPEC of the interpreter; None: the one that runs gilbench.
        path: Folders to import from; empty: the current one, or for a function, those of this process.
        shared: The setup runs once, and all threads use its objects.
        name: Name of the call in the study; None: that of the function.
        effort: Effort level.
        listener: Receives progress, and can stop the work.

    Raises:
        UsageError: The request is invalid, or the call fails.
        InterpreterError: The interpreter is missing.
    """
    if threads < 1:
        raise UsageError(f"threads={threads} is not a number of threads; pass 1 or more")
    if not 0 < at_least <= 100:  # noqa: PLR2004 - percent
        raise UsageError(f"at_least={at_least:g} is not a share; pass more than 0% and at most 100%")
    call = OwnCall(
        code=name_of(code),
        arguments=tuple(args),
        setup=setup,
        shared=shared,
        name=name,
        path=tuple(path) or (() if isinstance(code, str) else import_path(code, foreign=python is not None)),
    )
    reason = one_core_only(describe_host())
    if reason is not None and threads > 1:
        scaling = Scaling(
            code=call.code, threads=threads, at_least=at_least / 100, answer="n/a", remark=reason
        )
        return Scaled(scaling)
    request = MeasureRequest(
        python=(python or sys.executable,),
        calls=(call,),
        threads=",".join(map(str, sorted({1, threads}))),
        effort=effort,
    )
    header = tried(plan_study(request, listener), listener)
    cases = [case for case in header.plan.cases if case.threads == threads]
    if len(cases) != 1:
        raise UsageError(
            f"{call.code} makes {len(cases)} cases; pass one interpreter and one value per argument"
        )
    plan = msgspec.structs.replace(  # without a train, every block needs long slices
        header.plan, effort=msgspec.structs.replace(header.plan.effort, long_every=1)
    )
    with scratch() as folder:
        header = msgspec.structs.replace(header, plan=plan)
        study = run_study(header, folder / "study.jsonl", listener).study
    return Scaled(judge_scaling(study, cases[0], call.code, at_least / 100), study)
