"""Measures whether a call scales with threads, compared with what the host gives."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from gilbench.analyse.scaling import judge_scaling, one_core_only
from gilbench.host.description import describe_host
from gilbench.host.scratch import scratch
from gilbench.model.errors import UsageError
from gilbench.model.scaling import Scaling
from gilbench.model.study import Case, Study
from gilbench.work.callables import Code, own_call
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
    _refuse_wrong(threads, at_least)
    call = own_call(code, args, setup, path=path, foreign=python is not None, shared=shared, name=name)
    reason = one_core_only(describe_host())
    if reason is not None and threads > 1:
        share = at_least / 100
        return Scaled(Scaling(code=call.code, threads=threads, at_least=share, answer="n/a", remark=reason))
    request = MeasureRequest(
        python=(python or sys.executable,),
        calls=(call,),
        threads=",".join(map(str, sorted({1, threads}))),
        effort=effort,
    )
    study, case = _measured(request, threads, listener)
    return Scaled(judge_scaling(study, case, call.code, at_least / 100), study)


def _refuse_wrong(threads: int, at_least: float) -> None:
    if threads < 1:
        raise UsageError(f"threads={threads} is not a number of threads; pass 1 or more")
    if not 0 < at_least <= 100:  # noqa: PLR2004 - percent
        raise UsageError(f"at_least={at_least:g} is not a share; pass more than 0% and at most 100%")


def _measured(request: MeasureRequest, threads: int, listener: Listener) -> tuple[Study, Case]:
    """Measure a call; return the study, and the case with so many threads."""
    header = tried(plan_study(request, listener), listener)
    cases = [case for case in header.plan.cases if case.threads == threads]
    if len(cases) != 1:
        raise UsageError(
            f"{request.calls[0].code} makes {len(cases)} cases; pass one interpreter and one value per argument"
        )
    effort = msgspec.structs.replace(header.plan.effort, long_every=1)  # without trains, all slices are long
    header = msgspec.structs.replace(header, plan=msgspec.structs.replace(header.plan, effort=effort))
    with scratch() as folder:
        return run_study(header, folder / "study.jsonl", listener).study, cases[0]
