from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from gilbench.model.errors import RunFailure
from gilbench.run.starter import Start, Starter, find_program

MIB = 1 << 20
LASTING = f"4321.{os.getpid()}"  # s of a sleep that no other test process has


@pytest.fixture
def starter() -> Iterator[Starter]:
    one = Starter()
    yield one
    one.close()


def start(*words: str, limit: float = 20.0, folder: str = "/", stdin: str | None = None) -> Start:
    return Start(words, {"COLOR": "blue"}, folder, limit, stdin)


def python(code: str) -> Start:
    return start(sys.executable, "-S", "-c", code)


def cpus() -> list[int]:
    return sorted(os.sched_getaffinity(0))


def test_a_run_has_its_times_status_and_errors(starter: Starter) -> None:
    ended = starter.run(start("/bin/sh", "-c", "echo out; echo $COLOR >&2; exit 3"), cpus())
    assert (ended.status, ended.timed_out, ended.left) == (3, False, 0)
    assert ended.end > ended.start
    assert ended.user + ended.system > 0
    assert starter.output() == "blue\n"
    assert list(ended.cpus) == cpus()


def test_what_is_begun_is_known_while_it_runs_and_its_output_is_kept(starter: Starter) -> None:
    pid = starter.begin(start("/bin/sh", "-c", "echo out; echo err >&2; sleep 0.3"), cpus())
    assert psutil.Process(pid).name() == "sh"
    assert starter.ended(0.0) is None
    ended = starter.ended(20.0)
    assert ended is not None
    assert ended.status == 0
    assert starter.output() == "out\nerr\n"


def test_the_time_of_children_counts_and_is_split(starter: Starter) -> None:
    busy = "import time; end = time.process_time() + 0.1\nwhile time.process_time() < end: pass"
    alone = starter.run(python(busy), cpus())
    below = starter.run(
        python(f"import subprocess, sys; subprocess.run([sys.executable, '-S', '-c', '''{busy}'''])"), cpus()
    )
    assert alone.user + alone.system > 0.1
    assert below.user + below.system > 0.1


def test_a_run_may_use_only_its_cpus(starter: Starter) -> None:
    code = "import os; raise SystemExit(os.sched_getaffinity(0) != {%d})"
    for cpu in cpus():
        assert starter.run(python(code % cpu), [cpu]).status == 0


def test_memory_is_that_of_the_command_and_not_of_gilbench(starter: Starter) -> None:
    small = starter.weigh(start("/bin/sleep", "0"), cpus())
    plain = starter.weigh(python("pass"), cpus())
    large = starter.run(python("x = bytearray(64 << 20)"), cpus()).memory
    assert small is not None
    assert plain is not None
    assert large is not None
    assert small < 6 * MIB < plain + 2 * MIB < 64 * MIB < large < 100 * MIB
    # A run cannot tell what is smaller than the process that starts it.
    assert starter.run(start("/bin/sleep", "0"), cpus()).memory is None


def test_what_hangs_is_ended_with_its_children(starter: Starter) -> None:
    ended = starter.run(start("/bin/sh", "-c", f"sleep {LASTING} & sleep {LASTING}", limit=0.3), cpus())
    assert ended.timed_out
    assert not left(LASTING)


@pytest.mark.parametrize(
    "command", [f"sleep {LASTING} &", f"setsid sleep {LASTING} & sleep 0.1"], ids=["child", "session"]
)
def test_what_is_left_behind_is_ended_and_counted(starter: Starter, command: str) -> None:
    ended = starter.run(start("/bin/sh", "-c", command), cpus())
    assert (ended.status, ended.left) == (0, 1)
    assert not left(LASTING)


def test_what_ends_soon_by_itself_is_not_left_behind(starter: Starter) -> None:
    assert starter.run(start("/bin/sh", "-c", "sleep 0.05 &"), cpus()).left == 0


def test_stdin_is_empty_or_a_file(starter: Starter, tmp_path: Path) -> None:
    (tmp_path / "three").write_text("1\n2\n3\n")
    count = ("/bin/sh", "-c", "exit $(wc -l)")
    assert starter.run(start(*count), cpus()).status == 0
    assert starter.run(start(*count, stdin=str(tmp_path / "three")), cpus()).status == 3


def test_a_command_gets_the_default_signals(starter: Starter) -> None:
    code = "import signal; raise SystemExit(signal.getsignal(signal.SIGXFSZ) is None)"
    assert starter.run(python(code), cpus()).status == 0
    assert starter.run(start("/bin/sh", "-c", "kill -PIPE $$"), cpus()).status == -13


def test_what_cannot_be_started_says_why(starter: Starter, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("exit 0\n")
    with pytest.raises(RunFailure, match="Permission denied"):
        starter.run(start(str(script)), cpus())
    script.chmod(0o755)
    with pytest.raises(RunFailure, match="first line must name its interpreter"):
        starter.run(start(str(script)), cpus())
    with pytest.raises(RunFailure, match="command not found: no-such-program"):
        find_program("no-such-program")
    assert starter.run(start("/bin/true"), cpus()).status == 0


def left(argument: str) -> list[psutil.Process]:
    return [one for one in psutil.process_iter(["cmdline"]) if argument in (one.info["cmdline"] or ())]
