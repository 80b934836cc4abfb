"""The README's examples are run as they are printed, and its two commands are those of CI."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from commands import gilbench

from gilbench.host.process import capture

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text("utf-8")
PROGRAM, TESTS, STUDY = "$ gilbench ", "$ pytest ", "study.jsonl"
ALONE = (TESTS, "$ gilbench releases ")  # examples that succeed only if no other one disturbs them
_FILE = re.compile(r"```py\n# (\S+)\n(.*?)```", re.DOTALL)
_BLOCK = re.compile(r"(<!-- not executed: .+? -->\n)?```console\n(.*?)```", re.DOTALL)


def test_the_two_set_up_commands_are_the_ones_that_ci_calls() -> None:
    commands = re.findall(r"^python3 -m venv .+$", README, re.MULTILINE)
    assert len(commands) == 2
    called = [line for line in (ROOT / ".ci" / "run").read_text("utf-8").splitlines() if ".venv &&" in line]
    assert called == commands


def examples() -> Iterator[list[str]]:
    """Yield the executed lines of each block; lines about one study follow each other, in whatever block."""
    study: list[str] = []
    for skipped, block in _BLOCK.findall(README):
        lines = [line for line in block.splitlines() if line.startswith((PROGRAM, TESTS)) and not skipped]
        study += [line for line in lines if STUDY in line]
        yield [line for line in lines if STUDY not in line]
    yield study


def run_in_turn(lines: Sequence[str], folder: Path) -> int:
    """Run some examples, and return how many."""
    for line in lines:
        _, _, *arguments = shlex.split(line)
        if line.startswith(TESTS):
            done = capture([sys.executable, "-m", "pytest", *arguments], seconds=300, cwd=folder)
            assert done.status == 0, (line, done.stdout)
        else:
            ran = gilbench(*arguments, cwd=folder, seconds=300)
            assert ran.returncode == 0, (line, ran.stderr)
    return len(lines)


def test_each_example_runs_as_it_is_printed(tmp_path: Path) -> None:
    for name, text in _FILE.findall(README):
        (tmp_path / name).write_text(text, "utf-8")
    found = [lines for lines in examples() if lines]
    together = [lines for lines in found if not any(line.startswith(ALONE) for line in lines)]
    with ThreadPoolExecutor(2) as pool:
        executed = sum(pool.map(lambda lines: run_in_turn(lines, tmp_path), together))
    executed += sum(run_in_turn(lines, tmp_path) for lines in found if lines not in together)
    assert executed >= 5


def test_the_example_in_python_works(tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    done = capture([sys.executable, "-c", code], seconds=120, cwd=tmp_path)
    assert (done.status, done.stderr) == (0, "")
    assert "2 threads: " in done.stdout
    assert "countdown" in (tmp_path / "countdown.md").read_text("utf-8")
