"""The README's examples are run as they are printed, and its two commands are those of CI."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

from commands import gilbench

from gilbench.host.process import capture

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text("utf-8")
_FILE = re.compile(r"```py\n# (\S+)\n(.*?)```", re.DOTALL)
_BLOCK = re.compile(r"(<!-- not executed: .+? -->\n)?```console\n(.*?)```", re.DOTALL)


def test_the_two_set_up_commands_are_the_ones_that_ci_calls() -> None:
    commands = re.findall(r"^python3 -m venv .+$", README, re.MULTILINE)
    assert len(commands) == 2
    called = [line for line in (ROOT / ".ci" / "run").read_text("utf-8").splitlines() if ".venv &&" in line]
    assert called == commands


def test_each_example_runs_as_it_is_printed(tmp_path: Path) -> None:
    for name, text in _FILE.findall(README):
        (tmp_path / name).write_text(text, "utf-8")
    executed = 0
    for skipped, block in _BLOCK.findall(README):
        for line in block.splitlines():
            if not line.startswith(("$ gilbench ", "$ pytest ")) or skipped:
                continue
            _, program, *arguments = shlex.split(line)
            if program == "pytest":
                done = capture([sys.executable, "-m", "pytest", *arguments], seconds=300, cwd=tmp_path)
                assert done.status == 0, (line, done.stdout)
            else:
                ran = gilbench(*arguments, cwd=tmp_path, seconds=300)
                assert ran.returncode == 0, (line, ran.stderr)
            executed += 1
    assert executed >= 5


def test_the_example_in_python_works(tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    done = capture([sys.executable, "-c", code], seconds=120, cwd=tmp_path)
    assert (done.status, done.stderr) == (0, "")
    assert "2 threads: " in done.stdout
    assert "countdown" in (tmp_path / "countdown.md").read_text("utf-8")
