"""The command line run as a user would."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import time
from pathlib import Path
from typing import Any

import psutil
from interpreters_fixture import absent

ROOT = Path(__file__).parent.parent.parent
SYSTEM_PYTHON = Path("/usr/bin/python3")
GILBENCH = str(Path(sys.executable).with_name("gilbench"))
OURS = (
    "target/worker.py",
    "run/peer_main.py",
    "run/control_main.py",
    "run/starter_main.py",
    "gilbench.host.noise_main",
    "gilbench.work.fleet.job_main",
    "gilbench fleet serve",
    "py-spy record",
)
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


def without_root(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command as another user, on the system's Python, which that one may run with our libraries.

    Args:
        folder: Where it may write.
        arguments: Of gilbench.
    """
    if os.geteuid() != 0:
        absent("the tests are not run by root, so all of them show it")
    packages = Path(sysconfig.get_path("purelib"))
    if SYSTEM_PYTHON.resolve().name != f"python3.{sys.version_info.minor}":
        absent("there is no system Python of the version that the tests run on")
    folder.chmod(0o777)
    return subprocess.run(
        [SYSTEM_PYTHON, "-m", "gilbench", *arguments],
        user="nobody",
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={
            "PATH": "/usr/bin:/bin",
            "HOME": str(folder),
            "PYTHONPATH": f"{packages}:{ROOT}",
            "COLUMNS": "80",
        },
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
        mine = any(word in line for word in OURS)
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
