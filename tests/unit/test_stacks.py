from __future__ import annotations

import json

from gilbench.observe.stacks import RATE, Stack, read_stacks, shares
from gilbench.render.speedscope import render_speedscope

RAW = """\
thread (4656): fill-0;Thread.run (threading.py:975);fill (shared.py:9) 89
thread (4657): fill-1;Thread.run (threading.py:975);fill (shared.py:9) 98
thread (0x7F05E5A6C6C0);serve (app.py:3) 13
torn li
"""


def test_the_raw_format_gives_threads_with_their_numbers_and_names() -> None:
    stacks = tuple(read_stacks(RAW))
    assert [(stack.tid, stack.thread, stack.samples) for stack in stacks] == [
        (4656, "fill-0", 89),
        (4657, "fill-1", 98),
        (None, "thread (0x7F05E5A6C6C0)", 13),
    ]
    assert stacks[0].frames == ("Thread.run (threading.py:975)", "fill (shared.py:9)")


def test_shares_are_of_the_samples_that_were_due() -> None:
    reading = shares(tuple(read_stacks(RAW)), 400)
    assert reading.figures["gil_held"] == 0.5
    assert [(share.name, share.value) for share in reading.functions] == [
        ("fill (shared.py:9)", 187 / 400),
        ("serve (app.py:3)", 13 / 400),
    ]
    assert shares((), 0).unavailable is not None


def test_a_speedscope_file_has_a_profile_for_each_thread_with_frames_by_number() -> None:
    stacks = [
        *read_stacks(RAW),
        Stack(4656, "fill-0", ("Thread.run (threading.py:975)", "odd <frame>"), RATE),
    ]
    written = json.loads(render_speedscope(stacks, "app.py"))
    frames = written["shared"]["frames"]
    assert {"name": "fill", "file": "shared.py", "line": 9} in frames
    assert {"name": "odd <frame>"} in frames
    first = written["profiles"][0]
    assert first["name"] == "fill-0 (4656)"
    assert first["weights"] == [89 / RATE, 1.0]
    assert first["endValue"] == sum(first["weights"])
    assert [frames[number]["name"] for number in first["samples"][1]] == ["Thread.run", "odd <frame>"]
    assert len(written["profiles"]) == 3
