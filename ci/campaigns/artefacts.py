"""Part ``artefacts``: mutated files of every kind and version, in every command that reads them."""

from __future__ import annotations

import hashlib
import random
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from campaigns.caller import Caller, warm
from campaigns.harm import Harm, Part
from campaigns.judge import judged
from campaigns.mutations import mutate_database, mutated
from campaigns.processes import environment_in, run_really
from campaigns.samples import Sample, make_samples
from campaigns.uses import USES, Place, chosen

_COMMANDS = 2  # of each artefact
_REALLY = 100  # every how many artefacts one command runs as a process of its own
_WEIGHTS = {"study": 6.0, "profile": 3.0, "history": 2.0, "interpreter cache": 0.1}  # of the others 1


def try_artefacts(part: Part, folder: Path, count: int) -> None:
    """Try mutated artefacts."""
    warm()
    samples = make_samples(folder / "samples")
    kinds = sorted({one.kind for one in samples})
    by_kind = {kind: [one for one in samples if one.kind == kind] for kind in kinds}
    environment = environment_in(folder)
    with Caller(environment) as caller:
        for number in range(count):
            rng = random.Random(f"{part.seed} artefact {number}")
            kind = (
                kinds[number]
                if number < len(kinds)
                else rng.choices(kinds, [_WEIGHTS.get(k, 1.0) for k in kinds])[0]
            )
            sample, other = rng.choice(by_kind[kind]), rng.choice(samples)
            try_one(part, caller, sample, other, folder, rng, really=number % _REALLY == 0)


def try_one(
    part: Part,
    caller: Caller,
    sample: Sample,
    other: Sample,
    folder: Path,
    rng: random.Random,
    *,
    really: bool,
) -> None:
    """Mutate one file, and give it to some of the commands that read it."""
    place = fresh_place(folder)
    path = put(sample, place, environment=folder)
    if sample.kind == "history":
        mutate_database(path, rng)
    else:
        path.write_bytes(mutated(path.read_bytes(), rng, other.path.read_bytes()))
    commands = chosen(sample.kind, path, place, rng, _COMMANDS)
    part.count(sample.kind, len(commands))
    part.add(harms_of(part, caller, sample.kind, path, commands, place))
    if really:
        answer = run_really(commands[0], place.folder, environment_in(folder))
        part.calls += 1
        part.add(judged(answer, (path,)))


def harms_of(
    part: Part,
    caller: Caller,
    kind: str,
    path: Path,
    commands: Sequence[tuple[str | Path, ...]],
    place: Place,
) -> Iterator[Harm]:
    """Run commands that read a file, and yield their harm."""
    for command in commands:
        before = digest(path)
        answer = caller.call(command, place.folder)
        part.peak = max(part.peak, answer.peak)
        yield from judged(answer, (path,))
        if kind not in {"history", "interpreter cache"} and digest(path) != before:
            yield Harm("lost", " ".join(answer.command), f"{path.name} was changed", answer.command, (path,))


def fresh_place(folder: Path) -> Place:
    """Empty the folder of the commands."""
    work = folder / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    samples = folder / "samples"
    history = work / "sound.sqlite"
    shutil.copy(samples / "history.sqlite", history)
    return Place(work, samples / "small.jsonl", history, samples / "contended.json")


def put(sample: Sample, place: Place, environment: Path) -> Path:
    """Copy a file to where the commands find it."""
    if sample.kind == "interpreter cache":
        path = environment / "cache" / "gilbench" / "discovery" / "answers.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.parent.chmod(0o700)
    else:
        path = place.folder / sample.path.name
    if sample.kind == "scores":
        study = sample.path.name.replace(".scores.json", ".jsonl")
        shutil.copy(sample.path.with_name(study), place.folder / study)
    path.write_bytes(sample.path.read_bytes())
    return path


def digest(path: Path) -> str:
    """Return a digest of a file; empty: it is missing."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""


assert _WEIGHTS.keys() <= USES.keys()  # noqa: S101
