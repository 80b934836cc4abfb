from __future__ import annotations

import platform
import re
from pathlib import Path

import pytest

from gilbench.model.profile import Call
from gilbench.observe import syscalls
from gilbench.observe.architecture import syscall_names

HEADER = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
STRACE = """\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 67.52    0.091897       10210         9         1 futex
 32.14    0.043744           2     20000           read
  0.00    0.000002           2         1           rt_sigaction
------ ----------- ----------- --------- --------- ----------------
100.00    0.136109           6     20134         1 total
"""


def test_the_table_of_strace_is_read_with_and_without_errors() -> None:
    assert syscalls.read_strace(STRACE) == (
        Call(name="read", count=20000, seconds=0.043744),
        Call(name="futex", count=9, seconds=0.091897),
        Call(name="rt_sigaction", count=1, seconds=0.000002),
    )
    assert syscalls.read_strace("strace: Process 12 attached\n") == ()


def test_calls_that_never_returned_have_a_count_and_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    calls = syscalls.read_maps(
        {"@calls": {"231": 1, "0": 5, "9999": 2, "335": 483}, "@spent": {"0": 10_000, "9999": 1_000_000_000}}
    )
    assert calls == (
        Call(name="read", count=5, seconds=1e-5),
        Call(name="system call 9999", count=2, seconds=1.0),
        Call(name="exit_group", count=1, seconds=None),
    )


def test_a_machine_whose_names_are_not_known_gets_numbers() -> None:
    assert syscall_names("riscv64") == {}


@pytest.mark.skipif(not HEADER.exists(), reason="no kernel headers for x86-64")
def test_the_names_are_those_of_the_kernels_header() -> None:
    found = re.findall(r"#define __NR_(\w+) (\d+)", HEADER.read_text("ascii"))
    ours = syscall_names("x86_64")
    theirs = {int(number): name for name, number in found}
    assert {number: ours[number] for number in theirs.keys() & ours.keys()} == {
        number: theirs[number] for number in theirs.keys() & ours.keys()
    }
    assert len(ours) > 300
