"""Decides which host of a fleet measures which group next.

Each group is finished exactly once, or is given up after failures on several hosts. Hosts get equal numbers of groups
of each workload, with and without long slices; see ``fleet_shares``. So the fleet is as fast as its slowest host: a
host that does not answer any more has to be declared lost.

A step takes a time that depends on the number of workloads, but hardly on that of groups or hosts.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from gilbench.plan.blocks import Group
from gilbench.plan.fleet_groups import OpenGroup, alike_groups
from gilbench.plan.fleet_shares import HostShares

FAILURES = 3  # of a group, after which it is given up; on different hosts if there are enough


class Assignment(NamedTuple):
    """A group that a host should measure now."""

    group: Group
    attempt: int  # number of earlier attempts at this group
    token: int  # identifies the answer


class _Handed(NamedTuple):
    group: OpenGroup
    host: str


class Assignments:
    """The groups of a plan, and the hosts that measure them.

    Args:
        groups: The groups, in the order of the plan.
        hosts: Names of hosts that are present from the start.
        earlier: Attempts at groups in earlier sessions, by block and workload.
    """

    def __init__(
        self,
        groups: Iterable[Group],
        hosts: Iterable[str] = (),
        earlier: Mapping[tuple[int, str], int] | None = None,
    ) -> None:
        self._kinds = alike_groups(groups)
        self._earlier = earlier or {}
        self._shares = HostShares(list(map(len, self._kinds)))
        self._tokens = 0
        self._current: dict[str, int] = {}  # token by host
        self._freed: OrderedDict[str, None] = OrderedDict()  # hosts that ``hand_out`` has not asked yet
        self._idle: OrderedDict[str, None] = OrderedDict()  # hosts for which there was nothing
        self._handed: dict[int, _Handed] = {}  # by token, also of lost hosts, if they may still answer
        self._failed: dict[frozenset[str], deque[OpenGroup]] = {}  # groups that wait, by hosts that failed
        self._by_host: Counter[str] = Counter()
        self.left = sum(map(len, self._kinds))
        """Number of groups that are neither finished nor given up."""
        self.given_up: list[Group] = []
        for host in hosts:
            self.join(host)

    @property
    def done(self) -> bool:
        """Whether every group is finished or given up."""
        return not self.left

    @property
    def by_host(self) -> Mapping[str, int]:
        """Number of finished groups by host."""
        return self._by_host

    def join(self, host: str) -> None:
        """Add a host, also one that was lost. A host that is present stays as it is."""
        if host not in self._shares:
            self._shares.join(host)
            self._freed[host] = None

    def lose(self, host: str) -> None:
        """Remove a host. Its group goes to another one, but a late answer is accepted if it comes first."""
        if host not in self._shares:
            return
        token = self._current.pop(host, None)
        if token is not None:
            group, _ = self._handed[token]
            if group.finished:
                del self._handed[token]
            else:
                self._shares.give_back(host, group.kind)
                self._wait(group)
        self._shares.leave(host)

    def next(self, host: str) -> Assignment | None:
        """Return what a host should measure now.

        None: it is not present, it measures already, or there is nothing for it now. Ask again after an answer of
        another host, or after one was lost, unless ``done``.
        """
        if not self._is_free(host):
            return None
        group = self._take_failed(host) or self._take_own(host)
        if group is None:
            return None
        token, self._tokens = self._tokens, self._tokens + 1
        attempt, group.attempts = group.attempts, group.attempts + 1
        group.token = token
        group.tokens.append(token)
        self._current[host] = token
        self._handed[token] = _Handed(group, host)
        self._shares.take(host, group.kind)
        return Assignment(group.group, attempt, token)

    def hand_out(self) -> Iterator[tuple[str, Assignment]]:
        """Yield what hosts that are free should measure now, without asking each of them.

        Hosts for which there was nothing are asked in turn, until there is nothing for one of them; if no host
        measures, all are asked.
        """
        while self._freed:
            host, _ = self._freed.popitem(last=False)
            if (assignment := self.next(host)) is not None:
                yield host, assignment
            elif self._is_free(host):
                self._idle[host] = None
        for _ in range(len(self._idle)):
            host, _ = self._idle.popitem(last=False)
            if (assignment := self.next(host)) is not None:
                yield host, assignment
            elif self._is_free(host):
                self._idle[host] = None
                if self._current:
                    return

    def finish(self, token: int) -> bool:
        """Note an answer with the runs of a group.

        Returns:
            Whether the answer counts. False: the group was finished by another answer, or was given up.
        """
        handed = self._answered(token)
        if handed is None:
            return False
        group, host = handed
        if group.token != token:  # the host was lost in between
            if group.token is not None:
                self._shares.give_back(self._handed[group.token].host, group.kind)
            self._shares.take(host, group.kind)
        self._by_host[host] += 1
        self._close(group)
        return True

    def fail(self, token: int) -> None:
        """Note that a host could not measure a group. It goes to another host, or is given up."""
        handed = self._answered(token)
        if handed is None or handed.group.token != token:  # another host has it, or will
            return
        group, host = handed
        group.failures += 1
        group.failed |= {host}
        if group.failures >= FAILURES:
            self.given_up.append(group.group)
            self._close(group)
        else:
            self._shares.repeat(group.kind)
            self._wait(group)

    def _is_free(self, host: str) -> bool:
        return host in self._shares and host not in self._current

    def _answered(self, token: int) -> _Handed | None:
        """Let the host of an answer be free; return its assignment, unless the group is finished."""
        handed = self._handed.pop(token, None)
        if handed is None:
            return None
        if self._current.get(handed.host) == token:
            del self._current[handed.host]
            self._freed[handed.host] = None
        if handed.group.finished:
            return None
        handed.group.tokens.remove(token)
        return handed

    def _close(self, group: OpenGroup) -> None:
        """Expect no more answers for a group, except from a host that measures it now and is busy until then."""
        group.finished = True
        for token in group.tokens:
            if token != group.token:
                del self._handed[token]
        self.left -= 1

    def _wait(self, group: OpenGroup) -> None:
        """Let a group wait for a host."""
        group.token = None
        if group.failed:
            self._failed.setdefault(group.failed, deque()).append(group)
        else:
            self._kinds[group.kind].put_back(group)

    def _take_failed(self, host: str) -> OpenGroup | None:
        """Take a group that failed on other hosts, even beyond the host's share."""
        for failed in list(self._failed):
            only = len(failed) >= self._shares.present and all(one in failed for one in self._shares)
            if host in failed and not only:
                continue
            queue = self._failed[failed]
            while queue:
                group = queue.popleft()
                if not group.finished:  # by a late answer
                    return group
            del self._failed[failed]
        return None

    def _take_own(self, host: str) -> OpenGroup | None:
        """Take a group of the kind of which the host has the least, relative to its share."""
        best: tuple[float, int, int] | None = None
        for number, kind in enumerate(self._kinds):
            order = kind.head()
            progress = None if order is None else self._shares.progress(host, number)
            if order is not None and progress is not None:
                best = min(best or (2.0, 0, 0), (progress, order, number))
        if best is None:
            return None
        group, fresh = self._kinds[best[2]].take()
        if fresh:
            group.attempts = self._earlier.get((group.group.block, group.group.workload), 0)
        return group
