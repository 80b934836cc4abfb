"""A simulated fleet: hosts of different speed that die, are cut off, answer late, twice, or not, and come back.

Time, hosts, and network are simulated, as discrete events. Who measures what is decided by the real ``Assignments``.
"""

from __future__ import annotations

import heapq
import random
import time
from collections.abc import Callable, Iterable
from itertools import count
from typing import NamedTuple

from gilbench.plan.blocks import Group
from gilbench.plan.fleet import Assignment, Assignments


class World(NamedTuple):
    """The properties of a simulated fleet. Times are the means of exponential distributions, unless noted."""

    hosts: int
    seed: int = 1
    block_seconds: float = 2.0  # of a host of mean speed; times vary by 10%
    speeds: float = 0.3  # standard deviation of the logarithm of a host's speed
    life: float = 600.0  # s until a host dies
    connection: float = 600.0  # s until a host is cut off
    away: float = 30.0  # s until it is back
    noticed: float = 5.0  # s, fixed, until a host that does not answer is declared lost
    fails: float = 0.001  # fraction of blocks that a host cannot measure
    twice: float = 0.01  # fraction of answers that arrive twice
    commit: float = 0.01  # s, fixed; answers that arrive meanwhile are written together


class Answer(NamedTuple):
    """The answer of a host, with the runs of a group."""

    host: str
    assignment: Assignment


class Tally:
    """What happened in a simulation."""

    def __init__(self) -> None:
        self.finished: list[tuple[Group, str]] = []
        self.commits = 0
        self.lost = 0  # times a host was declared lost
        self.late = 0  # answers of a host that had been lost in between
        self.dropped = 0  # answers that did not count
        self.failed = 0
        self.simulated = 0.0  # s
        self.assigning = 0.0  # s, of real time, in Assignments
        self.writing = 0.0  # s, of real time, in ``write``


class _SimulatedHost:
    def __init__(self, name: str, pace: float) -> None:
        self.name, self.pace = name, pace
        self.life = self.known_life = 0  # number of its restarts, and when it last joined
        self.connected = self.present = True
        self.lost_at = 0.0
        self.busy_until = 0.0


class Simulation:
    """A study of a simulated fleet.

    Args:
        assignments: The groups, without hosts.
        world: The fleet.
        write: Saves answers that count.
    """

    def __init__(self, assignments: Assignments, world: World, write: Callable[[list[Answer]], None]) -> None:
        self._fleet, self._world, self._write = assignments, world, write
        self._rng = random.Random(world.seed)
        self._events: list[tuple[float, int, Callable[..., None], tuple[object, ...]]] = []
        self._numbers = count()
        self._now = 0.0
        self._arrived: list[Answer] = []
        self._hosts: dict[str, _SimulatedHost] = {}
        self.tally = Tally()
        for number in range(world.hosts):
            host = _SimulatedHost(f"host{number:05}", self._rng.lognormvariate(0.0, world.speeds))
            self._hosts[host.name] = host
            self._fleet.join(host.name)
            self._later(self._exponential(world.life), self._die, host)
            self._later(self._exponential(world.connection), self._cut, host)

    def run(self) -> Tally:
        """Run until every group is finished or given up."""
        self._commit()
        while not self._fleet.done:
            self._now, _, happen, what = heapq.heappop(self._events)
            happen(*what)
        self.tally.simulated = self._now
        return self.tally

    def _later(self, seconds: float, happen: Callable[..., None], *what: object) -> None:
        heapq.heappush(self._events, (self._now + seconds, next(self._numbers), happen, what))

    def _exponential(self, mean: float) -> float:
        return self._rng.expovariate(1 / mean)

    def _commit(self) -> None:
        """Decide which of the answers count, save them together, and hand out new groups."""
        began = time.perf_counter()
        counting = [one for one in self._arrived if self._fleet.finish(one.assignment.token)]
        decided = time.perf_counter()
        if counting:
            self._write(counting)
            self.tally.commits += 1
        written = time.perf_counter()
        handed = list(self._fleet.hand_out())
        self.tally.assigning += decided - began + time.perf_counter() - written
        self.tally.writing += written - decided
        self.tally.finished += [(one.assignment.group, one.host) for one in counting]
        self.tally.dropped += len(self._arrived) - len(counting)
        self._arrived.clear()
        for name, assignment in handed:
            self._measure(self._hosts[name], assignment)
        self._later(self._world.commit, self._commit)

    def _measure(self, host: _SimulatedHost, assignment: Assignment) -> None:
        """Let a host measure, after what it still measures for an assignment that it was cut off from."""
        seconds = self._world.block_seconds * host.pace * self._rng.uniform(0.9, 1.1)
        host.busy_until = max(host.busy_until, self._now) + seconds
        self._later(host.busy_until - self._now, self._answer, host, host.life, assignment, self._now)

    def _answer(self, host: _SimulatedHost, life: int, assignment: Assignment, asked: float) -> None:
        if life != host.life:
            return  # it died while it measured
        if not host.connected:
            self._later(1.0, self._answer, host, life, assignment, asked)  # it tries again
            return
        if asked < host.lost_at:
            self.tally.late += 1
        if self._rng.random() < self._world.fails:
            self._fleet.fail(assignment.token)
            self.tally.failed += 1
            return
        self._arrived.append(Answer(host.name, assignment))
        if self._rng.random() < self._world.twice:
            self._arrived.append(Answer(host.name, assignment))

    def _die(self, host: _SimulatedHost) -> None:
        host.life += 1
        host.busy_until = 0.0
        self._disconnect(host)
        self._later(self._exponential(self._world.life), self._die, host)

    def _cut(self, host: _SimulatedHost) -> None:
        self._disconnect(host)
        self._later(self._exponential(self._world.connection), self._cut, host)

    def _disconnect(self, host: _SimulatedHost) -> None:
        if host.connected:
            host.connected = False
            self._later(self._world.noticed, self._notice, host)
            self._later(self._exponential(self._world.away), self._return, host)

    def _notice(self, host: _SimulatedHost) -> None:
        if not host.connected:
            self._lose(host)

    def _return(self, host: _SimulatedHost) -> None:
        host.connected = True
        if host.life != host.known_life:  # it has started again, and does not know what it measured
            host.known_life = host.life
            self._lose(host)
        host.present = True
        self._timed(self._fleet.join, host.name)

    def _lose(self, host: _SimulatedHost) -> None:
        if host.present:
            host.present = False
            host.lost_at = self._now
            self.tally.lost += 1
            self._timed(self._fleet.lose, host.name)

    def _timed(self, step: Callable[[str], None], name: str) -> None:
        began = time.perf_counter()
        step(name)
        self.tally.assigning += time.perf_counter() - began


def simulate(groups: Iterable[Group], world: World, write: Callable[[list[Answer]], None]) -> Tally:
    """Let a simulated fleet measure the groups of a plan."""
    began = time.perf_counter()
    simulation = Simulation(Assignments(groups), world, write)
    ready = time.perf_counter()
    tally = simulation.run()
    tally.assigning += ready - began
    return tally
