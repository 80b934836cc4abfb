"""Part ``starved``: commands with few resources, without what they expect, and stopped in the middle."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from campaigns.caller import Answer
from campaigns.harm import Harm, Part
from campaigns.judge import judged
from campaigns.jumping import try_jumping
from campaigns.killable import prepare
from campaigns.limits import LIMITS, SYSTEM, Limit, open_to_all, usable
from campaigns.processes import GILBENCH, carrying, environment_in, marked
from campaigns.samples import make_samples
from campaigns.traces import left_over, machine
from gilbench.model.errors import StudyError
from gilbench.store.study import read_study

_SECONDS = 90.0
_ENDED = frozenset({-signal.SIGXCPU, -signal.SIGKILL})  # what the kernel does to a process without CPU time
_QUICK = ("--workload", "countdown", "--threads", "1", "--quiet", "--seed", "1")
_PANIC = "panicked at vl-convert"
_STOPPED = 3.0  # s
_SHARE = 0.5  # of the median rate: a slice that was stopped is slower, if it is kept


def _commands(folder: Path, python: str = sys.executable) -> dict[str, tuple[str, ...]]:
    sound = str(folder / "sound.jsonl")
    measured = ("run", "--python", python, *_QUICK, "-o", str(folder / "study.jsonl"))
    program = ("-c", "import time; end = time.monotonic() + 1\nwhile time.monotonic() < end: sum(range(999))")
    return {
        "report": ("report", sound, "-o", str(folder / "page.html")),
        "history add": ("history", "add", sound, "--database", str(folder / "history.sqlite")),
        "run": measured,
        "profile": ("profile", "-o", str(folder / "profile.json"), "--", python, *program),
    }


def try_starved(part: Part, folder: Path, count: int) -> None:
    """Try each way to starve each command, ``count`` times at most."""
    make_samples(folder / "samples")
    trials = [(limit, name) for name in _commands(folder) for limit in LIMITS]
    step = max(1, len(trials) // count)
    for number, (limit, name) in list(enumerate(trials))[::step]:
        if not usable(limit):
            part.skip(f"{limit.name}: needs root and {limit.before[0]}")
            continue
        place = folder / str(number)
        place.mkdir()
        prepare(place, folder / "samples")
        words = _commands(place, SYSTEM if limit.other_user else sys.executable)[name]
        part.count(name, 1)
        part.add(_starved(limit, words, place, f"{os.getpid()}-starved-{number}"))
    try_jumping(part, folder, _commands)
    place = folder / "stopped"
    place.mkdir()
    part.count("run, stopped in mid-slice", 1)
    part.add(_stopped(_commands(place)["run"], place))
    place = folder / "vanished"
    place.mkdir()
    part.count("run, whose folder vanishes", 1)
    part.add(_vanished(place))


def _starved(limit: Limit, words: Sequence[str], place: Path, marker: str) -> Iterator[Harm]:
    environment = environment_in(place / "own")
    starved = {name: value for name, value in environment.items() if name not in limit.unset}
    starved |= dict(limit.set_to)
    command = GILBENCH
    if limit.other_user:
        command = (SYSTEM, *GILBENCH[1:])
        starved["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
        open_to_all(place)
    before = machine()
    process = subprocess.Popen(
        [*limit.before, *command, *words],
        cwd=place,
        env=marked(starved, marker),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=limit.prepare,  # noqa: PLW1509 - this process has one thread
        start_new_session=True,
    )
    try:
        out, err = process.communicate(timeout=_SECONDS)
        code: int | None = process.returncode
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        code = None
    if code in _ENDED and "CPU time" in limit.name:
        code = 2
    said = err.decode("utf-8", "replace")
    if _PANIC in said:  # the library that draws writes lines of its own before the error
        said = said[said.find("gilbench:") :]
    answer = Answer(tuple(words), code, out, said, 0)
    name = f"{words[0]} with {limit.name}"
    for harm in judged(answer, ()):
        if harm.kind == "memory" and "address space" in limit.name:
            continue  # it said so
        if harm.kind == "unclear" and not said and "streams" in limit.name:
            continue  # nobody can be told
        yield harm._replace(trial=name)
    for trace in left_over(marker, before, environment):
        yield Harm("left over", name, trace, tuple(words))
    yield from _readable(place / "study.jsonl", name, tuple(words))


def _readable(path: Path, name: str, words: tuple[str, ...]) -> Iterator[Harm]:
    if path.exists():
        try:
            read_study(path)
        except StudyError as error:
            yield Harm("lost", name, str(error), words, (path,))


def _stopped(words: Sequence[str], place: Path) -> Iterator[Harm]:
    """Stop a worker in the middle of its slices, and expect no slow slice in the study without a word."""
    marker = f"{os.getpid()}-stopped"
    environment = marked(environment_in(place / "own"), marker)
    process = subprocess.Popen(
        [*GILBENCH, *words],
        cwd=place,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )

    def stop() -> None:
        end = time.monotonic() + 30
        while time.monotonic() < end:
            workers = [pid for pid, line in carrying(marker).items() if "target/worker.py" in line]
            if workers and (place / "study.jsonl").exists():
                time.sleep(0.3)
                for pid in workers:
                    _signal(pid, signal.SIGSTOP)
                time.sleep(_STOPPED)
                for pid in workers:
                    _signal(pid, signal.SIGCONT)
                return
            time.sleep(0.02)

    thread = threading.Thread(target=stop)
    thread.start()
    out, err = process.communicate(timeout=_SECONDS)
    thread.join()
    answer = Answer(tuple(words), process.returncode, out, err.decode("utf-8", "replace"), 0)
    yield from (harm._replace(trial="run, stopped in mid-slice") for harm in judged(answer, ()))
    study = read_study(place / "study.jsonl")
    slices = [one for run in study.runs for one in run.slices if one.operations and run.failure is None]
    rates = sorted(one.operations / one.window for one in slices)
    median = rates[len(rates) // 2]
    said = answer.text + answer.err
    if (
        rates[0] < _SHARE * median
        and "disturb" not in said
        and "stopped" not in said
        and "outlier" not in said
    ):
        slow = f"a slice with {rates[0] / median:.2f} of the median rate is in the study"
        yield Harm("accepted", "run, stopped in mid-slice", slow, tuple(words), (place / "study.jsonl",))


def _vanished(place: Path) -> Iterator[Harm]:
    """Remove the folder of the study while it is measured."""
    marker = f"{os.getpid()}-vanished"
    inner = place / "inner"
    inner.mkdir()
    words = _commands(inner)["run"]
    environment = environment_in(place / "own")
    before = machine()
    process = subprocess.Popen(
        [*GILBENCH, *words],
        cwd=place,
        env=marked(environment, marker),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    end = time.monotonic() + 30
    while not (inner / "study.jsonl").exists() and time.monotonic() < end:
        time.sleep(0.02)
    (inner / "study.jsonl").unlink(missing_ok=True)
    inner.rmdir()
    out, err = process.communicate(timeout=_SECONDS)
    answer = Answer(words, process.returncode, out, err.decode("utf-8", "replace"), 0)
    yield from (harm._replace(trial="run, whose folder vanishes") for harm in judged(answer, ()))
    if "saved" in answer.err + answer.text and answer.code == 0:
        yield Harm("lost", "run, whose folder vanishes", "it says that the study is saved", words)
    for trace in left_over(marker, before, environment):
        yield Harm("left over", "run, whose folder vanishes", trace, words)


def _signal(pid: int, number: int) -> None:
    try:
        signal.pidfd_send_signal(os.pidfd_open(pid), number)
    except ProcessLookupError:
        return
