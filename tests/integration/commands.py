"""The command line run as a user would."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil

GILBENCH = str(Path(sys.executable).with_name("gilbench"))
SHORT = (
    "--workload",
    "countdown",
    "--workload",
    "tcp_echo_cpu",
    "--threads",
    "1,2",
    "--quiet",
    "--seed",
    "1",
)


def gilbench(*arguments: str, seconds: float = 120, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [GILBENCH, *arguments],
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
        stdin=subprocess.DEVNULL,
        **options,
    )


def start(*arguments: str, **options: Any) -> subprocess.Popen[str]:
    """Start a command that will be interrupted."""
    return subprocess.Popen(
        [GILBENCH, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
        **options,
    )


def started_by_gilbench(marker: str = "") -> list[str]:
    """Command lines of workers, peers and samplers that run now, of whatever session."""
    found = []
    for process in psutil.process_iter(["cmdline", "environ", "status"]):
        line = " ".join(process.info["cmdline"] or ())
        mine = any(word in line for word in ("target/worker.py", "run/peer_main.py", "py-spy record"))
        # The marker in the environment tells this test's processes from those of another session.
        if mine and process.info["status"] != psutil.STATUS_ZOMBIE:
            environment = process.info["environ"] or {}
            if not marker or environment.get("GILBENCH_TEST") == marker:
                found.append(line)
    return found


def none_left(marker: str, seconds: float = 5.0) -> bool:
    """Whether all processes of a test have gone, after a moment's patience with the kernel."""
    deadline = time.monotonic() + seconds
    while started_by_gilbench(marker):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def marked(marker: str) -> dict[str, str]:
    """An environment by which the processes of a test are found."""
    return {**os.environ, "GILBENCH_TEST": marker}


def error_lines(done: subprocess.CompletedProcess[str]) -> list[str]:
    """What a user reads when something is wrong: one or two lines, never a traceback."""
    assert "Traceback" not in done.stderr + done.stdout
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert 1 <= len(lines) <= 2, done.stderr
    return lines
