"""One measurement at a time, with real processes."""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gilbench.host import turn as turns
from gilbench.host.turn import turn
from gilbench.model.errors import UsageError

HOLD = """
import sys, time
from gilbench.host.turn import turn
with turn(print):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def test_a_turn_is_waited_for_and_a_killed_holder_releases_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "_LONG", 0.1)
    told: list[str] = []
    with subprocess.Popen([sys.executable, "-c", HOLD], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"

        def tell(text: str) -> None:
            told.append(text)
            holder.send_signal(signal.SIGKILL)

        with turn(tell) as waited:
            assert holder.wait(5) == -signal.SIGKILL
    assert waited > 0.1
    assert len(told) == 1
    assert f"process {holder.pid}" in told[0]


def test_turns_of_several_processes_do_not_overlap() -> None:
    program = (
        "import sys, time\nfrom gilbench.host.turn import turn\n"
        "with turn(print):\n"
        "    a = time.monotonic(); time.sleep(0.05); print(a, time.monotonic())\n"
    )
    crew = [
        subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    spans = sorted(tuple(map(float, one.communicate(timeout=60)[0].split())) for one in crew)
    assert len(spans) == 4
    assert all(first[1] <= second[0] for first, second in itertools.pairwise(spans))


def test_no_wait_is_told_and_the_next_turn_is_free_after_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="mine"), turn(print):
        raise ValueError("mine")
    began = time.monotonic()
    with turn(print) as waited:
        assert waited <= time.monotonic() - began
    assert capsys.readouterr().out == ""


def test_a_lock_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    (tmp_path / "gilbench").write_text("a file, not a folder")
    with pytest.raises(UsageError, match=r"measuring\.lock"), turn(print):
        pass
