"""The runs of a plan that are done, and the cases that failed too often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from gilbench.model.study import Plan, Run
from gilbench.plan.blocks import Group

FAILURES_UNTIL_GIVEN_UP = 2
_HOPELESS = frozenset({"timeout", "unsupported"})  # a retry would take minutes, or fail again


class Done:
    """The runs of a plan that are done, in this session and earlier."""

    def __init__(self, plan: Plan, runs: Iterable[Run]) -> None:
        self._plan = plan
        self._runs: set[tuple[int, int]] = set()  # block and case
        self._failures: Counter[int] = Counter()
        self.attempts: Counter[tuple[int, str]] = Counter()  # attempts at a group in earlier sessions
        for run in runs:
            self.add(run)
            key = run.block, plan.cases[run.case].workload
            self.attempts[key] = max(self.attempts[key], run.attempt + 1)

    def add(self, run: Run) -> None:
        """Add a run."""
        if run.failure is not None:
            hopeless = run.failure.kind in _HOPELESS
            self._failures[run.case] += FAILURES_UNTIL_GIVEN_UP if hopeless else 1
        if not run.interrupted:
            self._runs.add((run.block, run.case))

    def given_up(self, case: int) -> bool:
        """Whether a case has failed too often to be retried."""
        return self._failures[case] >= FAILURES_UNTIL_GIVEN_UP

    def finished(self, group: Group) -> bool:
        """Whether every case of a group has a finished run in any attempt, or was given up."""
        return all((group.block, case) in self._runs or self.given_up(case) for case in group.cases)
