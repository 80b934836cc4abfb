"""Part ``kills``: SIGKILL at random moments, of a command and of its helpers."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from campaigns.caller import Answer
from campaigns.harm import Harm, Part
from campaigns.judge import judged
from campaigns.killable import Killable, prepare
from campaigns.processes import GILBENCH, carrying, environment_in, marked
from campaigns.samples import make_samples
from campaigns.traces import left_over, machine

_EARLY = 0.05  # s
_HELPER = 0.25  # share of the kills
_KILLED = 128 + signal.SIGKILL  # exit code of a program that was killed
_PATIENCE = 60.0  # s that a command has to end after it has lost a helper


def try_kills(part: Part, folder: Path, count: int, one: Killable) -> None:
    """Kill a command ``count`` times."""
    make_samples(folder / "samples")
    for number in range(count):
        rng = random.Random(f"{part.seed} {one.name} {number}")
        place = folder / str(number)
        place.mkdir()
        prepare(place, folder / "samples")
        part.count(f"of {one.name}", 1)
        part.add(_killed(one, place, rng, f"{part.seed}-{os.getpid()}-{one.name}-{number}"))
        shutil.rmtree(place, ignore_errors=True)


def _killed(one: Killable, place: Path, rng: random.Random, marker: str) -> Iterator[Harm]:
    """Run a command, kill it or a helper, and yield the harm."""
    environment = environment_in(place / "own")
    before = machine()
    moment = rng.uniform(0, _EARLY if rng.random() < 0.2 else one.seconds)
    of_helper = rng.random() < _HELPER
    words = one.words(place)
    name = f"{one.name} killed after {moment:.3f} s{', a helper' if of_helper else ''}"
    done = _run_and_kill(
        words, place, marked(environment, marker), moment, marker, rng if of_helper else None
    )
    if done is not None and not (one.passes_code_on and done.code == _KILLED):
        yield from (harm._replace(trial=name) for harm in judged(done, ()))
    for trace in left_over(marker, before, environment):
        yield Harm("left over", name, trace, words)
    for loss in one.whole(place, environment):
        yield Harm("lost", name, loss, words, tuple(path for path in place.iterdir() if path.is_file()))


def _run_and_kill(
    words: tuple[str, ...],
    place: Path,
    environment: Mapping[str, str],
    moment: float,
    marker: str,
    helpers: random.Random | None,
) -> Answer | None:
    """Return what the command said after it lost a helper; None: the command itself was killed."""
    with (place / "out.txt").open("wb") as out, (place / "err.txt").open("wb") as err:
        process = subprocess.Popen(
            [*GILBENCH, *words],
            cwd=place,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(moment)
        if helpers is None:
            process.kill()
            process.wait()
            return None
        others = sorted(carrying(marker).keys() - {process.pid})
        if others:
            with contextlib.suppress(ProcessLookupError):
                os.kill(helpers.choice(others), signal.SIGKILL)
        deadline = time.monotonic() + _PATIENCE
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        code = process.poll()
        process.kill()
        process.wait()
    said = (place / "err.txt").read_text("utf-8", "replace")
    return Answer(words, code, (place / "out.txt").read_bytes(), said, 0)
