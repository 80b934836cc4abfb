"""Starts and ends processes. No other module starts one.

Every child is the leader of its own session: the terminal's Ctrl-C reaches gilbench alone, and the whole process
group of a child can be ended. The kernel kills every child when gilbench dies.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import resource
import select
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, NoReturn

from gilbench.host.environment import clean_environment, find_tool
from gilbench.model.errors import GilbenchError

GRACE = 0.5  # s between SIGTERM and SIGKILL
TAIL = 4000  # bytes kept of the end of a child's output
_LONG = 1e6  # s
_FIRST = -20  # the highest priority, as a nice value
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36  # prctl(2)
_PR_SET_PTRACER = 0x59616D61
_LIBC = ctypes.CDLL(None, use_errno=True)


class ProcessError(GilbenchError):
    """A program that could not be started or that timed out."""


@contextlib.contextmanager
def _ended_descriptor(pid: int) -> Iterator[int]:
    """Open a descriptor that becomes readable when a child ends."""
    descriptor = os.pidfd_open(pid)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _before_exec(parent: int, *, adopts: bool = False) -> Callable[[], None]:
    def die_with_parent() -> None:
        # A child with children of its own must be able to end them first.
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM if adopts else signal.SIGKILL, 0, 0, 0)
        if adopts:
            _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        if os.getppid() != parent:  # the parent died before prctl
            os._exit(1)

    return die_with_parent


def launch(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None,
    cwd: str | Path | None,
    stdout: int,
    stderr: int,
    stdin: int = subprocess.DEVNULL,
    pass_fds: Sequence[int] = (),
    adopts: bool = False,
) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own.

    Args:
        argv: The program and its arguments; never a shell string.
        env: The whole environment; None: a clean copy of gilbench's.
        cwd: Its working folder; None: gilbench's.
        stdout: Descriptor for its output.
        stderr: Descriptor for its errors.
        stdin: Descriptor for its input.
        pass_fds: Descriptors that the child inherits.
        adopts: As for ``Process``.

    Raises:
        ProcessError: The program cannot be started.
    """
    program = argv[0] if os.sep in argv[0] else find_tool(argv[0])
    if program is None:
        raise ProcessError(f"cannot start {shlex.quote(argv[0])}: not found in PATH")
    try:
        return subprocess.Popen(
            tuple(argv),
            executable=program,
            env=dict(env) if env is not None else clean_environment(),
            cwd=cwd,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            pass_fds=pass_fds,
            start_new_session=True,
            preexec_fn=_before_exec(os.getpid(), adopts=adopts) if sys.platform == "linux" else None,  # noqa: PLW1509
        )
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ProcessError(f"cannot start {argv[0]}: {reason}") from error


def cpu_time(pid: int) -> float | None:
    """CPU seconds that all threads of a process have used so far, to the nanosecond; None if unknown.

    Linux numbers the CPU clock of a process by its pid: clock_getcpuclockid(3). It lasts until the process is reaped.
    """
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except (OSError, OverflowError):
        return None


def favor(pid: int) -> None:
    """Let a new process run before others, as far as the user may: root may, others mostly may not.

    The session of a child of gilbench is a scheduling group of its own in kernels with autogroups.
    """
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, _FIRST)
        Path(f"/proc/{pid}/autogroup").write_text(str(_FIRST), "ascii")


def allow_tracing(pid: int) -> None:
    """Let a child read the memory of this process, also where only parents may (Yama). Does nothing elsewhere."""
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_PTRACER, pid, 0, 0, 0)


def signal_name(number: int) -> str:
    """Return the name of a signal; a real-time signal has none."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


class _Child:
    """A child process, reaped by its PID."""

    pid: int

    def __init__(self) -> None:
        self.rusage: resource.struct_rusage | None = None
        self._status: int | None = None

    def poll(self) -> int | None:
        """Return the exit status (negative: the signal), or None if the process is running."""
        if self._status is None:
            self._reap(os.WNOHANG)
        return self._status

    def wait(self, seconds: float) -> int | None:
        """Wait at most ``seconds`` for the process to end, and return what ``poll`` returns."""
        if self.poll() is None and seconds > 0:
            with _ended_descriptor(self.pid) as ended:
                select.select([ended], [], [], seconds)
            self.poll()
        return self._status

    def signal(self, number: int) -> None:
        """Send a signal to the process, but not to its group. Does nothing if the process has ended."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def _reap(self, flags: int) -> None:
        try:
            pid, status, rusage = os.wait4(self.pid, flags)
        except ChildProcessError:
            self._status = 0
            return
        if pid:
            self._status = os.waitstatus_to_exitcode(status)
            self.rusage = rusage


