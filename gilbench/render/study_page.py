"""The page of a study: tables, plots, findings, and warnings."""

from __future__ import annotations

from typing import Any

import msgspec

from gilbench.analyse.study.sweeps import sweeps
from gilbench.model.metrics import write
from gilbench.model.results import Report, ShortSlices
from gilbench.model.study import Effort, Host
from gilbench.plan.commands import HOST
from gilbench.render.figures import processors
from gilbench.render.host_tables import cells_by_host, head_of_hosts
from gilbench.render.overview import overview
from gilbench.render.page import Entry, Page, Text
from gilbench.render.remarks import remarks
from gilbench.render.rows import flat
from gilbench.render.started import started
from gilbench.render.study_details import details
from gilbench.render.study_tables import tables
from gilbench.render.sweeps import scaling_plots, sweep_parts

SCHEMA = 1


def study_page(report: Report) -> Page:
    """Make the page of a study."""
    unobserved = [cell for cell in report.cells if not cell.case.observers]
    workloads = {workload.name: workload for workload in report.header.workloads}
    return Page(
        title=f"gilbench {report.header.gilbench}: study of {report.header.created}",
        lead=_lead(report),
        parts=(
            *overview(unobserved, report),
            *tables(unobserved, report),
            *scaling_plots(unobserved),
            *(part for sweep in sweeps(unobserved, workloads) for part in sweep_parts(sweep)),
            *details(unobserved, report),
            *cells_by_host(report),
            *remarks(report.findings, report.caveats),
        ),
        document=_document(report),
        rows=(flat(cell, report.kinds) for cell in (*report.cells, *report.host_cells)),
    )


def _lead(report: Report) -> tuple[Entry, ...]:
    plan = report.header.plan
    return (
        *(head_of_hosts(report.kinds) if report.hosts else [_host(report.header.host)]),
        *started([one for one in report.header.interpreters if one.name != HOST]),
        Text(
            f"Effort {plan.effort.name}, {plan.effort.blocks} blocks{' of all hosts' if report.hosts else ''}; "
            f"reference {plan.command or plan.reference}.",
            "faint",
        ),
        Text(f"Intervals are 95%, over {'hosts' if report.hosts else 'blocks'}: ± or (low-high).", "faint"),
        *([Text(_slices(report.short_slices, plan.effort), "faint")] if report.short_slices else []),
    )


def _host(host: Host) -> str:
    virtual = f", {host.virtualisation}" if host.virtualisation else ""
    return f"{host.cpu_model}, {processors(host)}, {host.system} {host.kernel}{virtual}"


def _slices(short: ShortSlices, effort: Effort) -> str:
    length, long = (write(seconds, "s") for seconds in (short.seconds, effort.slice_seconds))
    return (
        f"One-thread ratios: {short.count:.0f} slices of {length} per block, in turn. Other results: {long}."
    )


def _of_hosts(report: Report) -> dict[str, Any]:
    """Return the fields about the hosts of a fleet; none for an ordinary study."""
    if not report.hosts:
        return {}
    return {
        "hosts": report.hosts,
        "host_kinds": report.kinds,
        "host_cells": [flat(cell, report.kinds) for cell in report.host_cells],
    }


def _document(report: Report) -> dict[str, Any]:
    header = report.header
    return {
        "kind": "study",
        "schema": SCHEMA,
        "gilbench": header.gilbench,
        "created": header.created,
        "host": header.host,
        "profile": header.plan.effort,
        "short_slices": report.short_slices,
        "reference": header.plan.reference,
        "seed": header.plan.seed,
        "interpreters": header.interpreters,
        "cells": [flat(cell, report.kinds) for cell in report.cells],
        **_of_hosts(report),
        "findings": [
            {**msgspec.to_builtins(finding), "cells": [flat(cell) for cell in finding.cells]}
            for finding in report.findings
        ],
        "caveats": report.caveats,
        "warnings": [caveat.text for caveat in report.caveats],
        "failures": [
            {
                **msgspec.to_builtins(case),
                "kind": failure.kind,
                "message": failure.message,
                "output": failure.output,
            }
            for case, failure in report.failures
        ],
    }
