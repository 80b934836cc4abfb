from __future__ import annotations

from pathlib import Path

from gilbench.observe.own_sampler import read_stacks, why_not
from gilbench.observe.running import RunningPython


def test_collapsed_stacks_are_read_and_what_is_none_is_passed_over() -> None:
    text = "tid:77;app.py:<module>:12;app.py:fill:5 41\ntid:78;~:0;<native>;app.py:f:3 2\n\nCaptured 43 samples\n"
    first, second = read_stacks(text)
    assert (first.tid, first.frames, first.samples) == (77, ("<module> (app.py:12)", "fill (app.py:5)"), 41)
    assert not first.named
    assert second.frames[1:] == ("<native>", "f (app.py:3)")


def test_builds_that_cannot_read_themselves_and_files_of_others_are_refused() -> None:
    old = RunningPython(1, "/opt/python3.14t", Path("/opt/python3.14t"), (3, 14), free_threaded=True)
    assert "from 3.15 on" in (why_not(old) or "")
    assert "is not started" in (why_not(old._replace(version=(3, 15))) or "")
