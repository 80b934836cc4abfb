"""Writes a study as a results file of asv (airspeed velocity), version 2.

Each workload and metric is a benchmark ``workload.metric``, in the metric's base unit, with the parameters interpreter
and threads. The format has a 99% interval, which is not the 95% interval of gilbench, so intervals are left out. A
study knows no commit: set ``commit_hash``, which is all zeros, to the measured one. asv expects the file as
``results/MACHINE/COMMIT-ENVIRONMENT.json``. https://asv.readthedocs.io/en/stable/dev.html#result
"""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import Any, TextIO

from gilbench.model.results import Report
from gilbench.plan.axes import variant
from gilbench.render.figures import case_name
from gilbench.render.guard import json_text, printable
from gilbench.render.service_values import ServiceValue, service_values

_VERSION = 2
_NO_COMMIT = "0" * 40


def write_asv(report: Report, file: TextIO) -> None:
    """Write the values by benchmark, each a list over the product of its parameters; null: not measured."""
    header = report.header
    host, reference = header.host, header.plan.reference
    benchmarks: dict[str, list[ServiceValue]] = {}
    for one in service_values(report):
        name = printable(f"{case_name(one.case.workload, one.case.parameters)}.{one.metric}")
        benchmarks.setdefault(name, []).append(one)
    python = next((one.build.version for one in header.interpreters if one.name == reference), "")
    document = {
        "version": _VERSION,
        "commit_hash": _NO_COMMIT,
        "env_name": "gilbench",
        "date": _milliseconds(header.created),
        "params": {
            "machine": "gilbench",  # the host's name is not disclosed
            "os": f"{host.system} {host.kernel}",
            "arch": host.machine,
            "cpu": host.cpu_model,
            "num_cpu": str(len(host.cpus) or host.cores),
            "ram": str(host.memory),
            "python": python,
        },
        "python": python,
        "requirements": {},
        "env_vars": {},
        "result_columns": ["result", "params"],
        "results": {name: _result(values) for name, values in benchmarks.items()},
        "durations": {},
    }
    file.write(f"{json_text(document)}\n")


def _result(values: list[ServiceValue]) -> list[Any]:
    found = {(variant(one.case), one.case.threads): one.value for one in values}
    interpreters = list(dict.fromkeys(interpreter for interpreter, _ in found))
    threads = sorted({count for _, count in found})
    cells = [found.get(cell) for cell in itertools.product(interpreters, threads)]
    return [cells, [[repr(name) for name in interpreters], [str(count) for count in threads]]]


def _milliseconds(created: str) -> int:
    try:
        moment = datetime.fromisoformat(created)
    except ValueError:
        return 0
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
