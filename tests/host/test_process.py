"""The one place that starts processes: what it starts it also ends, with all of its offspring."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from children import LONG, open_descriptors, python, wait_for_end

from gilbench.host.capture import capture, stream
from gilbench.host.environment import clean_environment, find_tool
from gilbench.host.process import TAIL, Process, ProcessError

SLEEPER = "import time; time.sleep(60)"
PARENT_OF_ONE = f"""
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-I", "-S", "-c", {SLEEPER!r}])
print(child.pid, flush=True)
"""


def first_word(process: Process) -> int:
    deadline = time.monotonic() + LONG
    while "\n" not in process.output():
        assert time.monotonic() < deadline
        time.sleep(0.005)
    return int(process.output().split()[0])


# --- Process --------------------------------------------------------------------------------------------


def test_a_process_that_ends_says_how() -> None:
    for code, status in (("raise SystemExit(3)", 3), ("import os; os.kill(os.getpid(), 9)", -9), ("", 0)):
        one = Process(python(code))
        assert one.wait(LONG) == status
        assert one.poll() == status
        assert one.rusage is not None
        one.close()


def test_waiting_ends_with_nothing_where_the_process_goes_on() -> None:
    one = Process(python(SLEEPER))
    assert one.wait(0.01) is None
    assert one.poll() is None
    assert one.end(grace=0) == -signal.SIGKILL
    one.close()


def test_a_process_is_asked_before_it_is_killed() -> None:
    code = "import signal, sys, time\nsignal.signal(15, lambda *_: sys.exit(5))\nprint(1, flush=True)\ntime.sleep(60)"
    one = Process(python(code))
    first_word(one)
    assert one.end(grace=LONG) == 5
    assert one.end() == 5  # again, to no harm
    one.close()


def test_a_process_that_does_not_want_to_end_is_killed() -> None:
    code = "import signal, time\nsignal.signal(15, signal.SIG_IGN)\nprint(1, flush=True)\ntime.sleep(60)"
    one = Process(python(code))
    first_word(one)
    assert one.end(grace=0.05) == -signal.SIGKILL
    one.close()


@pytest.mark.parametrize("rest", ["time.sleep(60)", "pass"])
def test_grandchildren_are_killed_also_where_the_child_has_gone(rest: str) -> None:
    one = Process(python(PARENT_OF_ONE + rest))
    grandchild = first_word(one)
    if rest == "pass":
        assert one.wait(LONG) == 0
    one.close()
    assert wait_for_end(grandchild)


def test_the_output_is_kept_at_its_end_and_both_streams_together() -> None:
    code = "import sys\nprint('x' * 10000, 'last', flush=True)\nsys.stderr.write('words')"
    one = Process(python(code))
    one.wait(LONG)
    assert one.output().endswith("last\nwords")
    assert len(one.output()) == TAIL
    one.close()
    assert one.output() == ""


def test_a_signal_reaches_the_process_and_none_is_sent_to_one_that_has_ended() -> None:
    one = Process(python(SLEEPER))
    one.signal(signal.SIGKILL)
    assert one.wait(LONG) == -signal.SIGKILL
    one.signal(signal.SIGKILL)
    one.close()


def test_a_process_has_a_session_of_its_own_and_no_stdin() -> None:
    code = "import os, sys; print(os.getsid(0) == os.getpid(), repr(sys.stdin.read()))"
    assert capture(python(code), seconds=LONG).stdout == "True ''\n"


def test_a_child_dies_when_its_parent_is_killed() -> None:
    code = f"""
