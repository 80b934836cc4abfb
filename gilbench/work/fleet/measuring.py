"""Measures a study on a fleet: gives out its groups, and saves each answered one."""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec

from gilbench.model.errors import UsageError
from gilbench.model.study import FleetHost, Header, Run, Study
from gilbench.plan.blocks import Group, groups, short_cases
from gilbench.plan.fleet import Assignments
from gilbench.store.study import StudyWriter
from gilbench.work.fleet.admission import Admission
from gilbench.work.fleet.answers import Checker, DoneByHosts
from gilbench.work.fleet.client import Came, FleetClient, JobEnded, JobError, Went, value_of
from gilbench.work.fleet.messages import LONGEST_LABEL, Measure, OwnFile
from gilbench.work.listener import Listener

_STEP = 0.2  # s between two looks at the listener
_PATIENCE = 120.0  # s without a host, after which the study ends
_FAULTS = 3  # of a host in a row, after which it is left out
_SHOWN = 3  # hosts in the line of progress


class _Given(NamedTuple):
    """A group that a host measures, or measured when it was lost."""

    host: FleetHost
    group: Group  # without the cases that the host has given up
    attempt: int
    token: int
    label: str


class FleetMeasuring:
    """The groups of one study, the hosts that measure them, and the file.

    Args:
        client: The connection to the fleet.
        admission: Decides which hosts take part.
        study: The planned study, with the runs and hosts of earlier sessions.
        writer: Its file.
        files: The user's own workload files.
        listener: Receives progress, and can stop the work.
    """

    def __init__(
        self,
        client: FleetClient,
        admission: Admission,
        study: Study,
        writer: StudyWriter,
        files: tuple[OwnFile, ...],
        listener: Listener,
    ) -> None:
        self._client, self._admission, self._writer = client, admission, writer
        self._header, self._files, self._listener = study.header, files, listener
        self._done = DoneByHosts(study.header.plan, study.runs)
        self._checker = Checker(study.header, study.runs, study.hosts)
        self._saved = {host.name: host for host in study.hosts}
        self._hosts: dict[str, FleetHost] = {}  # that take part now
        self._given: dict[int, _Given] = {}  # by number of the job
        self._faults: Counter[str] = Counter()  # in a row, by host
        self._lost: dict[str, float] = {}  # hosts that may come back, and when they were lost
        self._admitting: dict[str, asyncio.Task[None]] = {}
        self._assignments = Assignments(self._missing(), earlier=self._done.attempts)
        self._all = sum(1 for _ in _groups(self._header))

    async def run(self, hosts: Mapping[str, FleetHost]) -> None:
        """Measure what is missing, until it is done or the listener stops it.

        Args:
            hosts: The hosts that fit at the start.

        Raises:
            UsageError: The scheduler or all hosts are lost. What is finished is saved.
            StudyError: The file cannot be written.
        """
        for host in hosts.values():
            self._join(host)
        try:
            while not (self._assignments.done or self._listener.stop()):
                await self._give_out()
                self._show()
                self._refuse_endless_wait()
                await self._take_next()
        except UsageError as error:
            raise UsageError(
                f"{error}\nFinished blocks are saved; resume: gilbench run --fleet ADDRESS --resume {self._writer.path}"
            ) from error
        finally:
            for task in self._admitting.values():
                task.cancel()
        for group in self._assignments.given_up:
            self._listener.note(
                f"block {group.block + 1} of {group.workload} failed repeatedly and is missing"
            )

    def _missing(self) -> Iterator[Group]:
        return (group for group in _groups(self._header) if not self._done.finished(group))

    async def _give_out(self) -> None:
        """Give every free host its next group."""
        for name, host in list(self._hosts.items()):
            while (assignment := self._assignments.next(name)) is not None:
                group = self._done.left(name, assignment.group)
                if not group.cases:
                    self._assignments.fail(assignment.token)
                    continue
                label = f"block {group.block + 1}/{self._header.plan.effort.blocks} {group.workload}"
                job = self._job(host, group, assignment.attempt)
                number = await self._client.ask(name, job, label[:LONGEST_LABEL])
                self._given[number] = _Given(host, group, assignment.attempt, assignment.token, label)

    def _job(self, host: FleetHost, group: Group, attempt: int) -> msgspec.Raw:
        plan = msgspec.structs.replace(self._header.plan, cpus=host.cpus)
        job = Measure(
            header=msgspec.structs.replace(
                self._header, host=host.host, plan=plan, interpreters=host.interpreters
            ),
            block=group.block,
            workload=group.workload,
            cases=group.cases,
            long=group.long,
            attempt=attempt,
            files=self._files,
        )
        return msgspec.Raw(msgspec.json.encode(job))

    async def _take_next(self) -> None:
        """Take the next event and those that have come with it, and save what they finish together."""
        event = await self._client.event(_STEP)
        finished: list[tuple[tuple[Run, ...], FleetHost | None]] = []
        while event is not None:
            match event:
                case JobEnded() as ended if (block := self._finished(ended)) is not None:
                    finished.append(block)
                case Came(host=name):
                    self._lose(name)  # it may have been away without notice
                    self._admitting[name] = asyncio.create_task(self._admit(name))
                case Went(host=name) if self._lose(name):
                    self._listener.note(f"{name} is lost; its block goes to another host")
            event = self._client.event_at_once()
        if finished:
            self._writer.add_blocks(finished)

    def _finished(self, ended: JobEnded) -> tuple[tuple[Run, ...], FleetHost | None] | None:
        """Return the runs of an answer, and its host if the file does not have it; None: the answer does not count."""
        given = self._given.get(ended.number)
        if given is None or given.host.name != ended.host:
            return None
        del self._given[ended.number]
        name = given.host.name
        try:
            runs = self._checked(ended, given)
        except JobError as error:
            self._assignments.fail(given.token)
            self._blame(name, str(error))
            return None
        del self._faults[name]
        if not self._assignments.finish(given.token):
            return None  # another answer came first
        self._done.add(name, runs)
        return runs, None if name in self._saved else self._saved.setdefault(name, given.host)

    def _checked(self, ended: JobEnded, given: _Given) -> tuple[Run, ...]:
        """Return the runs of an answer. JobError: it has none, or impossible ones."""
        runs: tuple[Run, ...] = value_of(ended.end, tuple[Run, ...])
        checked = self._checker.taken(runs, given.host, given.group, given.attempt)
        if isinstance(checked, str):
            raise JobError(f"an impossible answer: {checked}")
        return checked

    def _blame(self, name: str, reason: str) -> None:
        self._faults[name] += 1
        if self._faults[name] >= _FAULTS and self._hosts.pop(name, None) is not None:
            self._assignments.lose(name)
            self._admission.leave_out(name, f"{_FAULTS} blocks failed in a row, the last one: {reason}")

    async def _admit(self, name: str) -> None:
        """Let a host take part that joined late, or came back."""
        found = await self._admission.find([name])
        if name in found and name in self._client.hosts and self._faults[name] < _FAULTS:
            host = self._admission.admit(name, found[name], self._header, self._saved.get(name))
            if host is not None:
                self._listener.note(f"{name} takes part")
                self._join(host)

    def _join(self, host: FleetHost) -> None:
        self._hosts[host.name] = host
        self._lost.pop(host.name, None)
        self._assignments.join(host.name)

    def _lose(self, name: str) -> bool:
        """Give the group of a host to others; return whether the host took part.

        Its late answer counts if it is the first one.
        """
        self._assignments.lose(name)
        if name in self._admitting:
            self._admitting.pop(name).cancel()
        if self._hosts.pop(name, None) is None:
            return False
        self._lost[name] = time.monotonic()
        return True

    def _refuse_endless_wait(self) -> None:
        waiting = any(not task.done() for task in self._admitting.values())
        since = time.monotonic() - max(self._lost.values(), default=-math.inf)
        if not (self._hosts or waiting) and since > _PATIENCE:
            raise UsageError("no host is left")

    def _show(self) -> None:
        """Show what each host measures."""
        doing = {one.host.name: one.label for one in self._given.values() if one.host.name in self._hosts}
        texts = [f"{name}: {label.removeprefix('block ')}" for name, label in sorted(doing.items())]
        shown = ", ".join(texts[:_SHOWN]) + (
            f", and {len(texts) - _SHOWN} hosts" if len(texts) > _SHOWN else ""
        )
        done = 1 - self._assignments.left / self._all if self._all else 1.0
        self._listener.progress(shown or "waiting for hosts", done, self._header.plan.seconds)


def _groups(header: Header) -> Iterator[Group]:
    jit = {interpreter.name for interpreter in header.interpreters if interpreter.build.jit}
    workloads = {workload.name: workload for workload in header.workloads}
    return groups(header.plan, short_cases(header.plan, workloads, jit))
