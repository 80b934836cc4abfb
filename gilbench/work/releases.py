"""Measures whether a call releases the GIL."""

from __future__ import annotations

import os
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from gilbench.analyse.releases import judge_release
from gilbench.interpreters import parse_environment, select
from gilbench.model.errors import RunFailure, UsageError
from gilbench.model.releases import CallBlock, Release, Releases
from gilbench.model.study import Case, Effort, Interpreter, Workload
from gilbench.plan import catalogue
from gilbench.plan.axes import Axes, cases, parse_gil
from gilbench.plan.blocks import EFFORTS
from gilbench.run.releasing import measure_call
from gilbench.version import __version__
from gilbench.work.callables import Code, own_call
from gilbench.work.calls import call_workloads, nothing_measured
from gilbench.work.listener import SILENT, Listener

_ROUNDS = 4  # per slice of the effort level
_FEWEST = 5  # blocks of a call that takes long
_LONG = 0.5  # s of a slice from which fewer blocks are measured; it is one call then


def releases(
    code: Code,
    args: Sequence[str] = (),
    setup: str = "",
    *,
    python: Sequence[str] = (),
    environment: Sequence[str] = (),
    gil: str | None = None,
    at_least: float = 50.0,
    effort: str = "quick",
    refresh: bool = False,
    path: Sequence[str] = (),
    listener: Listener = SILENT,
) -> Releases:
    """Measure for how much of its time a call runs without the GIL.

    Args:
        code: A function, ``package.module:function``, or a statement.
        args: Arguments of the function, as ``NAME=VALUE``; several values make several rows.
        setup: Source that runs once before.
        python: SPECs of interpreters; empty: the one that runs gilbench.
        environment: Variables to start every interpreter with, as ``NAME=VALUE``.
        gil: GIL of free-threaded builds: on, off, or on,off; None: their default.
        at_least: Smallest share of the time without the GIL that is a yes, in percent.
        effort: Effort level.
        refresh: Ask every interpreter again, ignoring the cache.
        path: Folders to import from; empty: the current one, or for a function, those of this process.
        listener: Receives progress, and can stop the work.

    Raises:
        UsageError: The request is invalid, or the call fails on every interpreter.
        InterpreterError: An interpreter is missing.
    """
    call = own_call(code, args, setup, path=path, foreign=bool(python))
    (workload,) = call_workloads([call], catalogue.catalogue())
    interpreters = _selected(python, environment, listener, refresh=refresh)
    wanted = _cases(workload, interpreters, gil)
    tally = _Tally(workload, interpreters, _effort(effort))
    interrupted = tally.measure(wanted, listener)
    rows = tuple(tally.row(case, at_least / 100) for case in wanted)
    _refuse_failed(rows, workload)
    return Releases(
        gilbench=__version__,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        code=call.code,
        at_least=at_least / 100,
        rows=rows,
        interpreters=interpreters,
        interrupted=interrupted,
    )


def _effort(name: str) -> Effort:
    if name not in EFFORTS:
        raise UsageError(f"unknown effort {name!r}; use {', '.join(EFFORTS)}")
    return EFFORTS[name]


def _cases(workload: Workload, interpreters: Sequence[Interpreter], gil: str | None) -> list[Case]:
    swept = {} if gil is None else {"gil": parse_gil(gil)}
    return list(cases([workload], interpreters, Axes(threads=(1,), swept=swept)))


def _selected(
    python: Sequence[str], environment: Sequence[str], listener: Listener, *, refresh: bool
) -> tuple[Interpreter, ...]:
    variables = parse_environment(environment)
    selection = select(list(python) or [sys.executable], environment=variables, refresh=refresh)
    for note in selection.notes:
        listener.note(note)
    return selection.interpreters


def _refuse_failed(rows: Sequence[Release], workload: Workload) -> None:
    """Refuse a call that fails on every interpreter."""
    if rows and all(row.answer == "failed" for row in rows):
        raise nothing_measured(f"{workload.name} on {rows[0].case.interpreter}: {rows[0].remark}")


class _Tally:
    """Measures block by block, each with every case once, and keeps what was found."""

    def __init__(self, workload: Workload, interpreters: Sequence[Interpreter], effort: Effort) -> None:
        self._workload, self._effort = workload, effort
        self._interpreters = {one.name: one for one in interpreters}
        self._blocks: dict[Case, list[CallBlock]] = defaultdict(list)
        self._enabled_by: dict[Case, str | None] = {}
        self._ended: dict[Case, Release] = {}  # cases that need no more blocks
        self._long: set[Case] = set()

    def measure(self, wanted: Sequence[Case], listener: Listener) -> bool:
        """Measure all blocks; return whether the listener stopped the work."""
        began, seed = time.monotonic(), int.from_bytes(os.urandom(4), "big")
        for number in range(self._effort.blocks):
            for index, case in enumerate(wanted):
                if listener.stop():
                    return True
                if case in self._ended or (case in self._long and number >= _FEWEST):
                    continue
                share = (number + index / len(wanted)) / self._effort.blocks
                planned = (time.monotonic() - began) / share if share else None
                listener.progress(
                    f"{self._workload.name} on {case.interpreter}", share if planned else None, planned
                )
                self._measure(case, f"{seed}/{case.interpreter}/{number}")
        return False

    def _measure(self, case: Case, seed: str) -> None:
        try:
            block, self._enabled_by[case] = measure_call(
                case,
                self._interpreters[case.interpreter],
                self._workload,
                _ROUNDS * self._effort.slices,
                seed,
            )
        except RunFailure as failure:
            self._ended[case] = Release(case=case, answer="failed", remark=failure.message)
            return
        if block is None:
            self._ended[case] = Release(case=case, answer="n/a", remark="there is no GIL")
            return
        self._blocks[case].append(block)
        if block.alone["call"][0].wall > _LONG:
            self._long.add(case)

    def row(self, case: Case, at_least: float) -> Release:
        """Return what was found about a case."""
        if case in self._ended:
            return self._ended[case]
        if case not in self._blocks:
            return Release(case=case, answer="undecided", remark="not measured yet")
        found = judge_release(case, self._blocks[case], at_least)
        return msgspec.structs.replace(found, enabled_by=self._enabled_by[case])
