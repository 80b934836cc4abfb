"""Checks the header of a study: referenced names exist, and values are possible and agree with each other."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator

from gilbench.model.excerpt import excerpt
from gilbench.model.study import Build, Header, Interpreter, Parameters, Value, Workload
from gilbench.run.plausible import ALIKE
from gilbench.store.artefact import is_date

_LONGEST = 60  # maximum length of a quoted name


def header_fault(header: Header) -> str | None:
    """Return the first invalid field of a study's header, and why; None: the header is valid."""
    return next(_header_faults(header), None)


def always_has_gil(build: Build) -> bool:
    """Return whether a build cannot run without its GIL."""
    return build.implementation == "CPython" and not build.free_threaded


def repeats(values: Iterable[Hashable]) -> bool:
    """Return whether a value is there twice."""
    return max(Counter(values).values(), default=0) > 1


def quote(name: str) -> str:
    """Quote a name, which may be long."""
    return repr(excerpt(name, _LONGEST))


def _build_faults(interpreter: Interpreter) -> Iterator[str]:
    build = interpreter.build
    numbers = re.match(r"(\d+)\.(\d+)\.(\d+)", build.version)
    if numbers and tuple(map(int, numbers.groups())) != build.version_info:
        yield f"`.build.version` {quote(build.version)} and `.version_info` {build.version_info} differ"
    if always_has_gil(build) and not interpreter.gil_enabled:
        yield "`.gil_enabled` is false, but the build cannot run without its GIL"


def _host_faults(header: Header) -> Iterator[str]:
    known = [cpu.number for cpu in header.host.cpus]
    if not known:
        return
    if repeats(known):
        yield "`$.host.cpus` has a duplicate entry"
    if header.host.cores > len(known):
        yield f"`$.host.cores` is {header.host.cores}, but `$.host.cpus` has {len(known)}"
    if not {*header.plan.cpus} <= {*known}:
        yield "`$.plan.cpus` has a CPU that is not in `$.host.cpus`"


def _header_faults(header: Header) -> Iterator[str]:
    plan = header.plan
    interpreters = [interpreter.name for interpreter in header.interpreters]
    workloads = {workload.name: workload for workload in header.workloads}
    switchable = {one.name for one in header.interpreters if one.build.free_threaded}
    compiling = {one.name for one in header.interpreters if one.build.jit_kind is not None}
    for field, names in {
        "interpreters": interpreters,
        "workloads": [workload.name for workload in header.workloads],
        "plan.cases": plan.cases,
        "plan.cpus": plan.cpus,
    }.items():
        if repeats(names):
            yield f"`$.{field}` has a duplicate entry"
    if not plan.cpus:
        yield "`$.plan.cpus` is empty"
    if plan.reference not in interpreters:
        yield f"`$.plan.reference` {quote(plan.reference)} is not among the interpreters"
    if not is_date(header.created):
        yield f"`$.created` {quote(header.created)} is not an ISO 8601 date"
    yield from _host_faults(header)
    for number, interpreter in enumerate(header.interpreters):
        for problem in _build_faults(interpreter):
            yield problem.replace("`.", f"`$.interpreters[{number}].", 1)
    for number, workload in enumerate(header.workloads):
        for problem in _interval_faults(workload, workload.parameters):
            yield f"`$.workloads[{number}].parameters` {problem}"
    for number, case in enumerate(plan.cases):
        at = f"$.plan.cases[{number}]"
        if case.interpreter not in interpreters:
            yield f"`{at}.interpreter` {quote(case.interpreter)} is not among the interpreters"
        if case.workload not in workloads:
            yield f"`{at}.workload` {quote(case.workload)} is not among the workloads"
            continue
        workload = workloads[case.workload]
        if workload.driver in ALIKE and not case.threads:
            yield f"`{at}.threads` is 0, but {quote(workload.name)} needs at least 1"
        if case.gil is not None and case.interpreter not in switchable:
            yield f"`{at}.gil` is set, but the build is not free-threaded"
        if case.jit is not None and case.interpreter not in compiling:
            yield f"`{at}.jit` is set, but the build has no JIT that can be switched"
        if case.cpus is not None and case.cpus > len(plan.cpus):
            yield f"`{at}.cpus` is {case.cpus}, but `$.plan.cpus` has {len(plan.cpus)}"
        for problem in _parameter_faults(workload, case.parameters):
            yield f"`{at}.parameters` {problem}"


def _parameter_faults(workload: Workload, parameters: Parameters) -> Iterator[str]:
    names = [name for name, _ in parameters]
    if repeats(names):
        yield "has a duplicate name"
    for name, value in parameters:
        if name not in workload.parameters:
            yield f"has {quote(name)}, which {quote(workload.name)} does not declare"
        elif value in workload.choices.get(name, ()):
            continue
        elif isinstance(value, str) is not isinstance(workload.parameters[name], str):
            yield f"has a value of another type for {quote(name)} than {quote(workload.name)} declares"
    yield from _interval_faults(workload, dict(parameters))


def _interval_faults(workload: Workload, parameters: dict[str, Value]) -> Iterator[str]:
    interval = parameters.get("interval", 1)
    if workload.driver == "signals" and (isinstance(interval, str) or interval <= 0):
        yield f"has the interval {interval}, which is not positive"
