"""The axes of the matrix: how a user writes their values, and which cases the values make."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any, NamedTuple

import msgspec

from gilbench.model.errors import UsageError
from gilbench.model.excerpt import excerpt
from gilbench.model.metrics import write
from gilbench.model.study import Build, Case, Interpreter, Parameters, Value, Workload
from gilbench.plan.counting import INSTRUCTIONS, countable

SWITCH_INTERVAL = 0.005  # s, the default since CPython 3.2
_MOST_THREADS = 512
_LONGEST_INTERVAL = 1000.0  # s; a longer interval is a typing error
_LONGEST_NUMBER = 8  # digits; a longer number is no valid count, and slow for int() to read
_SECONDS = {"us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


class Axis(NamedTuple):
    """One way in which cases can differ, in addition to workload, interpreter, threads, and parameters."""

    field: str  # of ``Case``; None in this field: the interpreter's default
    parse: Callable[[str, int], tuple[Any, ...]]  # from the user's text and the number of CPUs to values
    label: Callable[[Any], str]  # name of a value in tables
    environment: Callable[[Any], Mapping[str, str]] = lambda _value: {}  # variables of a worker with a value
    options: Callable[[Any, Build], tuple[str, ...]] = lambda _value, _build: ()  # its options, likewise
    applies: Callable[[Build], bool] = lambda _build: True  # other builds run once, with their default
    needs: str = ""  # error if it applies to no build of a study


class Axes(NamedTuple):
    """The values of all axes."""

    threads: tuple[int, ...]
    swept: Mapping[str, tuple[Any, ...]] = {}  # values by ``Axis.field``
    parameters: Mapping[str, tuple[str, ...]] = {}  # of workloads, as the user wrote them
    observers: tuple[str, ...] = ()  # each in a separate run, in addition to the unobserved run
    counted: bool = False  # also count the instructions of the cases of one thread that can be counted
    few_choices: bool = False  # only the defaults of declared choices, unless a parameter is swept


def cases(workloads: Sequence[Workload], interpreters: Sequence[Interpreter], axes: Axes) -> Iterator[Case]:
    """Yield all cases. Cases that are compared with each other follow each other.

    Raises:
        UsageError: No workload has a parameter, or a value has the wrong type.
    """
    for name in axes.parameters:
        if not any(name in workload.parameters for workload in workloads):
            known = sorted({parameter for workload in workloads for parameter in workload.parameters})
            raise UsageError(f"--set {name}: no workload of this run has it; use {', '.join(known)}")
    for workload in workloads:
        able = [one for one in interpreters if lacks(workload, one.build) is None]
        counted: dict[Case, None] = {}
        for parameters, threads in product(
            _parameter_sets(workload, axes), _thread_counts(workload, axes.threads)
        ):
            plain = Case(workload=workload.name, interpreter="", threads=threads, parameters=parameters)
            placed = [(one, case) for case in _swept(plain, axes, None) for one in able]
            for interpreter, case in placed:
                named = msgspec.structs.replace(case, interpreter=interpreter.name)
                for made in _swept(named, axes, interpreter.build):
                    for observers in ((), *((name,) for name in axes.observers)):
                        yield msgspec.structs.replace(made, observers=observers)
                    if axes.counted and countable(workload, threads):
                        counted[_without_time(made)] = None
        yield from counted


def _without_time(case: Case) -> Case:
    """Return the counted case of a timed one: one thread never switches, and is always on one CPU."""
    return msgspec.structs.replace(case, switch_interval=None, cpus=None, observers=(INSTRUCTIONS,))


def _swept(case: Case, axes: Axes, build: Build | None) -> list[Case]:
    """Return a case with every combination of values: of the axes of all builds, or of those for one build."""
    mine = [
        axis
        for axis in AXES
        if axis.field in axes.swept
        and (not axis.needs if build is None else axis.needs and axis.applies(build))
    ]
    return [
        msgspec.structs.replace(case, **dict(zip((axis.field for axis in mine), values, strict=True)))
        for values in product(*(axes.swept[axis.field] for axis in mine))
    ]


def variant(case: Case) -> str:
    """Name the interpreter of a case and the values of its axes: ``3.13t GIL on 1.00 ms 1 CPU``."""
    values = ((axis, getattr(case, axis.field)) for axis in AXES)
    return " ".join([case.interpreter, *(axis.label(value) for axis, value in values if value is not None)])


def environment(case: Case) -> dict[str, str]:
    """Return the environment variables that the axes of a case set in its worker."""
    values = ((axis, getattr(case, axis.field)) for axis in AXES)
    return {
        name: text
        for axis, value in values
        if value is not None
        for name, text in axis.environment(value).items()
    }


def options(case: Case, build: Build) -> tuple[str, ...]:
    """Return the options of the interpreter that the axes of a case set in its worker."""
    values = ((axis, getattr(case, axis.field)) for axis in AXES)
    return tuple(word for axis, value in values if value is not None for word in axis.options(value, build))


def lacks(workload: Workload, build: Build) -> str | None:
    """Return the required Python version that a build does not have. Other requirements are checked at run time."""
    for need in workload.requires:
        match = re.fullmatch(r"python *>= *(\d+)\.(\d+)", need)
        if match and build.version_info[:2] < (int(match[1]), int(match[2])):
            return need
    return None


def parse_threads(text: str, cores: int) -> tuple[int, ...]:
    """Read ``1,2,4``, ``cores`` (number of cores), and ``2x`` (twice that number).

    Raises:
        UsageError: A part is not a count of at least one thread.
    """
    counts = []
    for word in _words(text):
        count = cores if word == "cores" else _count(word.removesuffix("x"))
        if not count:
            raise UsageError(
                f"--threads: {excerpt(word, 20)!r} is not a thread count; use for example 1,2,4 or 1,cores,2x"
            )
        counts.append(count * cores if word.endswith("x") else count)
    most = max(_MOST_THREADS, 2 * cores)
    if max(counts) > most:
        raise UsageError(f"--threads: {max(counts)} threads are too many; use at most {most}")
    return tuple(sorted(set(counts)))


def parse_gil(text: str, _cores: int = 0) -> tuple[bool, ...]:
    """Read ``on``, ``off``, and ``on,off``.

    Raises:
        UsageError: A part is neither.
    """
    return _parse_switch("--gil", text)


def parse_jit(text: str, _cores: int = 0) -> tuple[bool, ...]:
    """Read ``on``, ``off``, and ``on,off``.

    Raises:
        UsageError: A part is neither.
    """
    return _parse_switch("--jit", text)


def parse_switch_intervals(text: str, _cores: int = 0) -> tuple[float, ...]:
    """Read ``5ms,1ms,0.1ms`` as seconds, the largest first.

    Raises:
        UsageError: A part is not a positive time.
    """
    found = [(_seconds(word), word) for word in _words(text)]
    for seconds, word in found:
        if not 0 < seconds <= _LONGEST_INTERVAL:
            raise UsageError(
                f"--switch-interval: {excerpt(word, 20)!r} is not a time; use for example 5ms,1ms,0.1ms"
            )
    return tuple(sorted({seconds for seconds, _ in found}, reverse=True))


def parse_budget(text: str) -> float:
    """Read a budget as seconds, as ``parse_duration``."""
    return parse_duration("--budget", text)


def parse_duration(option: str, text: str) -> float:
    """Read ``90s``, ``5m``, or ``1h`` as seconds.

    Raises:
        UsageError: The text is not a time, or is less than one second.
    """
    seconds = _seconds(text.strip().lower())
    if seconds < 1:
        raise UsageError(
            f"{option}: {excerpt(text, 20)!r} is not a time of at least 1s; use for example 90s, 5m, or 1h"
        )
    return seconds


def parse_cpus(text: str, cores: int) -> tuple[int, ...]:
    """Read ``1,2,all`` as numbers of CPUs for the worker.

    Raises:
        UsageError: A part is not a count, or exceeds the number of CPUs.
    """
    counts = []
    for word in _words(text):
        count = cores if word == "all" else _count(word)
        if not 1 <= count <= cores:
            raise UsageError(
                f"--cpus: {excerpt(word, 20)!r} is not a number of CPUs; use 1 to {cores}, or all"
            )
        counts.append(count)
    return tuple(sorted(set(counts)))


AXES = (
    Axis(
        "gil",
        parse_gil,
        lambda on: f"GIL {'on' if on else 'off'}",
        environment=lambda on: {"PYTHON_GIL": str(int(on))},
        applies=lambda build: build.free_threaded,
        needs="--gil needs a free-threaded build; add one, for example --python 3.13t",
    ),
    Axis(
        "jit",
        parse_jit,
        lambda on: f"JIT {'on' if on else 'off'}",
        environment=lambda on: {"PYTHON_JIT": str(int(on))},
        options=lambda on, build: ("--jit", "off") if build.implementation == "PyPy" and not on else (),
        applies=lambda build: build.jit_kind is not None,
        needs="--jit needs a JIT that can be switched: CPython configured with --enable-experimental-jit, or PyPy; "
        "see: gilbench pythons list",
    ),
    Axis("switch_interval", parse_switch_intervals, lambda seconds: write(seconds, "s")),
    Axis("cpus", parse_cpus, lambda count: f"{count} CPU{'s' if count > 1 else ''}"),
)


def parse_settings(settings: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Read ``name=value`` and ``name=value,value``.

    Raises:
        UsageError: A setting has another form.
    """
    found = {}
    for setting in settings:
        name, equals, values = setting.partition("=")
        if not (name.isidentifier() and equals and all(values.split(","))):
            raise UsageError(
                f"--set: {excerpt(setting, 40)!r} is not a setting; use name=value or name=value,value"
            )
        found[name] = tuple(values.split(","))
    return found


