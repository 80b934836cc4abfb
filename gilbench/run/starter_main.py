"""Starts the user's commands, one after another, and measures each: wall time, CPU time, and peak memory.

A process of its own, for two reasons. The kernel counts the memory of the process that starts a command as memory of
the command, so the process must be small. It also adopts the orphans of a command, so that none is left behind.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

_GRACE = 0.25  # s in which the descendants of an ended command may end by themselves
_PAUSE = 0.005  # s
_UNIT = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss, in bytes
_SHELL, _LEFT_BY_A_SHELL = "/bin/sh", '"$@" <&0 &'


class _Launcher:
    """The command that runs, if any, and its descendants."""

    def __init__(self, tell: Callable[[int], None]) -> None:
        self._tell = tell
        self._pid = 0  # 0: none runs
        self._timed_out = False
        signal.signal(signal.SIGALRM, self._time_out)
        signal.signal(signal.SIGTERM, self._give_up)

    def run(self, request: dict[str, Any]) -> dict[str, Any]:
        """Run a command to its end, and then end what it has left behind.

        Args:
            request: ``program`` and its ``arguments``, ``environment`` (in addition to this process's), ``folder``,
                ``input`` (file for stdin), ``errors`` (file that gets stderr), ``kept`` (the file gets stdout, too,
                and the PID is sent at once), ``cpus``, and ``limit`` in s.

        Returns:
            ``start`` and ``end`` (CLOCK_MONOTONIC seconds), ``status`` (negative: the signal), ``timed_out``, ``user``
            and ``system`` CPU time in s, ``memory`` in bytes (None: not more than that of this process), ``left``
            (processes that were ended), and ``cpus``.

        Raises:
            OSError: The command cannot be started.
        """
        self._timed_out = False
        start = time.monotonic()
        self._start(request, request["program"], request["arguments"])
        if request["kept"]:
            self._tell(self._pid)
        _, status, usage = os.wait4(self._pid, 0)
        end = time.monotonic()
        signal.setitimer(signal.ITIMER_REAL, 0)
        self._pid, peak = 0, usage.ru_maxrss * _UNIT
        return {
            "start": start,
            "end": end,
            "status": os.waitstatus_to_exitcode(status),
            "timed_out": self._timed_out,
            "user": usage.ru_utime,
            "system": usage.ru_stime,
            "memory": peak if peak > _own_peak() else None,
            "left": _end_left(0.0 if self._timed_out else _GRACE),
            "cpus": sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [],
        }

    def weigh(self, request: dict[str, Any]) -> dict[str, Any]:
        """Run a command for its memory alone, however little that is, and return ``memory`` in bytes.

        A shell starts it, since that is smaller than this process, and leaves it to this process.

        Args:
            request: As for ``run``.
        """
        words = ["sh", "-c", _LEFT_BY_A_SHELL, "sh", request["program"], *request["arguments"][1:]]
        self._start(request, _SHELL, words)
        os.waitpid(self._pid, 0)
        peak = 0
        with contextlib.suppress(ChildProcessError):  # there is no other one
            while True:
                peak = max(peak, os.wait4(-1, 0)[2].ru_maxrss)
        signal.setitimer(signal.ITIMER_REAL, 0)
        self._pid = 0
        return {"memory": peak * _UNIT or None}

    def _start(self, request: dict[str, Any], program: str, arguments: list[str]) -> None:
        """Start a program, which is the leader of a session, and set its time limit."""
        os.chdir(request["folder"])
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, request["cpus"])
        new = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND
        files = [
            (os.POSIX_SPAWN_OPEN, 0, request["input"], os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, request["errors"] if request["kept"] else os.devnull, new, 0o600),
            (os.POSIX_SPAWN_OPEN, 2, request["errors"], new, 0o600),
        ]
        # Python ignores these signals; a program must get the defaults.
        ignored = [signal.SIGPIPE, signal.SIGXFSZ]
        environment = {**os.environ, **request["environment"]}
        # It is like vfork: it does not copy this process, and returns when the program is loaded.
        self._pid = os.posix_spawn(
            program, arguments, environment, file_actions=files, setsid=True, setsigdef=ignored
        )
        signal.setitimer(signal.ITIMER_REAL, request["limit"])

    def _time_out(self, *_: object) -> None:
        if self._pid:
            self._timed_out = True
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._pid, signal.SIGKILL)

    def _give_up(self, *_: object) -> None:
        """End all processes, this one included: gilbench ends, or has died."""
        if self._pid:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._pid, signal.SIGKILL)
        _end_left(0.0)
        os._exit(0)


def _end_left(grace: float) -> int:
    """Wait ``grace`` s for the descendants of an ended command, end the rest, and return how many had to be ended."""
    deadline = time.monotonic() + grace
    while _has_children() and time.monotonic() < deadline:
        time.sleep(_PAUSE)
    ended = 0
    while _has_children():
        children = _children()
        ended += len(children)
        for pid in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if not children:  # the kernel does not list them
            break
        for pid in children:
            os.waitpid(pid, 0)  # its own children become those of this process
    return ended


def _has_children() -> bool:
    """Reap what has ended, and return whether a child is left."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def _children() -> list[int]:
    try:
        with open(f"/proc/self/task/{os.getpid()}/children") as listed:
            return [int(pid) for pid in listed.read().split()]
    except OSError:
        return []


def _own_peak() -> int:
    """Return the peak memory of this process in bytes; 0: unknown."""
    try:
        with open("/proc/self/status") as lines:
            return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        return 0


def main() -> None:
    """Run commands until gilbench ends."""
    gc.disable()
    with open(int(sys.argv[1])) as requests, open(int(sys.argv[2]), "w") as replies:

        def send(message: dict[str, Any]) -> None:
            replies.write(json.dumps(message) + "\n")
            replies.flush()

        launcher = _Launcher(lambda pid: send({"pid": {"pid": pid}}))
        known = {"run": launcher.run, "weigh": launcher.weigh}
        os.set_inheritable(requests.fileno(), False)
        os.set_inheritable(replies.fileno(), False)
        for line in requests:
            request = json.loads(line)
            if request["do"] == "stop":
                return
            answer: dict[str, Any]
            try:
                answer = {"ok": known[request["do"]](request)}
            except OSError as error:
                reason = error.strerror or str(error)
                if error.errno == errno.ENOEXEC:
                    reason += "; its first line must name its interpreter: #!/bin/sh"
                answer = {"ok": {"refused": reason}}
            send(answer)


if __name__ == "__main__":
    main()
