"""The description of the host, and its noise."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from gilbench.host.cgroups import limited_groups, read_throttling
from gilbench.host.topology import allowed_cpus, read_topology
from gilbench.model.cores import usable_cores
from gilbench.model.study import Host, Noise


def describe_host() -> Host:
    """Describe this machine."""
    cpus = read_topology(allowed_cpus())
    quota = min((quota for _, quota in limited_groups()), default=None)
    return Host(
        system=platform.system(),
        kernel=platform.release(),
        machine=platform.machine(),
        cpu_model=_cpu_model(),
        cores=usable_cores(cpus, quota),
        cpus=cpus,
        quota=quota,
        memory=psutil.virtual_memory().total,
        governor=_read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        virtualisation="virtual machine" if " hypervisor" in (_read("/proc/cpuinfo") or "") else None,
        root=os.geteuid() == 0,
    )


def measure_busy(seconds: float = 0.2) -> float | None:
    """Return the fraction of CPU time that other programs use, while gilbench sleeps."""
    before = psutil.cpu_times()
    time.sleep(seconds)
    now = psutil.cpu_times()
    total = _total(now) - _total(before)
    idle = sum(getattr(now, name, 0.0) - getattr(before, name, 0.0) for name in ("idle", "iowait"))
    return min(1.0, max(0.0, 1 - idle / total)) if total > 0 else None


class NoiseMeter:
    """Measures the noise of the host from its creation on."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._times = psutil.cpu_times()
        self._pressure = _pressure()
        self._quotas = {group: read_throttling(group) for group, _ in limited_groups()}

    def read(self) -> Noise:
        """Return the noise since the start."""
        now = psutil.cpu_times()
        total = _total(now) - _total(self._times)
        steal = getattr(now, "steal", None)
        pressure = _pressure()
        seconds = time.monotonic() - self._started
        return Noise(
            load=os.getloadavg()[0],
            # The kernel's counts of idle time may go backwards.
            steal=None
            if steal is None or total <= 0
            else min(1.0, max(0.0, (steal - self._times.steal) / total)),
            pressure=None
            if pressure is None or self._pressure is None or seconds <= 0
            else min(1.0, max(0.0, (pressure - self._pressure) / seconds)),
            throttled=max(self._throttled(), default=None),
        )

    def _throttled(self) -> Iterator[float]:
        """Yield the fraction of periods in which each quota stopped its cgroup."""
        for group, before in self._quotas.items():
            now = read_throttling(group)
            if before and now:
                periods = now.periods - before.periods
                yield min(1.0, (now.throttled - before.throttled) / periods) if periods > 0 else 0.0


def _total(times: tuple[float, ...]) -> float:
    """Return all CPU time. The kernel counts that of guests as the user's, too."""
    return sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)


def _pressure() -> float | None:
    """Return the seconds since boot in which some task waited for a CPU (pressure stall information)."""
    for line in (_read("/proc/pressure/cpu") or "").splitlines():
        if line.startswith("some "):
            return int(line.rpartition("total=")[2]) * 1e-6
    return None


def _cpu_model() -> str:
    for line in (_read("/proc/cpuinfo") or "").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _read(path: str) -> str | None:
    try:
        return Path(path).read_text("utf-8", "replace").strip()
    except OSError:
        return None
