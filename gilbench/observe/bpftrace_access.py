"""Whether bpftrace can be used on this machine: its version, rights, and what the kernel permits."""

from __future__ import annotations

import os
import re
from pathlib import Path

from gilbench.host.capture import capture
from gilbench.host.environment import find_tool
from gilbench.host.process import ProcessError
from gilbench.model.excerpt import excerpt

OLDEST = (0, 14)  # with maps of more than one key in its JSON, and probes by address
_CAP_PERFMON, _CAP_BPF, _CAP_SYS_ADMIN = 38, 39, 21  # capabilities(7)
_FIRST_PID_NAMESPACE = 0xEFFFFFFC  # PROC_PID_INIT_INO of the kernel


def why_not() -> str | None:
    """Return in one line why bpftrace cannot be used here, and the remedy; None: it can."""
    program = find_tool("bpftrace")
    if program is None:
        return "bpftrace is not installed; for exact values, install it: apt install bpftrace"
    try:
        said = capture([program, "--version"], seconds=10).stdout
    except ProcessError as error:
        return f"bpftrace cannot run: {error}"
    version = re.search(r"v?(\d+)\.(\d+)", said)
    if version is None:
        return f"bpftrace has an unknown version: {excerpt(said.strip(), 60)!r}"
    if (int(version[1]), int(version[2])) < OLDEST:
        return f"bpftrace {version[1]}.{version[2]} is too old; install {OLDEST[0]}.{OLDEST[1]} or later"
    if os.geteuid() != 0:
        return "bpftrace needs root; for exact values, run gilbench with sudo"
    if _pid_namespace() not in {None, _FIRST_PID_NAMESPACE}:
        return (
            "kernel probes use the PIDs of the host, not of this container; for exact values, run gilbench on "
            "the host"
        )
    if not _may_load_programs():
        return "BPF programs need a capability; give the container CAP_BPF and CAP_PERFMON, or CAP_SYS_ADMIN"
    if "[confidentiality]" in read_text("/sys/kernel/security/lockdown"):
        return "the kernel's lockdown (confidentiality) forbids BPF; boot with lockdown=integrity"
    if not any(
        Path(folder, "events").is_dir() for folder in ("/sys/kernel/tracing", "/sys/kernel/debug/tracing")
    ):
        return "tracefs is not mounted; mount it: mount -t tracefs tracefs /sys/kernel/tracing"
    return None


def _pid_namespace() -> int | None:
    try:
        return Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        return None


def _may_load_programs() -> bool:
    found = re.search(r"^CapEff:\s*([0-9a-f]+)", read_text("/proc/self/status"), re.MULTILINE)
    has = int(found[1], 16) if found else 0
    return bool(has >> _CAP_SYS_ADMIN & 1 or (has >> _CAP_BPF & 1 and has >> _CAP_PERFMON & 1))


def read_text(path: str) -> str:
    """Return the text of a file of the kernel; empty if it cannot be read."""
    try:
        return Path(path).read_text("utf-8", "replace")
    except OSError:
        return ""
