from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from commands import gilbench
from interpreters_fixture import interpreter
from watched import need_bpftrace

SPIN = """
import threading, time
def inner(x):
    for i in range(1000): x ^= i * i
def spin():
    end = time.monotonic() + 2.5
    while time.monotonic() < end: inner(3)
crew = [threading.Thread(target=spin, name="spin-%d" % k) for k in range(2)]
for thread in crew: thread.start()
for thread in crew: thread.join()
"""


def profiled(folder: Path, *options: str) -> tuple[dict[str, Any], str]:
    (folder / "app.py").write_text(SPIN)
    python = interpreter("3.15t").executable
    command = [python, *options, str(folder / "app.py")]
    done = gilbench("profile", "--observe", "gil,stacks", "-o", str(folder / "profile.json"), "--", *command)
    return json.loads((folder / "profile.json").read_text("utf-8")), done.stderr


@pytest.mark.parametrize("gil", [False, True])
def test_a_free_threaded_interpreter_samples_its_own_stacks(gil: bool, tmp_path: Path) -> None:
    need_bpftrace()
    profile, page = profiled(tmp_path, f"-Xgil={int(gil)}")
    assert profile["process"]["gil_enabled"] is gil
    samples: dict[str, int] = {}
    for stack in profile["stacks"]:
        samples[stack["frames"][-1]] = samples.get(stack["frames"][-1], 0) + stack["samples"]
    assert max(samples, key=lambda frame: samples[frame]) == "inner (app.py:4)"
    assert {stack["thread"] for stack in profile["stacks"]} >= {"spin-0", "spin-1"}
    assert ("GIL-holding functions" in page) is gil
    assert ("Functions on the CPU" in page) is not gil
