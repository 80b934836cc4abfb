"""Chooses the CPUs of a worker and of the load generator for each slice."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from gilbench.model.study import Case, Cpu, Host

# Threads of a JVM or of Mono itself, by the start of their names. They are not confined with those of the program.
_VIRTUAL_MACHINE = (
    "C1 Compiler",
    "C2 Compiler",
    "Common-Cleaner",
    "Finalizer",
    "G1 ",
    "GC Thread",
    "Monitor Deflat",
    "Reference Hand",
    "SGen worker",
    "Service Thread",
    "Signal Dispatc",
    "Sweeper thread",
    "Thread Pool ",
    "VM ",
)


_WITH_LOAD = frozenset({"service", "signals"})  # drivers whose requests or signals come from outside
_WITH_MAIN_THREAD = _WITH_LOAD | {"inside"}  # drivers whose main thread works beside the counted threads


class Placement(NamedTuple):
    """CPUs of one slice."""

    cpus: tuple[int, ...]  # of the worker
    serving: int  # one of ``cpus``, for the main thread of a service alone
    peer: int  # of the load generator


class Layout:
    """The cores of a plan, in an order in which neighbors share a node and a cache.

    Args:
        cpus: Numbers of the CPUs that are used.
        host: What is known of the host; a CPU that is unknown counts as a core of its own.
    """

    def __init__(self, cpus: Sequence[int], host: Host | None = None) -> None:
        known = host.cpus if host is not None else ()
        self._most = host.cores if host is not None and host.quota is not None else None
        by_number = {cpu.number: cpu for cpu in known}
        self._nodes = _by_node([by_number.get(number) or Cpu(number=number, core=number) for number in cpus])
        self._cores = [core for node in self._nodes for core in node]
        others = [cpu for cpu in known if cpu.number not in set(cpus)]
        self._spare = [core for node in _by_node(others) for core in node]
        self.width = max(map(len, self._nodes))  # cores of a node

    def cores(self, turn: int) -> list[tuple[int, ...]]:
        """Return the CPUs of each core, beginning with another core each turn, and with its node."""
        first = self._cores[turn % len(self._cores)]
        number = next(index for index, node in enumerate(self._nodes) if first in node)
        at = self._nodes[number].index(first)
        rotated = [*self._nodes[number][at:], *self._nodes[number][:at]]
        others = [*self._nodes[number + 1 :], *self._nodes[:number]]
        sibling = turn // len(self._cores)
        cores = [*rotated, *(core for node in others for core in node)]
        return [(*core[(at := sibling % len(core)) :], *core[:at]) for core in cores]

    def limited(self, count: int) -> int:
        """Return how many of some CPUs a quota permits: more would be used for a moment, and then all be stopped."""
        return count if self._most is None else min(count, self._most)

    def apart(self) -> bool:
        """Return whether the load generator has a core of its own while the worker has at least two."""
        return len(self._cores) > 2 or bool(self._spare)  # noqa: PLR2004 - the worker's two, and one more

    def own_core(self, turn: int) -> tuple[int, ...] | None:
        """Return a core of another kind for the load generator; None: there is none."""
        return self._spare[turn % len(self._spare)] if self._spare else None


def place(case: Case, driver: str, layout: Layout, turn: int) -> Placement:
    """Choose the CPUs of one slice.

    N CPU-bound threads get N CPUs: of different cores and of one node, if there are as many. One thread gets the first
    CPU of several threads, so that a speedup compares the same cores. A service, which can start threads, gets at least
    the cores of one node. CPUs drift separately, and a thread that migrates would measure that drift. All slices of a
    round start at the same core, and the next round at the next one, so no core is favored.

    A serving thread and its client run on different cores, as if the client were another machine. The scheduler
    alone would move them together and apart. On a virtual machine, where it is expensive to wake an idle CPU, that
    changed the round-trip time fivefold from run to run. On three or more cores, no other thread of the worker runs on
    the client's core either.

    Args:
        case: The case.
        driver: Driver of its workload.
        layout: The cores.
        turn: Number of the round, which rotates the cores.
    """
    cores = layout.cores(turn)
    peer = layout.own_core(turn) if driver in _WITH_LOAD else None
    takes = driver in _WITH_LOAD and peer is None and layout.apart()  # a core for the load generator
    if driver == "command":  # it may have any number of threads and processes
        count = case.cpus or sum(map(len, cores))
    elif driver in _WITH_MAIN_THREAD:
        count = case.cpus or max(case.threads + 1, layout.width - takes)
    else:
        count = case.cpus or max(1, case.threads)
    if takes:
        peer = cores.pop(min(count, len(cores) - 1))
    cpus = _whole_cores_first(cores)
    client = cpus[1 % len(cpus)] if peer is None else peer[0]
    return Placement(tuple(cpus[: count if case.cpus else layout.limited(count)]), cpus[0], client)


def keep_apart(pid: int, thread: int, cpus: Sequence[Cpu]) -> None:
    """Give one thread of a process a CPU of its own, on a core of its own if there are several.

    The kernel may otherwise leave two busy threads of one process on the same CPU for a while.

    Args:
        pid: The process.
        thread: The thread.
        cpus: CPUs that the process may use.
    """
    if len(cpus) > 1:
        last = cpus[-1]
        others = [one.number for one in cpus if one.core != last.core]
        set_affinity(pid, tuple(others or (one.number for one in cpus[:-1])), (thread, last.number))


def set_affinity(
    pid: int, cpus: tuple[int, ...], alone: tuple[int | None, int] | None = None
) -> tuple[int, ...]:
    """Set the CPU affinity of the threads of a process, without those of a virtual machine itself.

    Args:
        pid: The process.
        cpus: CPUs that its threads may use.
        alone: A thread, and the only CPU that it may use; None: no thread is treated differently.

    Returns:
        The CPUs that the threads may use afterwards; empty: unknown.
    """
    if not hasattr(os, "sched_setaffinity"):
        return ()
    in_force: set[int] = set()
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):  # the thread has ended since
                if (task / "comm").read_text("utf-8", "replace").startswith(_VIRTUAL_MACHINE):
                    continue
                tid = int(task.name)
                os.sched_setaffinity(tid, (alone[1],) if alone and tid == alone[0] else cpus)
                in_force |= os.sched_getaffinity(tid)
    return tuple(sorted(in_force))


def _by_node(cpus: Sequence[Cpu]) -> list[list[tuple[int, ...]]]:
    """Return the CPUs of each core of each node; cores that share a cache follow each other."""
    nodes: dict[int, dict[int, list[int]]] = {}
    for cpu in sorted(cpus, key=lambda cpu: (cpu.node, cpu.cache or 0, cpu.core, cpu.number)):
        nodes.setdefault(cpu.node, {}).setdefault(cpu.core, []).append(cpu.number)
    return [[tuple(core) for core in node.values()] for node in nodes.values()]


def _whole_cores_first(cores: Sequence[tuple[int, ...]]) -> list[int]:
    """Return one CPU of each core, then the second of each, and so on."""
    most = max(map(len, cores))
    return [core[number] for number in range(most) for core in cores if number < len(core)]
