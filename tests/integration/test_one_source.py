"""What runs inside the measured interpreter is one source for Python 2.7 to today."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from interpreters_fixture import interpreter

import gilbench
from gilbench.model.study import Interpreter
from gilbench.plan.axes import lacks
from gilbench.plan.catalogue import read_declaration

PACKAGE = Path(gilbench.__file__).parent
TARGET = sorted((PACKAGE / "target").rglob("*.py"))
COROUTINES = {"tasks.py"}  # imported by name where they are wanted, never on Python 2
WORKLOADS = sorted((PACKAGE.parent / "workloads").glob("*/*.py"))
# Without leaving a compiled file behind; the file as it is read by the interpreter itself.
CHECK = """
import sys
wrong = 0
for path in sys.argv[1:]:
    with open(path, "rb") as source:
        text = source.read()
    try:
        compile(text, path, "exec", 0, 1)
    except SyntaxError as error:
        wrong = 1
        sys.stdout.write("%s: %s\\n" % (path, error))
sys.exit(wrong)
"""


def compiled(by: Interpreter, paths: list[Path]) -> tuple[int, str]:
    command = [by.executable, "-c", CHECK, *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    "spec", ["2.7", "3.6", "3.8", "3.11", "3.13", "3.13t", "pypy3", "jython", "ironpython"]
)
def test_the_target_side_and_the_workloads_compile_everywhere(spec: str) -> None:
    check(interpreter(spec))


def test_they_compile_on_ironpython_too() -> None:
    check(interpreter("ironpython"))


def check(one: Interpreter) -> None:
    build = one.build
    able = [path for path in WORKLOADS if path.name[0] == "_" or lacks(read_declaration(path), build) is None]
    assert TARGET
    assert len(able) > len(WORKLOADS) / 2
    target = [path for path in TARGET if path.name not in COROUTINES or build.version_info > (3,)]
    assert compiled(one, [*target, *able]) == (0, "")


@pytest.mark.parametrize("line", ["x: int = 1", "print(f'{1}')", "def f(*, a): pass", "async def f(): pass"])
def test_what_2_7_does_not_know_would_be_seen(tmp_path: Path, line: str) -> None:
    path = tmp_path / "new.py"
    path.write_text(f"{line}\n")
    status, said = compiled(interpreter("2.7"), [path])
    assert status == 1
    assert "new.py" in said
