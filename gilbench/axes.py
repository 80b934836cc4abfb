"""The axes of the matrix: along what cases differ, how a user writes them, and which cases they make."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import NamedTuple

import msgspec

from gilbench.errors import UsageError
from gilbench.metrics import write
from gilbench.model import Build, Case, Cell, Comparison, Interpreter, Parameters, Value, Workload

_MOST_THREADS = 512
_LONGEST_INTERVAL = 1000.0  # s; more is surely a slip
_LONGEST_NUMBER = 8  # digits; more is no count that could be served, nor one that int() must read
_SECONDS = {"us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


class Axes(NamedTuple):
    """What is swept. An axis of one value that is None is as the interpreter comes up."""

    threads: tuple[int, ...]
    gil: tuple[bool | None, ...] = (None,)
    switch_intervals: tuple[float | None, ...] = (None,)  # s
    cpus: tuple[int | None, ...] = (None,)
    parameters: Mapping[str, tuple[str, ...]] = {}  # of workloads, as the user wrote them
    observers: tuple[str, ...] = ()  # each is a run of its own beside the unobserved one
    few_choices: bool = False  # of the declared choices only the defaults, unless a parameter is swept


def cases(workloads: Sequence[Workload], interpreters: Sequence[Interpreter], axes: Axes) -> Iterator[Case]:
    """All cases, those that are compared with each other next to each other.

    A GIL that is forced on or off is an axis of free-threaded builds alone.

    Raises:
        UsageError: A parameter that no workload has, or a value that is not of its kind.
    """
    for name in axes.parameters:
        if not any(name in workload.parameters for workload in workloads):
            known = sorted({parameter for workload in workloads for parameter in workload.parameters})
            raise UsageError(f"--set {name}: no workload of this run has it; there are {', '.join(known)}")
    for workload in workloads:
        able = [one for one in interpreters if lacks(workload, one.build) is None]
        for parameters in _parameter_sets(workload, axes):
            for threads, interval, cpus in product(
                _thread_counts(workload, axes.threads), axes.switch_intervals, axes.cpus
            ):
                for interpreter in able:
                    for gil in axes.gil if interpreter.build.free_threaded else (None,):
                        for observers in ((), *((name,) for name in axes.observers)):
                            yield Case(
                                workload=workload.name,
                                interpreter=interpreter.name,
                                threads=threads,
                                parameters=parameters,
                                gil=gil,
                                switch_interval=interval,
                                cpus=cpus,
                                observers=observers,
                            )


def variant(case: Case | Cell | Comparison) -> str:
    """Name the interpreter of a case, and what it was made to run with: ``3.13t GIL on 1.00 ms 1 CPU``."""
    parts = [case.interpreter]
    if case.gil is not None:
        parts.append(f"GIL {'on' if case.gil else 'off'}")
    if case.switch_interval is not None:
        parts.append(write(case.switch_interval, "s"))
    if case.cpus is not None:
        parts.append(f"{case.cpus} CPU{'s' if case.cpus > 1 else ''}")
    return " ".join(parts)


def lacks(workload: Workload, build: Build) -> str | None:
    """The declared need for a version that a build does not meet; what is imported shows when it runs."""
    for need in workload.requires:
        match = re.fullmatch(r"python *>= *(\d+)\.(\d+)", need)
        if match and build.version_info[:2] < (int(match[1]), int(match[2])):
            return need
    return None


def parse_threads(text: str, cores: int) -> tuple[int, ...]:
    """Read ``1,2,4``, ``cores`` and ``2x`` (twice the cores).

    Raises:
        UsageError: A part is not a count of at least one thread.
    """
    counts = []
    for word in _words(text):
        count = cores if word == "cores" else _count(word.removesuffix("x"))
        if not count:
            raise UsageError(
                f"--threads: {word[:20]!r} is not a thread count; write e.g. 1,2,4 or 1,cores,2x"
            )
        counts.append(count * cores if word.endswith("x") else count)
    if max(counts) > _MOST_THREADS:
        raise UsageError(f"--threads: {max(counts)} threads are too many; at most {_MOST_THREADS}")
    return tuple(sorted(set(counts)))


def parse_gil(text: str) -> tuple[bool | None, ...]:
    """Read ``on``, ``off`` and ``on,off``.

    Raises:
        UsageError: Another word.
    """
    known = {"on": True, "off": False}
    words = _words(text)
    for word in words:
        if word not in known:
            raise UsageError(f"--gil: {word[:20]!r} is neither on nor off; write on, off or on,off")
    return tuple(dict.fromkeys(known[word] for word in words))


def parse_switch_intervals(text: str) -> tuple[float | None, ...]:
    """Read ``5ms,1ms,0.1ms``: seconds, the largest first.

    Raises:
        UsageError: A part is not a time above zero.
    """
    found = [(_seconds(word), word) for word in _words(text)]
    for seconds, word in found:
        if not 0 < seconds <= _LONGEST_INTERVAL:
            raise UsageError(f"--switch-interval: {word[:20]!r} is not a time; write e.g. 5ms,1ms,0.1ms")
    return tuple(sorted({seconds for seconds, _ in found}, reverse=True))


def parse_budget(text: str) -> float:
    """Read ``90s``, ``5m`` or ``1h``: seconds.

    Raises:
        UsageError: Not a time of a second or more.
    """
    seconds = _seconds(text.strip().lower())
    if seconds < 1:
        raise UsageError(f"--budget: {text[:20]!r} is not a time; write e.g. 90s, 5m or 1h")
    return seconds


def parse_cpus(text: str, cores: int) -> tuple[int | None, ...]:
    """Read ``1,2,all``: how many CPUs the worker may use.

    Raises:
        UsageError: A part is not a count, or more than there are.
    """
    counts = []
    for word in _words(text):
        count = cores if word == "all" else _count(word)
        if not 1 <= count <= cores:
            raise UsageError(f"--cpus: {word[:20]!r} is not a number of CPUs from 1 to {cores}, nor all")
        counts.append(count)
    return tuple(sorted(set(counts)))


def parse_settings(settings: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Read ``name=value`` and ``name=value,value``.

    Raises:
        UsageError: Not of that form.
    """
    found = {}
    for setting in settings:
        name, equals, values = setting.partition("=")
        if not (name.isidentifier() and equals and all(values.split(","))):
            raise UsageError(f"--set: {setting[:40]!r} is not of the form name=value or name=value,value")
        found[name] = tuple(values.split(","))
    return found


