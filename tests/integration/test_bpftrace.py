"""bpftrace itself: what a script gathered is not lost at its end."""

from __future__ import annotations

import threading
import time

from watched import need_bpftrace

from gilbench.observe.bpftrace import Script

# The events end in END, since gilbench keeps the probes for some time.
PRINTS = """
BEGIN { @on = 1; }
interval:us:%d /@on/ { printf("%%d\\n", nsecs); @events = count(); }
END { @on = 0; }
"""


def test_sums_are_printed_also_if_many_lines_wait_to_be_read() -> None:
    need_bpftrace()
    stopping = threading.Event()

    def hear(_: str) -> None:
        stopping.wait(0.1)

    script = Script(PRINTS % 200, on_line=hear)
    time.sleep(1.5)  # 7500 lines are more than a pipe holds by default
    threading.Timer(0.5, stopping.set).start()
    assert script.finish()["@on"] == 0
    assert script.failure() is None


def test_a_script_that_hardly_ever_sleeps_ends_with_its_sums() -> None:
    """Before 0.20, bpftrace does not see a signal that comes while it reads events."""
    need_bpftrace()
    for _ in range(5):
        seen = threading.Semaphore(0)
        script = Script(PRINTS % 100, on_line=lambda _, seen=seen: seen.release())  # type: ignore[misc]
        for _ in range(100):
            assert seen.acquire(timeout=10)
        assert script.finish()["@on"] == 0
        assert script.failure() is None
