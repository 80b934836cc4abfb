"""The findings of ``--verify``: what the program gained without the GIL, and why it was less than predicted."""

from __future__ import annotations

from collections.abc import Iterator

from gilbench.model.metrics import write
from gilbench.model.profile import WhatIf
from gilbench.model.results import Finding

_LESS = 0.9  # of the prediction; a smaller measured speedup is less than predicted
_MORE_CPU = 1.15  # times the CPU time with the GIL; if more, threads worked slower instead of waiting


def falls_short(answer: WhatIf) -> bool:
    """Return whether the measured speedup is certainly less than the predicted one."""
    if answer.measured is None or answer.predicted is None:
        return False
    return (answer.measured_hi or answer.measured) < _LESS * answer.predicted


def measured_findings(answer: WhatIf) -> Iterator[Finding]:
    """Yield the measured speedup and, if it falls short of the prediction, what is left as the cause."""
    if answer.measured is None:
        return
    ends = ""
    if answer.measured_lo is not None and answer.measured_hi is not None:
        ends = f" (95% interval {write(answer.measured_lo, 'x')} to {write(answer.measured_hi, 'x')})"
    where = f" on {answer.measured_on}" if answer.measured_on else ""
    speedup = f"speedup {write(answer.measured, 'x')}{ends}"
    if not falls_short(answer):
        yield Finding(kind="measured", subject=answer.measured_on, text=f"Measured{where}: {speedup}.")
        return
    slower = (
        "the program is slower without the GIL"
        if (answer.measured_hi or 1.0) < 1.0
        else "less than predicted"
    )
    yield Finding(
        kind="measured",
        subject=answer.measured_on,
        text=f"Measured{where}: {slower}: {speedup}, predicted {write(answer.predicted or 0.0, 'x')}.",
    )
    yield _cause(answer)


def _cause(answer: WhatIf) -> Finding:
    find = "Find the locks: profile the command on the free-threaded interpreter"
    if answer.measured_cpu is None:
        text = "The cause is not the GIL: threads wait for locks, or slow each other down in memory."
        return Finding(kind="cause", text=text, next=find)
    ratio = write(answer.measured_cpu, "x")
    if answer.measured_cpu >= _MORE_CPU:
        text = (
            f"Without the GIL, the same work took {ratio} the CPU time: threads did not wait, but slowed each other "
            "down. What is left as the cause is shared memory: reference counts or data that several threads use."
        )
        return Finding(kind="cause", text=text)
    text = (
        f"Without the GIL, the same work took {ratio} the CPU time: threads did not work slower, but waited for locks, "
        "for each other, or for a free CPU."
    )
    return Finding(kind="cause", text=text, next=find)
