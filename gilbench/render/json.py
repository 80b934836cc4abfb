"""A report as one JSON object: ``schema, host, interpreters, cells, findings, warnings`` and what belongs to them."""

from __future__ import annotations

from typing import Any

import msgspec

from gilbench.model import Cell, Report
from gilbench.render.guard import json_text

SCHEMA = 1


def render_json(report: Report) -> str:
    """Write a report for programs. A figure that is infinite (a request never served) is null."""
    header = report.header
    document = {
        "schema": SCHEMA,
        "gilbench": header.gilbench,
        "created": header.created,
        "host": header.host,
        "profile": header.plan.profile,
        "reference": header.plan.reference,
        "seed": header.plan.seed,
        "interpreters": header.interpreters,
        "cells": [flat(cell) for cell in report.cells],
        "findings": report.findings,
        "warnings": report.warnings,
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
    return json_text(document)


def flat(cell: Cell) -> dict[str, Any]:
    """A cell without nesting, but for its parameters."""
    return {**msgspec.to_builtins(cell), "parameters": dict(cell.parameters)}
