"""Sampled stacks as a file for speedscope: one profile for each thread, in its "sampled" form.

The form is that of https://www.speedscope.app/file-format-schema.json; weights are seconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from gilbench.observe.stacks import RATE, Stack

_SCHEMA = "https://www.speedscope.app/file-format-schema.json"
_FRAME = re.compile(r"(.*) \((.*):(\d+)\)", re.DOTALL)


def render_speedscope(stacks: Iterable[Stack], name: str) -> bytes:
    """Write stacks of threads that held the GIL.

    Args:
        stacks: What the sampler saw.
        name: Title of the whole.
    """
    numbers: dict[str, int] = {}
    threads: dict[tuple[int | None, str], list[Stack]] = {}
    for stack in stacks:
        threads.setdefault((stack.tid, stack.thread), []).append(stack)
        for frame in stack.frames:
            numbers.setdefault(frame, len(numbers))
    return msgspec.json.encode(
        {
            "$schema": _SCHEMA,
            "name": name,
            "exporter": "gilbench",
            "shared": {"frames": [_frame(frame) for frame in numbers]},
            "profiles": [
                _profile(thread if tid is None else f"{thread} ({tid})", seen, numbers)
                for (tid, thread), seen in threads.items()
            ],
        }
    )


def _frame(text: str) -> dict[str, Any]:
    found = _FRAME.fullmatch(text)
    return {"name": found[1], "file": found[2], "line": int(found[3])} if found else {"name": text}


def _profile(name: str, stacks: list[Stack], numbers: dict[str, int]) -> dict[str, Any]:
    weights = [stack.samples / RATE for stack in stacks]
    return {
        "type": "sampled",
        "name": name,
        "unit": "seconds",
        "startValue": 0,
        "endValue": sum(weights),
        "samples": [[numbers[frame] for frame in stack.frames] for stack in stacks],
        "weights": weights,
    }
