"""``gilbench profile --live`` on a real terminal: its keys, and that the terminal is always given back."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import GILBENCH
from interpreters_fixture import interpreter
from terminals import Terminal

ENTERED, LEFT = "\x1b[?1049h", "\x1b[?1049l"  # the alternate screen
# Two threads that compute, and one that sleeps.
PROGRAM = """
import threading, time
def crunch():
    while True: sum(range(1000))
for number in (1, 2): threading.Thread(target=crunch, name=f"crunch-{number}", daemon=True).start()
threading.Thread(target=lambda: time.sleep(1000), name="idle", daemon=True).start()
"""
FOREVER = PROGRAM + "time.sleep(1000)"


@pytest.fixture
def target() -> Iterator[int]:
    """The PID of a program that runs."""
    command = [interpreter("3.13").executable, "-c", FOREVER]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as process:
        yield process.pid
        assert process.poll() is None, "the program goes on"
        process.kill()


def live(*arguments: str) -> list[str]:
    return [GILBENCH, "profile", "--live", "--observe", "gil", *arguments]


def profiled(screen: str) -> str:
    (line,) = (line for line in screen.splitlines() if line.startswith("Profiled"))
    return line


def test_keys_change_what_a_running_profile_shows(target: int) -> None:
    with Terminal(live("--pid", str(target))) as terminal:
        screen = terminal.until(lambda screen: "crunch-2" in screen and "q quit" in screen, "the table")
        assert screen.splitlines()[23].startswith("s sort")
        terminal.press("s")
        terminal.shows("Sorted by GIL held")
        terminal.press("r")
        terminal.shows("Sorted by GIL held, lowest first")
        terminal.press("g")
        terminal.shows("crunch-* (2 threads)")
        terminal.press("/idq\x7fl")
        assert "crunch-*" in terminal.shows("Filter by name: idl_")
        terminal.press("\r")
        screen = terminal.shows("Names with 'idl'")
        assert "crunch" not in screen.partition("Threads (")[2]
        terminal.press("\x1b")
        terminal.shows("crunch-* (2 threads)")
        terminal.press("h")
        terminal.shows("end the profile, and print its report")
        terminal.press("x")
        terminal.until(lambda screen: "print its report" not in screen and "crunch" in screen, "the table")
        terminal.resize(120, 40)
        screen = terminal.until(lambda screen: len(screen.splitlines()) == 40, "40 lines")
        assert "tid" in screen, "a wide terminal has more columns"
        terminal.press("q")
        assert terminal.end() == 0
        assert "Findings" in terminal.after()
        assert "crunch-1" in terminal.after()
        assert terminal.settings == terminal.before


def test_a_pause_stops_the_table_and_nothing_else_and_needs_no_color(target: int) -> None:
    with Terminal(live("--pid", str(target)), variables={"NO_COLOR": "1"}) as terminal:
        terminal.shows("crunch-2")
        terminal.press(" ")
        before = profiled(terminal.shows("Paused."))
        count = terminal.written.count("\x1b[H")
        terminal.until(lambda _: terminal.written.count("\x1b[H") >= count + 2, "two samples")
        assert profiled(terminal.screen) == before
        terminal.press("p")
        terminal.until(lambda screen: "Paused" not in screen and profiled(screen) != before, "a later sample")
        terminal.press("q")
        assert terminal.end() == 0
        assert not re.search(r"\x1b\[(?:\d+;)*[349]\d[;m]", terminal.written)


def test_a_signal_that_kills_it_leaves_the_terminal_as_it_was(target: int) -> None:
    with Terminal(live("--pid", str(target))) as terminal:
        terminal.shows("q quit")
        assert terminal.settings != terminal.before
        terminal.process.send_signal(signal.SIGTERM)
        assert terminal.end() == -signal.SIGTERM
        assert terminal.settings == terminal.before
        assert terminal.written.endswith(f"{LEFT}\x1b[?25h")


def test_an_interrupt_ends_with_the_report_and_gives_the_terminal_back(target: int) -> None:
    with Terminal(live("--pid", str(target))) as terminal:
        terminal.shows("q quit")
        terminal.press("\x03")
        assert terminal.end() == 0
        assert "Findings" in terminal.after()
        assert terminal.settings == terminal.before


def test_a_stop_gives_the_terminal_to_the_shell_and_it_continues(target: int, tmp_path: Path) -> None:
    """A shell with job control notes the settings before, while gilbench is stopped, and at the end."""
    script = 'set -m; stty -a >before; "$@"; stty -a >stopped; echo again; fg; stty -a >after'
    command = ["sh", "-c", f"cd '{tmp_path}'; {script}", "sh", *live("--pid", str(target))]
    with Terminal(command) as terminal:
        terminal.shows("q quit")
        terminal.press("\x1a")
        terminal.until(lambda _: "again" in terminal.after(), "the shell")
        terminal.until(
            lambda screen: terminal.written.count(ENTERED) == 2 and "q quit" in screen, "the table again"
        )
        terminal.press("s")
        terminal.shows("Sorted by GIL held")
        terminal.press("q")
        assert terminal.end() == 0
        assert "Findings" in terminal.after()
    before, stopped, after = ((tmp_path / name).read_text() for name in ("before", "stopped", "after"))
    assert before == stopped == after


def test_a_closed_terminal_ends_it(target: int) -> None:
    with Terminal(live("--pid", str(target))) as terminal:
        terminal.shows("q quit")
        terminal.close()
        assert terminal.process.wait(60) == -signal.SIGHUP


def test_a_started_program_keeps_what_is_typed() -> None:
    program = PROGRAM + "import sys\nprint('GOT', sys.stdin.readline().strip(), file=sys.stderr)"
    with Terminal(live("--", interpreter("3.13").executable, "-c", program)) as terminal:
        terminal.shows("No keys: the program shares this terminal")
        assert terminal.settings == terminal.before
        terminal.press("qsq\r")
        assert terminal.end() == 0
        assert "GOT qsq" in terminal.written


def test_a_program_that_reads_something_else_leaves_the_keys(tmp_path: Path) -> None:
    source = tmp_path / "input"
    source.write_text("hello\n")
    program = PROGRAM + (
        "import os, sys\nwhile not os.path.exists('ended'): time.sleep(0.05)\nsys.exit(len(sys.stdin.read()))"
    )
    command = live(
        "--", interpreter("3.13").executable, "-c", f"import os; os.chdir({str(tmp_path)!r}){program}"
    )
    with Terminal(command, stdin=source) as terminal:
        terminal.shows("q quit")
        terminal.press("q")
        terminal.until(lambda _: "Findings" in terminal.after(), "the report")
        assert terminal.settings == terminal.before
        assert terminal.process.poll() is None, "the program goes on"
        (tmp_path / "ended").touch()
        assert terminal.end() == 6


def test_a_terminal_that_cannot_move_the_cursor_gets_only_the_report(target: int) -> None:
    command = live("--pid", str(target), "--duration", "2")
    with Terminal(command, variables={"TERM": "dumb"}) as terminal:
        assert terminal.end() == 0
        assert "\x1b" not in terminal.written
        assert "--live needs a terminal that can move the cursor" in terminal.written
        assert "Findings" in terminal.written
