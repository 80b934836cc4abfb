"""Profiles of programs that never ran."""

from __future__ import annotations

from typing import Any

import msgspec

from gilbench.analyse.profile.findings import program_findings
from gilbench.analyse.profile.report import interpret
from gilbench.model.profile import (
    LOCK,
    Blame,
    Blocked,
    Bucket,
    Call,
    LockHolder,
    Parked,
    Pause,
    Probe,
    Profile,
    ProfiledThread,
    ProgramProcess,
    Replayed,
)
from gilbench.model.results import Caveat
from gilbench.model.study import Share

NAMES = ("contended", "free_threaded", "sampled")  # of the profiles below
EXACT = Probe(strength="exact", name="exact (bpftrace: take_gil, drop_gil)")
SAMPLED = Probe(
    strength="sampled", name="sampled (py-spy, 100 Hz)", error=0.03, reason="bpftrace is not installed"
)


def make_thread(
    tid: int, held: float | None = 0.0, wait: float | None = 0.0, **fields: Any
) -> ProfiledThread:
    """A thread whose shares add up to its life; what is left is blocked time."""
    alive, off = fields.get("alive", 1.0), fields.get("off_gil", 0.0)
    known = {
        "pid": 100,
        "tid": tid,
        "name": f"worker-{tid}",
        "alive": 1.0,
        "gil_held": held,
        "gil_wait": wait,
        "off_gil": 0.0,
        "blocked": None if held is None or wait is None else alive - held - wait - off,
    }
    return ProfiledThread(**{**known, **fields})


def make_profile(*threads: ProfiledThread, **fields: Any) -> Profile:
    process = {
        "pid": 100,
        "command": ("python", "app.py", "--fast"),
        "executable": "/fake/python3.13",
        "version": "3.13.5",
        "free_threaded": False,
        "gil_enabled": True,
        **{name: fields.pop(name) for name in ProgramProcess.__struct_fields__ if name in fields},
    }
    known = {"probe": EXACT, "duration": 10.0, "process": ProgramProcess(**process), "threads": threads}
    return Profile(**{**known, **fields})


def interpreted(profile: Profile, cores: int = 2, **answer: Any) -> Profile:
    """The same profile, interpreted, with other values in its what-if."""
    told = interpret(profile, cores)
    if told.what_if is not None:
        told = msgspec.structs.replace(told, what_if=msgspec.structs.replace(told.what_if, **answer))
    return msgspec.structs.replace(told, findings=program_findings(told))


def contended() -> Profile:
    """A program with something in each table: two threads that compute, one that is served late."""
    waits = (
        Bucket(lo=0.0, hi=8.192e-6, count=31_204),
        Bucket(lo=0.001, hi=0.002, count=4),
        Bucket(lo=0.002, hi=0.004, count=31),
        Bucket(lo=0.004, hi=0.008, count=1204),
        Bucket(lo=0.032, hi=0.064, count=2),
    )
    threads = (
        make_thread(100, 0.002, 0.0, name="MainThread", switches=12, longest_hold=0.008, longest_wait=0.001),
        make_thread(
            101,
            0.52,
            0.44,
            name="crunch",
            off_gil=0.03,
            switches=940,
            longest_hold=0.041,
            longest_wait=0.0112,
            waits=waits,
        ),
        make_thread(
            102,
            0.42,
            0.51,
            name="crunch",
            off_gil=0.01,
            switches=922,
            longest_hold=0.0062,
            longest_wait=0.0481,
            waits=waits[2:4],
        ),
        make_thread(
            103,
            0.012,
            0.933,
            name="serve [red]",
            alive=0.96,
            switches=188,
            longest_hold=0.00021,
            longest_wait=0.0523,
            waits=waits[3:],
        ),
        make_thread(104, 0.004, 0.006, name="log-0", switches=31, looks=240),
        make_thread(105, 0.004, 0.006, name="log-1", switches=29, looks=250),
    )
    emits, formats = "Handler.acquire (logging/__init__.py:927)", "Slow.__str__ (app.py:12)"
    lock = 0x7F02_A7A6_2AB0
    profile = make_profile(
        *threads,
        start_up=0.31,
        status=0,
        cpu=9.94,
        memory_peak=48 << 20,
        voluntary_switches=4123,
        involuntary_switches=87,
        blames=(
            Blame(holder=101, waiter=102, seconds=5.06, count=920),
            Blame(holder=102, waiter=101, seconds=4.4, count=940),
            Blame(holder=101, waiter=103, seconds=8.1, count=170),
            Blame(holder=102, waiter=103, seconds=1.23, count=18),
        ),
        syscalls=(
            Call(name="futex", count=10234, seconds=19.2),
            Call(name="sendto", count=188, seconds=0.0123),
        ),
        blocked=(
            Blocked(tid=105, kind=LOCK, function=emits, samples=180.0, lock=lock),
            Blocked(tid=104, kind=LOCK, function=emits, samples=120.5, lock=lock),
            Blocked(tid=104, kind="sleep", function=formats, samples=40.0),
            Blocked(tid=105, kind="sleep", function=None, samples=10.0),
        ),
        lock_holders=(
            LockHolder(lock=lock, tid=104, samples=60),
            LockHolder(lock=lock, tid=105, samples=40),
        ),
        functions=(Share(name="parse (app.py:20)", value=0.62), Share(name="emit (app.py:44)", value=0.31)),
        caveats=(
            Caveat(
                kind="unavailable",
                subject="stacks",
                text="stacks of the C code: py-spy was started without --native",
            ),
        ),
        costs=(Share(name="bpftrace", value=1.012), Share(name="py-spy, 100 Hz", value=1.18)),
    )
    curve = tuple(Replayed(cores=cores, speedup=gain) for cores, gain in ((2, 1.34), (4, 1.91), (8, 1.91)))
    return interpreted(
        profile, measured=1.31, measured_lo=1.27, measured_hi=1.36, measured_on="3.13t", curve=curve
    )


def free_threaded() -> Profile:
    """A program without a GIL whose threads meet on one dict."""
    parked = (
        Parked(kind="object lock", seconds=2.1, count=8163, longest=0.0042),
        Parked(kind="stop-the-world", seconds=0.12, count=37, longest=0.0141),
    )
    waits = (Bucket(lo=0.0001, hi=0.0002, count=8000), Bucket(lo=0.0002, hi=0.0004, count=163))
    threads = (
        make_thread(200, None, 0.0, name="MainThread", off_gil=0.01, blocked=0.99),
        make_thread(
            201, None, 0.21, off_gil=0.77, blocked=0.02, longest_wait=0.0141, parked=parked, waits=waits
        ),
        make_thread(
            202, None, 0.2, off_gil=0.78, blocked=0.02, longest_wait=0.0042, parked=parked[:1], waits=waits
        ),
    )
    return interpreted(
        make_profile(
            *threads,
            free_threaded=True,
            gil_enabled=False,
            probe=Probe(
                strength="exact", name="exact (bpftrace: _PyParkingLot_Park, stop_the_world)", lost=3
            ),
            pauses=Pause(count=37, seconds=0.118, longest=0.0141),
            functions=(Share(name="_PyMutex_LockSlow <- dict_subscript", value=0.91),),
        )
    )


def sampled() -> Profile:
    """A program that only a sampler could look at."""
    threads = (
        make_thread(300, 0.01, None, name="MainThread", blocked=None, off_gil=None, cpu=0.2),
        make_thread(301, 0.93, None, blocked=None, off_gil=None, cpu=9.4),
    )
    return interpreted(make_profile(*threads, probe=SAMPLED))
