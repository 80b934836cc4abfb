"""Measures one block of a call: its slices, and those of the controls, in random order in one new process."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec

from gilbench.host.environment import clean_environment
from gilbench.host.placement import keep_apart
from gilbench.host.process import favor
from gilbench.host.topology import allowed_cpus, read_topology
from gilbench.model.cores import measured_cpus
from gilbench.model.errors import RunFailure
from gilbench.model.releases import CallBlock, CallSlice, Subject
from gilbench.model.study import Case, Count, Interpreter, Workload
from gilbench.plan.axes import environment
from gilbench.run.endpoint import Endpoint
from gilbench.run.worker import START_LIMIT

_T = TypeVar("_T")
SUBJECTS: tuple[Subject, ...] = ("call", "hold", "release")
ALONE, BESIDE = False, True
_SCRIPT = Path(__file__).parent.parent / "target" / "worker.py"
_LIMIT = 60.0  # s of a slice, in addition to its calls
_WAITS = 20  # lengths of a call that a slice may take, on a busy host
# Other programs disturb a short slice less often. At least two calls fit into one, each with a wait for the GIL.
_SLICE, _CALLS = 0.006, 2
# With a call that holds the GIL, the counting thread wakes up after each switch interval, and may need to wait for a
# CPU; with one that releases it, the call waits that long for the counter.
_SWITCH, _LONGEST_SWITCH, _INTERVALS = 0.001, 0.05, 4  # s, s, and intervals of a call that is not short
_CONTROL, _LONGEST_CONTROL = 2e-5, 0.01  # s, limits of the length of a control
_LONG = 0.05  # s; of longer calls, a slice has one
_BLOCK = 1.0  # s of the slices of one kind in a block of long calls, at least one slice
_ENABLED = re.compile(r"\(GIL\) has been enabled to load module '([^']{1,200})'")


class _FirstSlice(CallSlice, frozen=True, kw_only=True):
    """The first slice, and the process and its thread that will count."""

    pid: Count
    counting_thread: Count | None


class Tried(NamedTuple):
    """One block of a call."""

    block: CallBlock | None  # None: there is no GIL
    enabled_by: str | None  # module whose import switched the GIL on; None: none did


def measure_call(case: Case, interpreter: Interpreter, workload: Workload, rounds: int, seed: str) -> Tried:
    """Measure one block in a new process.

    Args:
        case: The case, with one thread.
        interpreter: Interpreter of the case.
        workload: The workload of the call.
        rounds: Number of slices of each kind.
        seed: Seed of their order.

    Raises:
        RunFailure: The interpreter cannot be started, or the call failed.
    """
    endpoint = Endpoint(
        [*interpreter.command, str(_SCRIPT)],
        clean_environment({**dict(interpreter.environment), **environment(case)}),
    )
    favor(endpoint.pid)
    try:
        request = {
            "do": "prepare",
            "workload": workload.path,
            "driver": "releasing",
            "parameters": {**workload.parameters, **dict(case.parameters)},
            "threads": 1,
        }
        enabled = endpoint.ask(request, START_LIMIT).get("gil_enabled")
        if not enabled:
            return Tried(None, None)
        named = _ENABLED.search(endpoint.process.output())
        asked_for = interpreter.gil_enabled or case.gil
        by = None if asked_for else named[1] if named else "an extension module"
        return Tried(_block(endpoint, rounds, random.Random(seed)), by)
    finally:
        endpoint.close()


def _block(endpoint: Endpoint, rounds: int, rng: random.Random) -> CallBlock:
    endpoint.ask({"do": "calibrate"}, START_LIMIT)
    request = {
        "do": "measure",
        "subject": "call",
        "beside": ALONE,
        "seconds": 0.0,
        "switch_interval": _SWITCH,
    }
    answer = endpoint.ask(request, _LIMIT)
    first = _converted(answer, _FirstSlice)
    if first.counting_thread is not None:
        keep_apart(first.pid, first.counting_thread, measured_cpus(read_topology(allowed_cpus())))
    length = first.wall / first.calls
    control = min(max(length, _CONTROL), _LONGEST_CONTROL)
    interval = min(max(length / _INTERVALS, _SWITCH), _LONGEST_SWITCH)
    seconds = {
        subject: max(_SLICE, _CALLS * (one + interval))
        for subject, one in (("call", length), ("hold", control), ("release", control))
    }
    counts = dict.fromkeys(seconds, rounds)
    if length > _LONG:
        seconds["call"], counts["call"] = length / 2, min(rounds, max(1, int(_BLOCK / length)))
    order = [(subject, beside) for subject in SUBJECTS for beside in (ALONE, BESIDE)]
    order = [one for one in order for _ in range(counts[one[0]])]
    rng.shuffle(order)
    found: dict[tuple[Subject, bool], list[CallSlice]] = {}
    for subject, beside in order:
        request = {
            "subject": subject,
            "beside": beside,
            "seconds": seconds[subject],
            "length": control,
            "switch_interval": interval,
        }
        found.setdefault((subject, beside), []).append(_slice(endpoint, request, _LIMIT + _WAITS * length))
    return CallBlock(
        alone={subject: tuple(found[subject, ALONE]) for subject in SUBJECTS},
        beside={subject: tuple(found[subject, BESIDE]) for subject in SUBJECTS},
    )


def _slice(endpoint: Endpoint, request: dict[str, Any], limit: float) -> CallSlice:
    return _converted(endpoint.ask({"do": "measure", **request}, limit), CallSlice)


def _converted(answer: dict[str, Any], to: type[_T]) -> _T:
    try:
        return msgspec.convert(answer, to)
    except msgspec.ValidationError as error:
        raise RunFailure("protocol", f"answered with an invalid slice: {error}") from error
