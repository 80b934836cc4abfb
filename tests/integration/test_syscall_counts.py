from __future__ import annotations

import os
from pathlib import Path

import pytest
from interpreters_fixture import interpreter
from watched import let_go, need_bpftrace, started

from gilbench.observe import syscalls
from gilbench.observe.syscalls import SyscallCounter

CALLS = """
import os, threading
file = os.open("/dev/zero", os.O_RDONLY)
def read():
    for _ in range(3000): os.read(file, 1)
thread = threading.Thread(target=read); thread.start(); thread.join()
for _ in range(500): os.getppid()
said = None
"""


def counted(counter_of: type[SyscallCounter]) -> syscalls.Counted:
    with started(interpreter("3.13").executable, CALLS) as child:
        counter = counter_of(child.pid)
        try:
            let_go(child)
        finally:
            seen = counter.finish()
        status = Path(f"/proc/{child.pid}/status").read_text("utf-8")
        assert "TracerPid:\t0" in status  # it is left as it was
    return seen


def test_calls_of_all_threads_are_counted_in_the_kernel() -> None:
    need_bpftrace()
    seen = counted(SyscallCounter)
    assert seen.by == "bpftrace"
    assert seen.reason is None
    by_name = {call.name: call for call in seen.calls}
    assert 3000 <= by_name["read"].count <= 3010
    assert by_name["getppid"].count == 500
    assert 0 < (by_name["getppid"].seconds or 0) < 0.1


def test_strace_counts_where_bpftrace_cannot_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syscalls, "why_not", lambda: "bpftrace is not installed")
    if os.geteuid() != 0:
        pytest.skip("strace may not attach to what is not its child")
    seen = counted(SyscallCounter)
    assert seen.by is not None
    assert seen.by.startswith("strace")
    assert seen.reason == "bpftrace is not installed"
    counts = {call.name: call.count for call in seen.calls}
    assert 3000 <= counts["read"] <= 3010
    assert counts["getppid"] == 500