class Program(_Child):
    """The user's program, with gilbench's terminal, streams, and environment. It waits for ``let_go`` before it starts.

    It stays in gilbench's process group, so the terminal's Ctrl-C reaches it as usual. It must be created while
    gilbench has only one thread.

    Args:
        argv: The program and its arguments.
    """

    def __init__(self, argv: Sequence[str]) -> None:
        super().__init__()
        self.argv = tuple(argv)
        self.cpu: float | None = None  # s of the ended process alone; ``rusage`` includes its children
        held, self._let_go = os.pipe()
        self._failed, failing = os.pipe()  # closed by the exec
        parent = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            self._become(held, failing, parent)
        os.close(held)
        os.close(failing)

    def let_go(self) -> None:
        """Start the program.

        Raises:
            ProcessError: The program cannot be started.
        """
        os.write(self._let_go, b"1")
        os.close(self._let_go)
        with open(self._failed, "rb") as failure:
            number = failure.read()
        if number:
            self._reap(0)
            raise ProcessError(f"cannot start {shlex.quote(self.argv[0])}: {os.strerror(int(number))}")

    def end(self) -> None:
        """Kill the process if it is running."""
        self.signal(signal.SIGKILL)
        if self._status is None:
            self._reap(0)

    def _reap(self, flags: int) -> None:
        with contextlib.suppress(ChildProcessError):
            if os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT | flags) is not None:
                self.cpu = cpu_time(self.pid)
        super()._reap(flags)

    def _become(self, held: int, failing: int, parent: int) -> NoReturn:
        try:
            os.close(self._let_go)
            _before_exec(parent)()
            if os.read(held, 1):
                # Python ignores these; the program must get the defaults.
                for number in (signal.SIGPIPE, signal.SIGXFSZ):
                    signal.signal(number, signal.SIG_DFL)
                os.execvp(self.argv[0], self.argv)  # noqa: S606 - never through a shell
        except (OSError, ValueError) as error:  # ValueError: its name is empty
            os.write(failing, str(getattr(error, "errno", errno.ENOENT)).encode())
        finally:
            os._exit(127)


def run_program(argv: Sequence[str]) -> int:
    """Run the user's program to its end. Return its exit status as a shell does: 128 and the signal that ended it.

    Ctrl-C ends the program and not gilbench, which still has to clean up.

    Raises:
        ProcessError: The program cannot be started.
    """
    program = Program(argv)
    before = signal.getsignal(signal.SIGINT)
    try:
        program.let_go()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        while (status := program.wait(_LONG)) is None:
            pass
    finally:
        program.end()
        signal.signal(signal.SIGINT, before)
    return status if status >= 0 else 128 - status


class Launched(_Child):
    """A child that ``launch`` started, and that subprocess must not reap."""

    def __init__(self, popen: subprocess.Popen[bytes]) -> None:
        super().__init__()
        self._popen, self.pid = popen, popen.pid

    def cpu_seconds(self) -> float | None:
        """Return the CPU time of the ended process and of its own children; None: unknown."""
        return None if self.rusage is None else self.rusage.ru_utime + self.rusage.ru_stime

    def kill(self) -> None:
        """Kill the process group, and reap the process."""
        self._signal_group(signal.SIGKILL)
        if self._status is None:
            self._reap(0)

    def _signal_group(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def _reap(self, flags: int) -> None:
        super()._reap(flags)
        self._popen.returncode = self._status


class Process(Launched):
    """A child process with its own session. Its output is kept in a file.

    Args:
        argv: The program and its arguments; never a shell string.
        env: The whole environment; None: a clean copy of gilbench's.
        pass_fds: Descriptors that the child inherits.
        cwd: Its working folder; None: gilbench's.
        output: Descriptor for its output; None: keep the output.
        discard: Discard its stdout.
        given: Descriptor for its input; None: it has none.
        adopts: The orphans among its descendants become its children. It gets SIGTERM, and not SIGKILL, when gilbench
            dies, so that it can end them.

    Raises:
        ProcessError: The program cannot be started.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        pass_fds: Sequence[int] = (),
        cwd: str | Path | None = None,
        output: int | None = None,
        discard: bool = False,
        given: int | None = None,
        adopts: bool = False,
    ) -> None:
        self.argv = tuple(argv)
        self._output: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        taker = self._output.fileno() if output is None else output
        try:
            stdout = subprocess.DEVNULL if discard else taker
            popen = launch(
                self.argv,
                env=env,
                cwd=cwd,
                stdout=stdout,
                stderr=taker,
                stdin=subprocess.DEVNULL if given is None else given,
                pass_fds=pass_fds,
                adopts=adopts,
            )
        except ProcessError:
            self._output.close()
            raise
        super().__init__(popen)

    def end(self, grace: float = GRACE) -> int:
        """End the process and its group: SIGTERM, wait, SIGKILL. Safe to call again.

        Args:
            grace: Seconds to wait before SIGKILL; 0: send only SIGKILL.

        Returns:
            The exit status; negative: the signal that ended the process.
        """
        if self.poll() is None and grace > 0:
            self._signal_group(signal.SIGTERM)
            self.wait(grace)
        self.kill()  # also the processes that it started
        assert self._status is not None  # noqa: S101 - a killed child has been reaped
        return self._status

    def output(self) -> str:
        """Return the end of its stdout and stderr; empty if they are not kept."""
        if self._output.closed:
            return ""
        size = os.fstat(self._output.fileno()).st_size
        return os.pread(self._output.fileno(), TAIL, max(0, size - TAIL)).decode("utf-8", "replace")

    def close(self) -> None:
        """Kill the process if it is running, and discard its output."""
        self.end(grace=0)
        self._output.close()
