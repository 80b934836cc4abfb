"""Checks what hosts answer, and keeps which groups of a study are done: a host may fail, or lie."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import msgspec

from gilbench.model.study import FleetHost, Header, Plan, Run
from gilbench.plan.blocks import Group
from gilbench.run.done import Done
from gilbench.store.integrity import Runs


class DoneByHosts:
    """The finished runs of a study, by host. A case that fails too often on one host can succeed on another."""

    def __init__(self, plan: Plan, runs: Iterable[Run]) -> None:
        self._plan = plan
        self.attempts: Counter[tuple[int, str]] = Counter()  # at a group, by block and workload
        by_host: defaultdict[str | None, list[Run]] = defaultdict(list)
        for run in runs:
            by_host[run.host].append(run)
        self._hosts = {host: Done(plan, some) for host, some in by_host.items()}
        for done in self._hosts.values():
            for group, attempts in done.attempts.items():
                self.attempts[group] = max(self.attempts[group], attempts)

    def add(self, host: str, runs: Iterable[Run]) -> None:
        """Add the runs of a group."""
        done = self._of(host)
        for run in runs:
            done.add(run)

    def left(self, host: str, group: Group) -> Group:
        """Return a group without the cases that the host has given up."""
        done = self._of(host)
        return group._replace(cases=tuple(case for case in group.cases if not done.given_up(case)))

    def finished(self, group: Group) -> bool:
        """Whether one host has finished every case of a group that it has not given up."""
        return (group.block, group.workload) in self.attempts and any(
            (group.block, group.workload) in done.attempts and done.finished(group)
            for done in self._hosts.values()
        )

    def _of(self, host: str) -> Done:
        return self._hosts.setdefault(host, Done(self._plan, ()))


class Checker:
    """Checks answers before they are saved.

    Args:
        header: Header of the study.
        runs: Runs that the study has.
        hosts: Hosts that the study has.
    """

    def __init__(self, header: Header, runs: Sequence[Run] = (), hosts: Sequence[FleetHost] = ()) -> None:
        self._header = header
        self._study = Runs(header)
        self._hosts: set[str] = set()
        for host in hosts:
            self._add_host(host)
        for run in runs:
            self._study.fault(run)

    def taken(
        self, runs: Sequence[Run], host: FleetHost, group: Group, attempt: int
    ) -> tuple[Run, ...] | str:
        """Return the runs of a group as the study has them, or why they cannot be of this group.

        Args:
            runs: The answer.
            host: The host that answered.
            group: The group that it was given.
            attempt: Number of earlier attempts at the group.
        """
        cases = [run.case for run in runs]
        if sorted(cases) != sorted(group.cases):
            return f"it has the cases {cases[:9]} instead of {list(group.cases)[:9]}"
        if any(run.block != group.block or run.attempt != attempt for run in runs):
            return "its runs are of another block"
        if any(run.interrupted for run in runs):
            return "its runs were interrupted"
        named = tuple(msgspec.structs.replace(run, host=host.name) for run in runs)
        fault = self._fault_alone(named, host)
        if fault is None:
            self._add_host(host)
            fault = next(filter(None, map(self._study.fault, named)), None)
        return named if fault is None else fault

    def _fault_alone(self, runs: Sequence[Run], host: FleetHost) -> str | None:
        """Return what is wrong with a group by itself. The state of the study is not changed by a wrong one."""
        alone = Runs(self._header)
        return alone.host_fault(host) or next(filter(None, map(alone.fault, runs)), None)

    def _add_host(self, host: FleetHost) -> None:
        if host.name not in self._hosts:
            self._hosts.add(host.name)
            self._study.host_fault(host)