def _parse_switch(option: str, text: str) -> tuple[bool, ...]:
    known = {"on": True, "off": False}
    words = _words(text)
    for word in words:
        if word not in known:
            raise UsageError(f"{option}: {excerpt(word, 20)!r} is neither on nor off; use on, off, or on,off")
    return tuple(dict.fromkeys(known[word] for word in words))


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
    few = axes.few_choices and workload.family != "own"  # arguments that the user listed are all wanted
    swept: dict[str, tuple[Value, ...]] = {} if few else dict(workload.choices)
    for name, texts in axes.parameters.items():
        if name in workload.parameters:
            swept[name] = tuple(_value(name, text, workload.parameters[name]) for text in texts)
            if workload.driver == "signals" and name == "interval":
                for value in swept[name]:
                    if not isinstance(value, str) and value <= 0:
                        raise UsageError(
                            f"--set interval={value} is not positive; use seconds, for example 0.02"
                        )
    names = sorted(swept)
    sets = (
        tuple(
            (name, value)
            for name, value in zip(names, values, strict=True)
            if value != workload.parameters.get(name)
        )
        for values in product(*(swept[name] for name in names))
    )
    return list(dict.fromkeys(sets))  # a repeated value makes one case


def _value(name: str, text: str, default: Value) -> Value:
    try:
        value: Value = msgspec.convert(type(default)(text), type=Value)
    except (ValueError, msgspec.ValidationError) as error:
        raise UsageError(
            f"--set {name}={excerpt(text, 20)} has the wrong type; use a value such as the default, {default!r}"
        ) from error
    return value
