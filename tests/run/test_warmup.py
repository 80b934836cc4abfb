"""Waiting until a process rests, with real processes."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from gilbench.run.warmup import settle


@contextmanager
def busy_for(seconds: float) -> Iterator[int]:
    """A process that computes for so long once it says so, and then sleeps."""
    spin = f"print(flush=True); end = time.time() + {seconds}\nwhile time.time() < end: pass"
    script = f"import time; {spin}\ntime.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            yield process.pid
        finally:
            process.kill()


def test_a_process_that_computes_is_waited_for() -> None:
    with busy_for(0.4) as pid:
        assert 0.3 < settle(pid, 20.0) < 20.0
        began = time.monotonic()
        settle(pid, 20.0)
        assert time.monotonic() - began < 5.0, "it rests"


def test_one_that_never_rests_is_waited_for_no_longer_than_said() -> None:
    with busy_for(60.0) as pid:
        assert 0.2 <= settle(pid, 0.2) < 10.0


def test_one_that_has_gone_is_not_waited_for() -> None:
    assert settle(4194305, 20.0) < 1.0
