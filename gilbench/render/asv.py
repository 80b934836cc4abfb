"""Writes a study for asv (airspeed velocity): a results file, or a whole folder of results for ``asv publish``.

Each workload and metric is a benchmark ``workload.metric``, in the metric's base unit, with the parameters interpreter
and threads. The format has a 99% interval, which is not the 95% interval of gilbench, so intervals are left out. A
study knows no commit: in a results file alone, ``commit_hash`` is all zeros. In a folder, asv expects
``benchmarks.json``, ``MACHINE/machine.json``, and ``MACHINE/COMMIT-ENVIRONMENT.json``.
https://asv.readthedocs.io/en/stable/dev.html
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TextIO

import msgspec

from gilbench.model.errors import UsageError
from gilbench.model.results import Report
from gilbench.plan.axes import variant
from gilbench.render.figures import case_name
from gilbench.render.guard import json_text, printable
from gilbench.render.service_values import ServiceValue, service_values

BENCHMARKS = "benchmarks.json"
_RESULTS, _LIST, _MACHINE = 2, 2, 1  # versions of asv's files
_NO_COMMIT = "0" * 40
_ENVIRONMENT = "gilbench"  # also the machine, since the host's name is not disclosed
_HASH = 8  # characters of a commit in the name of a file
_PARAMETERS = ("interpreter", "threads")


def write_asv(report: Report, file: TextIO) -> None:
    """Write the values by benchmark, each a list over the product of its parameters; null: not measured."""
    file.write(f"{json_text(_results(report, _ENVIRONMENT, _NO_COMMIT, report.header.created))}\n")


def asv_folder(
    report: Report, *, machine: str, commit: str, committed: str | None, known: bytes | None
) -> dict[str, str]:
    """Make the files of a folder of results, by their path in it.

    Args:
        report: The study.
        machine: Name of the machine.
        commit: Hash of the measured commit.
        committed: Its date, ISO 8601; None: that of the study.
        known: The list of benchmarks that is there already; its benchmarks and their parameters are kept.

    Raises:
        UsageError: The list is not one of asv.
    """
    results = _results(report, machine, commit, committed or report.header.created)
    facts = {field: text for field, text in results["params"].items() if field != "python"}
    return {
        BENCHMARKS: f"{json_text(_listed(report, known))}\n",
        f"{machine}/machine.json": f"{json_text({**facts, 'version': _MACHINE})}\n",
        f"{machine}/{commit[:_HASH]}-{_ENVIRONMENT}.json": f"{json_text(results)}\n",
    }


def _results(report: Report, machine: str, commit: str, date: str) -> dict[str, Any]:
    header = report.header
    host, reference = header.host, header.plan.reference
    python = next((one.build.version for one in header.interpreters if one.name == reference), "")
    return {
        "version": _RESULTS,
        "commit_hash": commit,
        "env_name": _ENVIRONMENT,
        "date": _milliseconds(date),
        "params": {
            "machine": machine,
            "os": f"{host.system} {host.kernel}",
            "arch": host.machine,
            "cpu": _cpu(report),
            "num_cpu": str(len(host.cpus) or host.cores),
            "ram": str(host.memory),
            "python": python,
        },
        "python": python,
        "requirements": {},
        "env_vars": {},
        "result_columns": ["result", "params"],
        "results": {name: _result(values) for name, values in _by_benchmark(report).items()},
        "durations": {},
    }


def _cpu(report: Report) -> str:
    """Name the CPU, or the kinds of host of a fleet."""
    return "; ".join(kind.label for kind in report.kinds) or report.header.host.cpu_model


def _listed(report: Report, known: bytes | None) -> dict[str, Any]:
    """Return the list of benchmarks with those of a study, which also have the parameters that are known already."""
    listed = _known(known)
    for name, values in _by_benchmark(report).items():
        params = _parameters(values)
        earlier = listed.get(name)
        old = earlier.get("params") if isinstance(earlier, dict) else None
        if isinstance(old, list) and len(old) == len(params) and all(isinstance(one, list) for one in old):
            params = [list(dict.fromkeys((*one, *more))) for one, more in zip(old, params, strict=True)]
        listed[name] = {
            "name": name,
            "pretty_name": name,
            "code": values[0].title,
            "type": "track",
            "unit": values[0].unit,
            "param_names": list(_PARAMETERS),
            "params": params,
        }
    return listed


def _known(text: bytes | None) -> dict[str, Any]:
    if text is None:
        return {"version": _LIST}
    try:
        known = msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{BENCHMARKS} in the output folder is damaged: {error}; remove it") from error
    if known.get("version") != _LIST:
        raise UsageError(
            f"{BENCHMARKS} in the output folder is not of version {_LIST}; run asv update, or remove it"
        )
    return known


def _by_benchmark(report: Report) -> Mapping[str, list[ServiceValue]]:
    benchmarks: dict[str, list[ServiceValue]] = {}
    for one in service_values(report):
        name = printable(f"{case_name(one.case.workload, one.case.parameters)}.{one.metric}")
        benchmarks.setdefault(name, []).append(one)
    return benchmarks


def _parameters(values: list[ServiceValue]) -> list[list[str]]:
    """Return the values of the parameters as asv writes them: as Python source."""
    interpreters = dict.fromkeys(variant(one.case) for one in values)
    return [list(map(repr, interpreters)), list(map(str, sorted({one.case.threads for one in values})))]


def _result(values: list[ServiceValue]) -> list[Any]:
    found = {(repr(variant(one.case)), str(one.case.threads)): one.value for one in values}
    params = _parameters(values)
    return [[found.get((interpreter, count)) for interpreter, count in itertools.product(*params)], params]


def _milliseconds(created: str) -> int:
    try:
        moment = datetime.fromisoformat(created)
    except ValueError:
        return 0
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
