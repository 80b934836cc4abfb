"""A command under generated noise."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gilbench.host.capture import Completed, capture

SCRIPT = Path(__file__).parents[2] / "ci/noise.py"


def noise(*arguments: str) -> Completed:
    return capture([sys.executable, str(SCRIPT), *arguments], seconds=60)


def test_the_command_keeps_its_output_and_its_exit_status() -> None:
    done = noise("bursts", "--", sys.executable, "-c", "print('done'); raise SystemExit(7)")
    assert (done.status, done.stdout) == (7, "done\n")
    assert done.stderr.startswith("generated noise (of one CPU: bursts ")


def test_a_command_that_a_signal_ended_has_the_status_of_a_shell() -> None:
    assert noise("pinned", "--", sys.executable, "-c", "import os; os.kill(os.getpid(), 9)").status == 137


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("bursts",), "usage: "),
        (("bursts", "true", "now"), "usage: "),
        (("wind", "--", "true"), "unknown noise: wind"),
        (("bursts", "--", "no-such-command"), "cannot start no-such-command"),
    ],
)
def test_wrong_use_is_one_line(arguments: tuple[str, ...], message: str) -> None:
    done = noise(*arguments)
    assert done.status == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
