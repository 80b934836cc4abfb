"""A program whose functions, files and threads have names that could be mistaken for something else."""

from __future__ import annotations

import json
import re
from pathlib import Path

from commands import gilbench
from interpreters_fixture import interpreter

ODD = "x 100\nthread (1): y;z \x1b[31m\n::error::boo ##[group]"
PROGRAM = f"""
import threading, time
odd = {ODD!r}
code = "def f():\\n    end = time.monotonic() + 1\\n    while time.monotonic() < end: sum(range(1000))\\n"
names = {{"time": time}}
exec(compile(code, odd + "/a b.py", "exec"), names)
f = names["f"]
f.__code__ = f.__code__.replace(co_name=odd, co_qualname=odd)
thread = threading.Thread(target=f, name=odd)
thread.start()
thread.join()
"""


def test_names_invent_no_sample_and_no_command(tmp_path: Path) -> None:
    path, command = tmp_path / "x.json", (interpreter("3.13").executable, "-c", PROGRAM)
    done = gilbench("profile", "--observe", "stacks", "-o", str(path), "--", *command)
    assert done.returncode == 0, done.stderr
    assert not re.search(r"^\s*::|##\w*\[", done.stderr, re.MULTILINE)
    assert all(line.isprintable() for line in done.stderr.split("\n"))
    profile = json.loads(path.read_text())
    threads = {thread["name"]: thread for thread in profile["threads"]}
    assert set(threads) == {"MainThread", ODD}
    shares = {one["name"]: one["value"] for one in profile["functions"]}
    assert sum(value for name, value in shares.items() if name.startswith(ODD)) > 0.6
    assert not [name for name in shares if name.startswith(("y", "z", "thread"))]