def _words(text: str) -> list[str]:
    return [word.strip().lower() for word in text.split(",")]


def _seconds(word: str) -> float:
    match = re.fullmatch(r"(\d{1,8}(?:\.\d{1,8})?) *([a-zµ]+)", word)
    return float(match[1]) * _SECONDS.get(match[2], 0.0) if match else 0.0


def _count(word: str) -> int:
    return int(word) if word.isdecimal() and len(word) <= _LONGEST_NUMBER else 0


def _thread_counts(workload: Workload, asked: Sequence[int]) -> tuple[int, ...]:
    counts = workload.threads if workload.threads is not None else tuple(asked)
    return tuple(sorted({0, *counts})) if workload.quiet_case else counts


def _parameter_sets(workload: Workload, axes: Axes) -> list[Parameters]:
    swept: dict[str, tuple[Value, ...]] = {} if axes.few_choices else dict(workload.choices)
    for name, texts in axes.parameters.items():
        if name in workload.parameters:
            swept[name] = tuple(_value(name, text, workload.parameters[name]) for text in texts)
            if workload.driver == "signals" and name == "interval":
                for value in swept[name]:
                    if not isinstance(value, str) and value <= 0:
                        raise UsageError(f"--set interval={value}: there must be time between two signals")
    names = sorted(swept)
    sets = (
        tuple(
            (name, value)
            for name, value in zip(names, values, strict=True)
            if value != workload.parameters.get(name)
        )
        for values in product(*(swept[name] for name in names))
    )
    return list(dict.fromkeys(sets))  # a value that was written twice is one case


def _value(name: str, text: str, default: Value) -> Value:
    try:
        value: Value = msgspec.convert(type(default)(text), type=Value)
    except (ValueError, msgspec.ValidationError) as error:
        raise UsageError(f"--set {name}={text[:20]}: it must be of the kind of {default!r}") from error
    return value
