"""The names of a program's threads, as its interpreters know them, else as the kernel does.

An interpreter is asked by py-spy, or read from its memory if it is free-threaded, soon after the start, and then at
growing intervals. A thread that lives for less is named only if a sample of its stack has its name.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterable

from gilbench.model.profile import ProfiledThread, Stack
from gilbench.observe.free_threaded_names import FreeThreadedNames
from gilbench.observe.gil.standing import python_threads
from gilbench.observe.running import RunningPython, children_of

_FIRST = 0.3  # s until the interpreters are asked; then after twice as long each time
_FIRST_READ = 0.05  # s, where names are read from memory, which costs little
_LAST = 20.0
_SOON = 0.25  # s for each s of the profile, where names are read from memory
_WORK = 0.1  # of the time that asking may take
_MOST = 16  # processes that are asked at a time

Thread = tuple[int, int]  # process and thread


class ThreadNames:
    """Learns the names of threads.

    Args:
        python: The process.
    """

    def __init__(self, python: RunningPython) -> None:
        self._python = python
        self._began = time.monotonic()
        self._known: dict[Thread, str] = {}
        self._memory = FreeThreadedNames(python) if python.free_threaded else None  # py-spy cannot read it
        self._next = self._began + (_FIRST if self._memory is None else _FIRST_READ)
        self._next_children = self._began + _FIRST
        self._asking: threading.Thread | None = None
        self.others: set[str] = set()  # executables of children that run another interpreter
        self.children: set[int] = set()  # pids of children that run the same interpreter

    def tick(self) -> None:
        """Ask the interpreters when it is time, in a thread of its own; call this several times a second."""
        now = time.monotonic()
        if now >= self._next_children:
            self._next_children = now + min(now - self._began, _LAST)
            known = len(self.children)
            self._find_children()
            if self._python.children and len(self.children) > known:
                self._next = min(self._next, now + _FIRST)
        if now >= self._next and self._asking is None:
            self._asking = threading.Thread(target=self._ask, daemon=True)
            self._asking.start()
        elif self._asking is not None and not self._asking.is_alive():
            self._asking = None

    def finish(self, threads: Iterable[ProfiledThread], *, ended: bool) -> None:
        """Wait for the names that were asked for; if the program goes on, ask for those that are still unknown."""
        if self._asking is not None:
            self._asking.join()
        if not ended and any((thread.pid, thread.tid) not in self._known for thread in threads):
            self._ask()

    def _ask(self) -> None:
        moment = time.monotonic()
        children = self._find_children() if self._python.children else set()
        if self._memory is not None:
            self._memory.ask()
        for pid in (
            *(() if self._memory is not None else (self._python.pid,)),
            *sorted(children)[: _MOST - 1],
        ):
            for thread in python_threads(pid).threads:
                tid, name = thread.get("os_thread_id"), thread.get("thread_name")
                if isinstance(tid, int) and name:
                    self._known[pid, tid] = str(name)
        taken = time.monotonic() - moment
        step = _SOON if self._memory is not None else 2.0
        self._next = moment + max(min(step * (moment - self._began), _LAST), taken / _WORK)

    def _find_children(self) -> set[int]:
        children, others = children_of(self._python)
        self.children |= children
        self.others |= others
        return children

    def learn(self, stacks: Iterable[Stack]) -> None:
        """Take the names that samples of stacks have."""
        for stack in stacks:
            if stack.tid is not None and stack.named:
                self._known.setdefault((stack.pid or self._python.pid, stack.tid), stack.thread)

    def of(self, thread: ProfiledThread, program: frozenset[str | None]) -> str | None:
        """Return the name of a thread; None: it has no name of its own.

        Args:
            thread: The thread; its name is the kernel's, if the probe knows it.
            program: Names of the main threads, which the kernel also gives to every thread that they start.
        """
        key = thread.pid, thread.tid
        if thread.count == 1 and key in self._known:
            return self._known[key]
        if thread.count == 1 and thread.tid == thread.pid:
            return "MainThread"
        if self._memory is not None and thread.count == 1:
            return self._memory.of(thread.tid, thread.name)
        name = thread.name or _by_kernel(*key)
        return None if name in program else name

    def of_programs(self, threads: Iterable[ProfiledThread]) -> frozenset[str | None]:
        """Return the kernel's names of the main threads."""
        mains = [thread for thread in threads if thread.tid == thread.pid]
        return frozenset(thread.name or _by_kernel(thread.pid, thread.tid) for thread in mains)


def _by_kernel(pid: int, tid: int) -> str | None:
    with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{tid}/comm", "rb") as file:
        return file.read().decode("utf-8", "replace").strip()
    return None
