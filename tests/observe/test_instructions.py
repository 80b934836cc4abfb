"""Tools that count instructions, as far as this machine has them, and pretended ones where it has not."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest
from interpreters_fixture import absent

from gilbench.host.process import ProcessError
from gilbench.observe.instructions import (
    CALLGRIND,
    Counter,
    Counting,
    Trapped,
    choose,
    read_callgrind,
    read_perf,
)

PERF = b"# started on Thu Nov 26 04:30:00 2026\n\n1234567,,instructions:u,400000,100.00,,\n"
CALLGRIND_FILE = b"version: 1\nevents: Ir\nsummary: 27677948\n\nfn=(1) main\n0 12\n\ntotals: 27677948\n"


def tool(folder: Path, name: str, script: str) -> None:
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the whole PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def writing(text: str) -> str:
    """A perf that runs the program and writes this."""
    return (
        f'while [ "$1" != -o ]; do shift; done\nfile=$2\nshift 3\n"$@" && printf \'%s\' \'{text}\' >"$file"'
    )


def test_the_output_of_perf_is_read_strictly() -> None:
    assert read_perf(PERF) == 1234567
    for wrong in (
        PERF.replace(b"1234567", b"<not supported>").replace(b"400000", b"0"),
        PERF.replace(b"100.00", b"50.00"),  # it shared the counter with others
        PERF.replace(b"instructions:u", b"cycles:u"),
        PERF + PERF,
        b"",
    ):
        assert read_perf(wrong) is None


def test_the_file_of_callgrind_is_read_strictly() -> None:
    assert read_callgrind(CALLGRIND_FILE) == 27677948
    for wrong in (
        CALLGRIND_FILE.replace(b"totals: 27677948", b""),
        CALLGRIND_FILE.replace(b"totals: 27677948", b"totals: 27677948 5"),
        CALLGRIND_FILE.replace(b"events: Ir", b"events: Ir Dr"),
        CALLGRIND_FILE + b"totals: 1\n",
        b"",
    ):
        assert read_callgrind(wrong) is None


def test_the_processors_counter_is_preferred(tools: Path) -> None:
    tool(tools, "perf", writing(PERF.decode()))
    tool(tools, "valgrind", "exit 1")
    tool(tools, "setarch", 'shift\nexec "$@"')
    found = choose()
    assert found.counter is not None
    assert found.counter.tool.by == "perf"
    assert found.counter.prefix[:2] == (str(tools / "setarch"), "-R")
    assert found.reason is None


def test_a_machine_whose_counter_cannot_be_read_says_why(tools: Path) -> None:
    tool(tools, "perf", writing("<not supported>,,instructions:u,0,100.00,,"))
    found = choose()
    assert found.counter is None
    assert found.reason == "perf: no instructions of user code were counted; valgrind: not found in PATH"
    tool(tools, "perf", "echo 'Access to performance monitoring is limited.' >&2; exit 255")
    assert "perf: Access to performance monitoring is limited." in str(choose().reason)


def test_a_layout_that_cannot_be_fixed_is_told(tools: Path) -> None:
    tool(tools, "perf", writing(PERF.decode()))
    tool(tools, "setarch", "exit 1")
    found = choose()
    assert found.counter is not None
    assert "addresses differ" in str(found.reason)


def valgrind() -> str:
    return shutil.which("valgrind") or absent("valgrind is not installed")


def test_a_program_that_fails_under_callgrind_is_no_count(tmp_path: Path) -> None:
    counter = Counter(CALLGRIND, (valgrind(), *CALLGRIND.options))
    counting = Counting(counter, ["/bin/sh", "-c", "echo no >&2; exit 3"], tmp_path)
    with pytest.raises(ProcessError, match=r"^no$"):
        counting.finish(60)
    counting.close()


def test_callgrind_obeys_no_options_of_others_and_leaves_nothing_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counter = Counter(CALLGRIND, (valgrind(), *CALLGRIND.options))
    place, temporary = tmp_path / "place", tmp_path / "temporary"
    place.mkdir()
    temporary.mkdir()
    (place / ".valgrindrc").write_text("--tool=memcheck\n")
    monkeypatch.setenv("VALGRIND_OPTS", "--tool=none")
    monkeypatch.setenv("TMPDIR", str(temporary))
    counting = Counting(counter, ["/bin/sh", "-c", "env >names"], place)
    assert counting.finish(60) > 10_000
    counting.close()
    assert {file.name for file in place.iterdir()} == {".valgrindrc", "count", "names"}
    assert not list(temporary.iterdir())
    names = {line.partition("=")[0] for line in (place / "names").read_text().splitlines()}
    of_the_shell = {"PWD", "SHLVL", "_"}
    kept = {"PATH", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "LD_PRELOAD"}
    others = {name for name in os.environ if not name.startswith("PYTHON")} - kept - of_the_shell
    assert not names & {"VALGRIND_OPTS", "HOME", "TMPDIR", *others}


def test_a_count_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    counter = Counter(CALLGRIND, (valgrind(), *CALLGRIND.options))
    counting = Counting(counter, ["/bin/sh", "-c", "while :; do :; done"], tmp_path)
    with pytest.raises(ProcessError, match="did not end within 1 s"):
        counting.finish(1.0)
    counting.close()


def test_the_breakpoint_of_a_probe_is_told_from_a_crash(tools: Path) -> None:
    counter = Counter(CALLGRIND, ("/bin/sh", "-c", "kill -TRAP $$"))
    counting = Counting(counter, [], tools)
    with pytest.raises(Trapped, match="when nothing probes this interpreter"):
        counting.finish(10)
    counting.close()
