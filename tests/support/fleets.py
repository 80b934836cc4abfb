"""Fleets of processes on this machine, each host with a lock and a cache of its own."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import platformdirs
from commands import GILBENCH, marked, none_left, started_by_gilbench
from interpreters_fixture import interpreter, machine

from gilbench.store.study import read_study

PLAN = ("--workload", "countdown", "--threads", "1", "--seed", "1")
SECONDS = 60.0  # patience


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class FleetOfProcesses:
    """A scheduler and hosts. Each process is started with a marker, by which all its children are found.

    Args:
        folder: Where caches and logs are.
        address: Where the scheduler listens.
        options: Options of all commands, for example those of TLS.
        serving: Options of the commands that serve, in addition.
        environment: Variables of all processes.
    """

    def __init__(
        self,
        folder: Path,
        address: str,
        options: Sequence[str] = (),
        serving: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.folder, self.address = folder, address
        self._environment = environment or {}
        self.options, self.serving = tuple(options), (*options, *serving)
        self.marker = f"{folder.name}-{os.getpid()}"
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        machine()  # so that the answers of all interpreters are kept

    def specs(self) -> tuple[str, ...]:
        """Options for two interpreters that every host has."""
        return (
            "--python",
            interpreter("3.11").executable,
            "--python",
            interpreter("3.13").executable,
        )

    def scheduler(self, within: Sequence[str] = ()) -> None:
        """Start the scheduler, and wait until it listens."""
        self._start("scheduler", [*within, GILBENCH, "fleet", "serve", self.address, *self.serving], {})
        self.until(lambda: "listens at" in self.log("scheduler"))

    def host(
        self,
        name: str,
        within: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        *,
        joins: bool = True,
    ) -> None:
        """Start a host, and wait until it has joined.

        Args:
            name: Its name.
            within: Words before its command, for example of a network namespace.
            environment: More variables.
            joins: Wait until it has joined.
        """
        serving = ["fleet", "serve", "--join", self.address, "--name", name, *self.serving]
        # Not the script, which would find only the gilbench that it was installed with.
        command = [*within, sys.executable, "-P", "-m", "gilbench", *serving]
        self._start(name, command, {"XDG_CACHE_HOME": str(self.cache(name)), **(environment or {})})
        if joins:
            self.until(lambda: "serves" in self.log(name))

    def client(self, *arguments: str, within: Sequence[str] = ()) -> subprocess.Popen[bytes]:
        """Start a command of the client."""
        command = [*within, GILBENCH, *arguments, "--fleet", self.address, *self.options]
        return self._start("client", command, {})

    def cache(self, name: str) -> Path:
        """A cache with what the tests know of the interpreters."""
        ours, theirs = platformdirs.user_cache_path("gilbench"), self.folder / f"cache-{name}" / "gilbench"
        theirs.mkdir(parents=True, exist_ok=True)
        if not (theirs / "interpreters").exists():
            (theirs / "interpreters").symlink_to((ours / "interpreters").resolve())
            shutil.copytree(ours / "discovery", theirs / "discovery")
        return theirs.parent

    def log(self, name: str) -> str:
        """What a process has written."""
        path = self.folder / f"{name}.log"
        return path.read_text("utf-8") if path.exists() else ""

    def until(self, condition: Callable[[], bool], seconds: float = SECONDS) -> None:
        """Wait for something."""
        deadline = time.monotonic() + seconds
        while not condition():
            logs = "\n".join(f"{name}: {self.log(name)}" for name in self.processes)
            assert time.monotonic() < deadline, logs
            time.sleep(0.02)

    def jobs(self) -> list[str]:
        """The processes that measure now."""
        return [line for line in started_by_gilbench(self.marker) if "fleet serve" not in line]

    def is_free(self, name: str) -> bool:
        """Whether no process holds the lock of a host's measurements."""
        lock = self.cache(name) / "gilbench/measuring.lock"
        if not lock.exists():
            return True
        with lock.open("r+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
        return True

    def end(self) -> None:
        """End all processes as a user would, and check that none is left."""
        for process in self.processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.processes.values():
            try:
                process.wait(20)
            finally:
                process.kill()
        assert none_left(self.marker), started_by_gilbench(self.marker)

    def _start(
        self, name: str, command: Sequence[str], environment: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        if name in self.processes:
            self.processes[name].wait(10)  # it was killed
        with (self.folder / f"{name}.log").open("wb") as log:
            self.processes[name] = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**marked(self.marker), **self._environment, **environment},
                start_new_session=True,
            )
        return self.processes[name]


@contextmanager
def fleet(
    folder: Path,
    address: str,
    options: Sequence[str] = (),
    serving: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
) -> Iterator[FleetOfProcesses]:
    """A fleet whose processes all end."""
    made = FleetOfProcesses(folder, address, options, serving, environment)
    try:
        yield made
    finally:
        made.end()


def runs_in(path: Path) -> int:
    """Number of runs in a study that is being measured."""
    return path.read_bytes().count(b'"kind":"run"') if path.exists() else 0


def hosts_of_blocks(path: Path, *, failures: bool = False) -> dict[tuple[int, str], str]:
    """The host of each block of a workload, after a check that it has every case once, all of one host.

    Args:
        path: The study.
        failures: Runs may have failed.
    """
    study = read_study(path)
    cases = study.header.plan.cases
    found: dict[tuple[int, str], list[tuple[int, str | None]]] = {}
    for run in study.runs:
        assert failures or run.failure is None, run.failure
        assert not run.interrupted
        found.setdefault((run.block, cases[run.case].workload), []).append((run.case, run.host))
    for (_, workload), some in found.items():
        everything = [number for number, case in enumerate(cases) if case.workload == workload]
        assert sorted(number for number, _ in some) == everything, found
        assert len({host for _, host in some}) == 1, found
    return {group: str(some[0][1]) for group, some in found.items()}


def is_whole(path: Path, blocks: int, *, failures: bool = False) -> bool:
    """Whether every block of every workload was measured once, by one host; ``failures``: runs may have failed."""
    plan = read_study(path).header.plan
    workloads = {case.workload for case in plan.cases}
    everything = {(block, workload) for block in range(blocks) for workload in workloads}
    return plan.effort.blocks == blocks and hosts_of_blocks(path, failures=failures).keys() == everything