import sys, time
from gilbench.host.process import Process
child = Process([sys.executable, "-I", "-S", "-c", {SLEEPER!r}])
print(child.pid, flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert Path(f"/proc/{child}").exists()
        parent.kill()
    assert wait_for_end(child)


@pytest.mark.parametrize("argv", [["/nowhere/program"], ["/"], [__file__], ["a\0b"]])
def test_what_cannot_be_started_is_an_error_that_names_it(argv: list[str]) -> None:
    with pytest.raises(ProcessError, match="cannot start"):
        Process(argv)
    with pytest.raises(ProcessError, match="cannot start"):
        capture(argv, seconds=LONG)


def test_no_descriptor_is_left_open() -> None:
    before = open_descriptors()
    capture(python("print(1)"), seconds=LONG)
    for argv in (["/nowhere"], python(SLEEPER)):
        with pytest.raises(ProcessError):
            capture(argv, seconds=0.05)
    one = Process(python(""))
    one.close()
    assert open_descriptors() == before


# --- capture --------------------------------------------------------------------------------------------


def test_what_a_program_writes_is_returned_stream_by_stream() -> None:
    code = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(4)"
    assert capture(python(code), seconds=LONG)[:3] == (4, "out\n", "err\n")


def test_the_cpu_time_is_that_of_the_program_and_not_of_others_that_end_meanwhile() -> None:
    burn = "import time\nend = time.process_time() + 0.5\nwhile time.process_time() < end: pass"
    with ThreadPoolExecutor() as pool:
        other = pool.submit(capture, python(burn), seconds=LONG)
        done = capture(python("import time; time.sleep(1.5)"), seconds=LONG)
        burned = other.result().cpu
    assert burned is not None
    assert burned >= 0.5
    assert done.cpu is not None
    assert 0 < done.cpu < 0.5


def test_much_output_on_both_streams_does_not_block() -> None:
    code = "import sys\nfor _ in range(300): sys.stdout.write('o' * 1000); sys.stderr.write('e' * 1000)"
    done = capture(python(code), seconds=LONG)
    assert (len(done.stdout), len(done.stderr)) == (300_000, 300_000)


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert (
        "\N{REPLACEMENT CHARACTER}"
        in capture(python("import os; os.write(1, b'\\xff')"), seconds=LONG).stdout
    )


@pytest.mark.parametrize("code", [SLEEPER, "import os, time; os.close(1); os.close(2); time.sleep(60)"])
def test_a_program_that_does_not_end_is_killed_at_its_limit(code: str) -> None:
    with pytest.raises(ProcessError, match=r"timed out after 0\.2 s"):
        capture(python(code), seconds=0.2)


def test_at_the_limit_the_whole_group_is_killed(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    code = PARENT_OF_ONE + f"open({str(note)!r}, 'w').write(str(child.pid))\ntime.sleep(60)"
    with pytest.raises(ProcessError, match="timed out"):
        capture(python(code), seconds=1.0)
    assert wait_for_end(int(note.read_text()))


def test_a_grandchild_that_keeps_the_pipes_open_is_not_waited_for() -> None:
    done = capture(python(PARENT_OF_ONE), seconds=LONG)
    assert done.status == 0
    assert wait_for_end(int(done.stdout))


def test_a_program_that_writes_without_end_is_stopped() -> None:
    with pytest.raises(ProcessError, match="wrote more than 100000 bytes"):
        capture(python("while True: print('x' * 1000)"), seconds=LONG, limit=100_000)


# --- stream ---------------------------------------------------------------------------------------------


def test_lines_are_yielded_as_they_come_and_all_are_kept(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("before\n")
    code = "import sys; print('one', flush=True); print('two', file=sys.stderr)"
    assert list(stream(python(code), log=log)) == ["one", "two"]
    assert log.read_text() == "before\none\ntwo\n"


def test_a_bad_end_of_a_stream_names_the_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with pytest.raises(ProcessError, match="status 3") as raised:
        list(stream(python("print('x'); raise SystemExit(3)"), log=log))
    assert str(log) in str(raised.value)
    assert log.read_text() == "x\n"


def test_a_reader_who_leaves_ends_the_program(tmp_path: Path) -> None:
    lines = stream(python(PARENT_OF_ONE + "time.sleep(60)"), log=tmp_path / "log")
    grandchild = int(next(iter(lines)))
    lines.close()  # type: ignore[attr-defined]
    assert wait_for_end(grandchild)


# --- environment ----------------------------------------------------------------------------------------


def test_a_measured_interpreter_sees_no_setting_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = ("PYTHONPATH", "PYTHON_GIL", "PYTHONHASHSEED", "VIRTUAL_ENV", "PYENV_VERSION", "JYTHONPATH")
    for name in (*settings, "IRONPYTHONPATH"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("HOME", "/somewhere")
    found = clean_environment({"PYTHON_GIL": "1"})
    assert found["PYTHON_GIL"] == "1"
    assert found["HOME"] == "/somewhere"
    ours = {name for name in found if name.startswith(("PYTHON", "VIRTUAL", "PYENV_V", "JYTHON", "IRON"))}
    assert ours == {"PYTHON_GIL", "PYTHONDONTWRITEBYTECODE", "PYTHONNOUSERSITE"}


# --- tools ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("entry", ["", ".", "tools"])
def test_a_tool_is_never_started_from_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry: str
) -> None:
    (tmp_path / "tools").mkdir()
    for folder in (tmp_path, tmp_path / "tools"):
        for name in ("git", "bpftrace", "gilbench-tool"):
            (folder / name).write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
            (folder / name).chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{entry}{os.pathsep}/nowhere{os.pathsep}{entry}")
    assert find_tool("gilbench-tool") is None
    for start in (Process, lambda argv: capture(argv, seconds=LONG)):
        with pytest.raises(ProcessError, match="cannot start gilbench-tool: not found in PATH"):
            start(["gilbench-tool"])
    # What is started starts others.
    assert clean_environment()["PATH"] == "/nowhere"
    capture(["/bin/sh", "-c", "gilbench-tool"], seconds=LONG)
    assert not (tmp_path / "started").exists()


def test_a_tool_is_found_on_path_and_by_its_whole_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "gilbench-tool"
    tool.write_text("#!/bin/sh\necho here\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{os.pathsep}{tmp_path}")
    assert find_tool("gilbench-tool") == find_tool(str(tool)) == str(tool)
    assert find_tool("./gilbench-tool") is None
    assert capture(["gilbench-tool"], seconds=LONG).stdout == "here\n"
    monkeypatch.setenv("PATH", "")
    assert clean_environment()["PATH"] == os.defpath
