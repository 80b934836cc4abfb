"""Writes sampled stacks for speedscope: one "sampled" profile per thread, with weights in seconds.

The format is that of https://www.speedscope.app/file-format-schema.json.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, TextIO

from gilbench.model.profile import Profile, Stack
from gilbench.render.guard import json_text
from gilbench.render.profile_page import program

_SCHEMA = "https://www.speedscope.app/file-format-schema.json"
_FRAME = re.compile(r"(.*) \((.*):(\d{1,9})\)", re.DOTALL)


def write_speedscope(profile: Profile, file: TextIO) -> None:
    """Write the stacks of threads that held the GIL."""
    numbers: dict[str, int] = {}
    threads: dict[tuple[int | None, str], list[Stack]] = {}
    for stack in profile.stacks:
        threads.setdefault((stack.tid, stack.thread), []).append(stack)
        for frame in stack.frames:
            numbers.setdefault(frame, len(numbers))
    document = {
        "$schema": _SCHEMA,
        "name": program(profile),
        "exporter": "gilbench",
        "shared": {"frames": [_frame(frame) for frame in numbers]},
        "profiles": [
            _thread(thread if tid is None else f"{thread} ({tid})", stacks, numbers, profile.stack_rate or 1)
            for (tid, thread), stacks in threads.items()
        ],
    }
    file.write(json_text(document, indent=0))


def _frame(text: str) -> dict[str, Any]:
    found = _FRAME.fullmatch(text)
    return {"name": found[1], "file": found[2], "line": int(found[3])} if found else {"name": text}


def _thread(name: str, stacks: Sequence[Stack], numbers: dict[str, int], rate: int) -> dict[str, Any]:
    weights = [stack.samples / rate for stack in stacks]
    return {
        "type": "sampled",
        "name": name,
        "unit": "seconds",
        "startValue": 0,
        "endValue": sum(weights),
        "samples": [[numbers[frame] for frame in stack.frames] for stack in stacks],
        "weights": weights,
    }
