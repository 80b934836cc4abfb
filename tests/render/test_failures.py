"""Why a run failed: a process that ended has often written the reason."""

from __future__ import annotations

import pytest

from gilbench.model.study import Failure
from gilbench.render.study_details import _reason


@pytest.mark.parametrize(
    ("kind", "output", "reason"),
    [
        ("exit", "Traceback ...\nImportError: no module named json\n", ": ImportError: no module named json"),
        ("crash", "Fatal Python error: Aborted\n", ": Fatal Python error: Aborted"),
        ("exit", "", ""),
        ("timeout", "still busy\n", ""),
    ],
)
def test_the_last_line_of_a_process_that_ended_is_its_reason(kind: str, output: str, reason: str) -> None:
    assert _reason(Failure(kind=kind, message="it ended", output=output)) == f"it ended{reason}"
