"""Commands whose clock jumps, by Debian's package faketime: to and fro between years, while they run."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from campaigns.caller import Answer
from campaigns.harm import Harm, Part
from campaigns.judge import judged
from campaigns.killable import prepare
from campaigns.processes import GILBENCH, environment_in, marked, run_really
from campaigns.traces import left_over, machine

_LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
_JUMPS = ("+0", "-1", "+1", "+3600", "-3600", "+400d", "-4000d")
_PAUSE = 0.2  # s between two jumps
_SECONDS = 120.0
_SAVED = {"run": "study.jsonl", "profile": "profile.json"}


def try_jumping(part: Part, folder: Path, commands: Callable[[Path], dict[str, tuple[str, ...]]]) -> None:
    """Run each command while the clock jumps."""
    if _LIBRARY is None:
        part.skip("a clock that jumps: needs Debian's package faketime")
        return
    for name in commands(folder):
        place = folder / f"jumping {name}"
        place.mkdir()
        prepare(place, folder / "samples")
        part.count(f"{name}, while the clock jumps", 1)
        part.add(_jumped(name, commands(place)[name], place, str(_LIBRARY)))


def _jumped(name: str, words: tuple[str, ...], place: Path, library: str) -> Iterator[Harm]:
    """Run one command, and yield the harm; what it saved must be readable under the true clock."""
    trial, marker = f"{name}, while the clock jumps", f"{os.getpid()}-jumping-{name}"
    environment, offset = environment_in(place / "own"), place / "offset"
    offset.write_text("+0", "ascii")
    faked = {
        **marked(environment, marker),
        "LD_PRELOAD": library,
        "FAKETIME_TIMESTAMP_FILE": str(offset),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",  # the kernel's never jumps
        "DONT_FAKE_MONOTONIC": "1",
    }
    if not _jumps(faked, offset):
        yield Harm("unclear", trial, f"{library} does not change the clock")
        return
    before, done = machine(), threading.Event()

    def jump() -> None:
        rng = random.Random(name)
        while not done.wait(_PAUSE):
            new = offset.with_suffix(".new")
            new.write_text(rng.choice(_JUMPS), "ascii")
            new.rename(offset)

    jumping = threading.Thread(target=jump)
    jumping.start()
    try:
        process = subprocess.run(
            [*GILBENCH, *words],
            cwd=place,
            env=faked,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
        code, out, err = process.returncode, process.stdout, process.stderr.decode("utf-8", "replace")
    except subprocess.TimeoutExpired:
        code, out, err = None, b"", ""
    finally:
        done.set()
        jumping.join()
    yield from (harm._replace(trial=trial) for harm in judged(Answer(words, code, out, err, 0), ()))
    for trace in left_over(marker, before, environment):
        yield Harm("left over", trial, trace, words)
    if code == 0 and name in _SAVED:
        saved = place / _SAVED[name]
        shown = run_really(("report", saved), place, environment)
        if shown.code != 0:
            yield Harm("lost", trial, shown.err[-1000:], words, (saved,))


def _jumps(faked: dict[str, str], offset: Path) -> bool:
    """Return whether the clock of a program that starts now is the one that the offset says."""
    offset.write_text("-4000d", "ascii")
    asked = subprocess.run(
        [sys.executable, "-c", "import time; print(time.time())"],
        env=faked,
        capture_output=True,
        text=True,
        check=True,
    )
    offset.write_text("+0", "ascii")
    return float(asked.stdout) < time.time() - 3999 * 86400
