"""What a command may leave behind on a machine, found from outside."""

from __future__ import annotations

import contextlib
import fcntl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from campaigns.processes import carrying

_PATIENCE = 10.0  # s until all processes have ended
_TRACING = Path("/sys/kernel/tracing")
_EVENTS = ("uprobe_events", "kprobe_events", "dynamic_events")
_SETTINGS = (
    "cpufreq/scaling_governor",
    "cpufreq/scaling_min_freq",
    "cpufreq/scaling_max_freq",
)
_SWEEP = "from gilbench.host.scratch import clear; clear()"


class Machine(NamedTuple):
    """The state of the machine that a command must leave as it was."""

    settings: tuple[str, ...]
    events: tuple[str, ...]
    cgroups: frozenset[str]


def machine() -> Machine:
    """Read the state of the machine."""
    files = [
        *(
            path
            for name in _SETTINGS
            for path in sorted(Path("/sys/devices/system/cpu").glob(f"cpu*/{name}"))
        ),
        *sorted(Path("/proc/irq").glob("*/smp_affinity")),
        Path("/proc/sys/kernel/perf_event_max_sample_rate"),
        Path("/proc/sys/kernel/randomize_va_space"),
    ]
    groups = {str(path) for path in Path("/sys/fs/cgroup").rglob("*gilbench*")}
    return Machine(
        tuple(_text(path) for path in files),
        tuple(_text(_TRACING / name) for name in _EVENTS),
        frozenset(groups),
    )


def left_over(marker: str, before: Machine, environment: Mapping[str, str]) -> Iterator[str]:
    """Yield what a command has left behind, after a moment and the sweep of the next command."""
    deadline = time.monotonic() + _PATIENCE
    while (found := carrying(marker)) and time.monotonic() < deadline:
        time.sleep(0.02)
    if found:
        yield f"processes: {found}"
    after = machine()
    if after.settings != before.settings:
        yield "a setting of the machine has changed"
    if after.events != before.events:
        yield f"probes: {after.events}"
    if after.cgroups != before.cgroups:
        yield f"cgroups: {sorted(after.cgroups - before.cgroups)}"
    if not _is_free(Path(environment["XDG_CACHE_HOME"]) / "gilbench" / "measuring.lock"):
        yield "the lock of measurements is held"
    if there := temporary_files(environment):
        yield f"temporary files: {there}"


def temporary_files(environment: Mapping[str, str]) -> list[str]:
    """Return the names of temporary files that stay after the sweep of the next command."""
    subprocess.run([sys.executable, "-c", _SWEEP], env=dict(environment), check=True)
    return sorted(path.name for path in Path(environment["TMPDIR"]).iterdir())


def _is_free(lock: Path) -> bool:
    if not lock.exists():
        return True
    with lock.open("rb") as file, contextlib.suppress(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""
