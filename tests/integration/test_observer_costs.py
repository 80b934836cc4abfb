"""Observers tell what they cost, and keep to what they may."""

from __future__ import annotations

import contextlib
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from commands import gilbench
from interpreters_fixture import interpreter
from watched import need_bpftrace

from gilbench.observe.kernel_probes import removed

# Each pipe operation releases the GIL and acquires it again: the exact probe's work.
PING_PONG = """
import os, sys, threading, time
there, back = os.pipe(), os.pipe()
until = time.monotonic() + float(sys.argv[1])
def serve():
    while os.read(there[0], 1) == b".": os.write(back[1], b".")
thread = threading.Thread(target=serve)
thread.start()
while time.monotonic() < until:
    os.write(there[1], b"."); os.read(back[0], 1)
os.write(there[1], b"!")
thread.join()
"""
QUIET = "import time; time.sleep(1.5)"


def profiled(tmp_path: Path, *words: str, seconds: str = "3") -> dict[str, Any]:
    saved = tmp_path / "profile.json"
    options, program = words[:-1], words[-1]
    executable = interpreter("3.13").executable
    done = gilbench("profile", *options, "-o", str(saved), "--", executable, "-c", program, seconds)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(saved.read_text("utf-8"))
    return found


def test_a_probe_that_costs_too_much_is_replaced(tmp_path: Path) -> None:
    need_bpftrace()
    profile = profiled(tmp_path, "--observe", "gil", "--max-cost", "1%", PING_PONG, seconds="5")
    said = " ".join([profile["probe"]["reason"] or "", *profile["unavailable"]])
    assert "the exact probe used" in said
    assert "--max-cost" in said
    replaced = profile["probe"]["strength"] in {"futex", "sampled"}
    assert replaced or "what came after" in said  # on a busy host, a probe may be placed late


def test_what_a_probe_saw_before_it_was_replaced_is_not_lost(tmp_path: Path) -> None:
    need_bpftrace()
    profile = profiled(tmp_path, "--observe", "gil", "--max-cost", "1%", PING_PONG, seconds="1.3")
    assert profile["duration"] > 0.6
    assert profile["what_if"] is not None


def test_without_a_limit_the_strongest_probe_stays_and_tells_its_cost(tmp_path: Path) -> None:
    need_bpftrace()
    profile = profiled(tmp_path, "--max-cost", "none", PING_PONG)
    assert profile["probe"]["strength"] == "exact"
    costs = {one["observer"]: one["cpu"] for one in profile["observers"]}
    assert set(costs) >= {"GIL: exact", "stacks", "system calls"}
    assert costs["GIL: exact"] > 0.05


def test_of_a_program_that_sleeps_the_same_probe_costs_little(tmp_path: Path) -> None:
    need_bpftrace()
    profile = profiled(tmp_path, "--observe", "gil", QUIET)
    assert profile["probe"]["strength"] == "exact"
    assert profile["observers"][0]["cpu"] < 0.05


def test_stacks_are_sampled_more_rarely_and_count_as_much(tmp_path: Path) -> None:
    program = "import time\nend = time.monotonic() + 4\nwhile time.monotonic() < end: sum(range(1000))"
    profile = profiled(tmp_path, "--observe", "stacks", "--max-cost", "0.3%", program)
    cost = next(one for one in profile["observers"] if one["observer"] == "stacks")
    assert cost["rate"] < profile["stack_rate"]
    assert 0.6 < sum(one["value"] for one in profile["functions"]) <= 1.0


def test_system_calls_are_not_counted_at_any_price(tmp_path: Path) -> None:
    need_bpftrace()
    profile = profiled(tmp_path, "--observe", "syscalls", "--max-cost", "0.5%", PING_PONG)
    assert not profile["syscalls"]
    assert any("system calls: counting them used" in text for text in profile["unavailable"])


@pytest.mark.parametrize("text", ["0", "-5%", "much", "nan", "inf%"])
def test_a_limit_that_is_none(text: str) -> None:
    done = gilbench("profile", "--max-cost", text, "--", interpreter("3.13").executable, "-c", "pass")
    assert done.returncode == 2
    assert "--max-cost" in done.stderr
    assert "Traceback" not in done.stderr


def test_probes_are_removed_with_their_descriptors() -> None:
    need_bpftrace()
    from gilbench.work.profile import ProfileRequest, profile  # noqa: PLC0415 - after the fixture

    before = open_files()
    found = profile(ProfileRequest(command=(interpreter("3.13").executable, "-c", "pass"), observe="gil"))
    assert found.profile.probe.strength == "exact"
    removed()
    more = Counter(open_files()) - Counter(before)
    assert set(more) <= {"anon_inode:bpf-stats"}  # which stays until gilbench ends


def open_files() -> list[str]:
    """What the descriptors of this process are, without that of the listing."""
    found = []
    for number in os.listdir("/proc/self/fd"):  # noqa: PTH208 - numbers
        with contextlib.suppress(OSError):
            found.append(os.readlink(f"/proc/self/fd/{number}"))  # noqa: PTH115 - no path
    return found
