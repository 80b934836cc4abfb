"""Programs that know what they did, watched by a probe from when they are ready until they are done."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from interpreters_fixture import absent

from gilbench.observe import bpftrace_access
from gilbench.observe.gil.probe import GilFigures, GilProbe
from gilbench.observe.running import find_python

# What a program begins and ends with: it says when it is ready, waits to be let go, and stays until it is told.
READY = "import sys, json\nsys.stdout.write('ready\\n'); sys.stdout.flush(); sys.stdin.readline()\n"
DONE = "\nsys.stdout.write(json.dumps(said) + '\\n'); sys.stdout.flush(); sys.stdin.readline()\n"

# Two threads that compute and one that sleeps. It says their numbers, and the s in which each was ready but had no CPU.
TURNS = """
import threading, time
ready = {}
def spin():
    end = time.monotonic() + 2.0
    while time.monotonic() < end: pass
    with open("/proc/thread-self/schedstat") as file:
        ready[threading.get_ident()] = int(file.read().split()[1]) * 1e-9
crew = [threading.Thread(target=spin, name="spin-%d" % number) for number in range(2)]
for thread in crew: thread.start()
rest = threading.Thread(target=time.sleep, args=(2.0,)); rest.start()
for thread in crew + [rest]: thread.join()
said = [(thread.native_id, ready.get(thread.ident, 0.0)) for thread in crew + [rest]]
"""


def need_bpftrace() -> None:
    """Skip where the kernel cannot be probed."""
    reason = bpftrace_access.why_not()
    if reason is not None:
        absent(reason)


def stripped_python() -> str:
    """The system's Python, where it has no local symbols."""
    found = shutil.which("python3.11", path="/usr/bin")
    if found is None:
        absent("no python3.11 of the system")
    return found


@contextmanager
def started(executable: str, program: str) -> Iterator[subprocess.Popen[str]]:
    """A program that waits to be let go; ended whatever happens."""
    with subprocess.Popen(
        [executable, "-c", READY + program + DONE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
            yield child
        finally:
            child.kill()


def let_go(child: subprocess.Popen[str]) -> Any:
    """Let a program do its work, and return what it says of it."""
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write("go\n")
    child.stdin.flush()
    line = child.stdout.readline()
    if not line:
        pytest.fail("the program ended before it was done")
    return json.loads(line)


def watched(probe: GilProbe, executable: str, program: str) -> tuple[GilFigures, Any]:
    """What a probe saw of a program, and what that says of itself in ``said``."""
    with started(executable, program) as child:
        python = find_python(child.pid)
        assert probe.why_not(python) is None
        watching = probe.watch(python)
        try:
            said = let_go(child)
        finally:
            figures = watching.finish()
    return figures, said
