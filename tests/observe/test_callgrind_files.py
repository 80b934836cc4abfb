"""Files of callgrind by function, and the processes that write them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from interpreters_fixture import absent, interpreter

from gilbench.observe.function_counts import (
    BY_TRAMPOLINE,
    UNNAMED,
    by_c_function,
    by_python_function,
    choose_by_function,
)
from gilbench.observe.instructions import FILE, Counting

# Names are written once. After "calls=" comes the cost of the calls, which is that of other functions.
FILE_OF_CALLGRIND = b"""# callgrind format
positions: line
events: Ir Dr
summary: 1234 56

ob=(1) /usr/bin/python3
fl=(1) ceval.c
fn=(1) main
0 10
cfn=(2) 0x000000000484c020
calls=1 0
0 1224 17
+3 4

fn=(2)
12 100 7
+2 20
* 3
-1 1 1
cob=(3) ???
cfn=(3) 0x000000000484c060'2
calls=7 0
* 1000 9

ob=(3)
fn=(3)
0 7

fn=(4) 0x00000000048c7428'0x000000000484c060'0x000000000484c020
0 60 2

fn=(5) 0x0000000000012345
0 5

totals: 1234 56
"""
NAMES = """484c020 30 py::parse:/nowhere/records.py
484c060 30 py::Row.split:/nowhere/records.py
no entry
"""


def test_costs_are_those_of_the_function_without_those_of_its_calls() -> None:
    found = by_c_function(FILE_OF_CALLGRIND)
    assert found["main"] == 14
    assert found[UNNAMED] == 124 + 7 + 60 + 5


def test_code_in_c_counts_for_the_python_function_that_called_it() -> None:
    found = by_python_function(FILE_OF_CALLGRIND, NAMES)
    assert found == {"parse (records.py)": 124, "Row.split (records.py)": 67}


def test_a_damaged_file_has_no_counts() -> None:
    for data in (b"", b"\xff\xfe\n", b"fn=(7)\n", b"calls=\n+\n", FILE_OF_CALLGRIND[:30]):
        assert by_python_function(data, NAMES) == {}


PROGRAM = """
import sys
def leaf(items): return sorted(items)
def many(items):
    for _ in range(400): leaf(items)
def few(items):
    for _ in range(100): sorted(items)
def recursive(depth):
    return depth and recursive(depth - 1) + sum(range(1000))
def generated():
    for item in range(300): yield list(range(item))
def raising(items):
    try: leaf(None)
    except TypeError: return str(items)
items = list(range(200))
many(items), few(items), recursive(50), sum(map(len, generated())), raising(items)
"""


@pytest.mark.parametrize("spec", ["3.12", "3.13t", "3.14"])
def test_each_python_function_has_the_instructions_that_it_causes(spec: str, tmp_path: Path) -> None:
    if shutil.which("valgrind") is None:
        absent("valgrind is not installed")
    (tmp_path / "program.py").write_text(PROGRAM)
    chosen = choose_by_function(trampolines=True)
    assert chosen.counter is not None
    assert chosen.counter.tool is BY_TRAMPOLINE
    command = [*interpreter(spec).command, "-X", "perf", "-I", "-S", "program.py"]
    counting = Counting(chosen.counter, command, tmp_path)
    written = Path(f"/tmp/perf-{counting.pid}.map")  # noqa: S108 - where CPython writes it
    try:
        total = counting.finish(120)
        names = written.read_text()
    finally:
        counting.close()
        written.unlink(missing_ok=True)
    found = by_python_function((tmp_path / FILE).read_bytes(), names)
    assert 0 < sum(found.values()) <= total
    of = {name.partition(" (")[0]: count for name, count in found.items() if "program.py" in name}
    assert set(of) >= {"leaf", "many", "few", "recursive", "generated", "raising"}
    # Sorting is in C: it counts for leaf, which many calls 4 times as often as few sorts.
    assert 2 < of["leaf"] / of["few"] < 6
    assert of["many"] < of["leaf"]
    assert of["recursive"] > 50 * 1000
    assert of["generated"] > 300 * 299 // 2
    assert of["raising"] < of["few"]
