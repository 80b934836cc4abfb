"""Sound artefacts of every kind and version that gilbench reads, from which others are made."""

from __future__ import annotations

import gzip
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
from checks import check, row
from damage import small_study
from histories import fill
from profiles import contended, free_threaded, sampled
from scored import claims_study
from studies import everything, named, save

from gilbench.analyse.study.pyperf_suites import pyperf_suites
from gilbench.model.errors import GilbenchError
from gilbench.model.profile import Collections, Lane, Lanes, Profile, Stack, document
from gilbench.model.releases import Release, Releases
from gilbench.model.results import Known
from gilbench.model.study import Case
from gilbench.render.formats import text_of
from gilbench.store.pyperf_json import write_suite
from gilbench.store.study import read_study
from gilbench.work.listener import Listener
from gilbench.work.scorecard import read_card

ROOT = Path(__file__).parent.parent.parent
REFERENCE = ROOT / "reports" / "reference"


class Sample(NamedTuple):
    """A sound file."""

    kind: str
    path: Path


def make_samples(folder: Path) -> list[Sample]:
    """Write one file of each kind and version into a folder, and return them with those of the repository."""
    folder.mkdir(parents=True, exist_ok=True)
    found = [
        *_studies(folder),
        *_profiles(folder),
        *_documents(folder),
        *_histories(folder),
        *_foreign(folder),
        *_by_hand(folder),
    ]
    for one in found:
        if not one.path.is_file():
            raise GilbenchError(f"{one.path} is missing")
    return found


def _studies(folder: Path) -> Iterator[Sample]:
    yield Sample("study", save(small_study(), folder / "small.jsonl"))
    yield Sample("study", save(everything().study(), folder / "everything.jsonl"))
    card = claims_study([named("3.11", "3.11.7"), named("3.13t", free_threaded=True)], blocks=2)
    yield Sample("study", save(card, folder / "claims.jsonl"))
    for name in ("quick", "published", "newest"):
        lines = (REFERENCE / f"{name}.jsonl").read_bytes().splitlines(keepends=True)
        path = folder / f"{name}.jsonl"
        path.write_bytes(b"".join(lines[:150]))  # whole ones are slow, and no other
        yield Sample("study", path)
    for name in ("scorecard", "newest_scorecard"):
        scores = folder / f"{name}.scores.json"
        scores.write_bytes((REFERENCE / f"{name}.scores.json").read_bytes())
        lines = (REFERENCE / f"{name}.jsonl").read_bytes().splitlines(keepends=True)
        (folder / f"{name}.jsonl").write_bytes(b"".join(lines[:200]))
        yield Sample("scores", scores)


def _profiles(folder: Path) -> Iterator[Sample]:
    lanes = Lanes(
        seconds=4.0,
        threads=tuple(
            Lane(tid=tid, held=(0.5, 0.25), wait=(0.25, 0.5), off=(0.1, 0.1), blocked=(0.15, 0.15))
            for tid in (101, 102)
        ),
    )
    stacks = (Stack(tid=101, thread="crunch", frames=("main (app.py:3)", "parse (app.py:20)"), samples=300),)
    busy = contended()
    collecting = msgspec.structs.replace(
        busy.threads[1], collections=Collections(count=30, seconds=0.2, longest=0.02)
    )
    threads = (busy.threads[0], collecting, *busy.threads[2:])
    rich = msgspec.structs.replace(busy, threads=threads, lanes=lanes, stacks=stacks, stack_rate=100)
    made: dict[str, Profile] = {"contended": rich, "free_threaded": free_threaded(), "sampled": sampled()}
    for name, profile in made.items():
        path = folder / f"{name}.json"
        path.write_bytes(msgspec.json.encode(document(profile)))
        yield Sample("profile", path)
    yield Sample("profile", REFERENCE / "newest_profile.json")
    old = {**document(made["sampled"]), "schema": 1, "findings": ["a finding"], "unavailable": ["stacks"]}
    del old["kind"], old["caveats"]
    for version, content in ((1, old), (2, {**document(made["sampled"]), "schema": 2})):
        path = folder / f"profile_{version}.json"
        path.write_bytes(msgspec.json.encode(content))
        yield Sample("profile", path)


def _documents(folder: Path) -> Iterator[Sample]:
    card = folder / "card.json"
    card.write_text(text_of(read_card(REFERENCE / "scorecard.jsonl", Listener()), "json"), "utf-8")
    yield Sample("scorecard", card)
    known = (Known(reason="why", workload="sha256"),)
    rows = (
        row("regressed", ratio=0.8, lo=0.78, hi=0.82),
        row("improved", workload="json", ratio=1.2, lo=1.1, hi=1.3),
        row("inconclusive", workload="hash", ratio=1.0, lo=0.9, hi=1.1),
        row("regressed", workload="sha256", ratio=0.8, lo=0.7, hi=0.9),
        row("equivalent", workload="fib", ratio=1.0, lo=0.99, hi=1.01),
    )
    judged = folder / "check.json"
    judged.write_text(text_of(check(*rows, known=known, failed=1), "json"), "utf-8")
    yield Sample("check", judged)
    case = Case(workload="compress", interpreter="3.13t", threads=1, parameters=(("size", 3),), gil=True)
    release = Release(
        case=case,
        answer="yes",
        blocks=10,
        share=0.9,
        lo=0.85,
        hi=0.95,
        seconds=0.002,
        control=0.98,
        queued=0.01,
    )
    answers = Releases(
        gilbench="0.1",
        created="2026-01-01T00:00:00+00:00",
        code="zlib.compress(data)",
        at_least=0.5,
        rows=(release,),
        interpreters=(named("3.13t", free_threaded=True),),
    )
    released = folder / "releases.json"
    released.write_text(text_of(answers, "json"), "utf-8")
    yield Sample("releases", released)


def _histories(folder: Path) -> Iterator[Sample]:
    new = folder / "history.sqlite"
    new.unlink(missing_ok=True)
    fill(new)
    yield Sample("history", new)
    old = folder / "history_1.sqlite"
    old.unlink(missing_ok=True)
    with sqlite3.connect(old) as connection:
        connection.executescript((ROOT / "tests/store/history_version_1.sql").read_text("utf-8"))
    connection.close()
    yield Sample("history", old)


def _foreign(folder: Path) -> Iterator[Sample]:
    study = read_study(folder / "quick.jsonl")
    suite = pyperf_suites(study)[0]
    path = folder / "suite.pyperf.json"
    path.unlink(missing_ok=True)
    write_suite(path, suite)
    yield Sample("pyperf", path)
    packed = folder / "packed.json.gz"
    packed.write_bytes(gzip.compress(path.read_bytes(), mtime=0))
    yield Sample("pyperf", packed)
    for printed in sorted((ROOT / "tests" / "data").glob("*.txt")):
        yield Sample("printed", printed)


_KNOWN = """[[known]]
workload = "tcp_echo_cpu"
interpreter = "3.13*"
metric = "latency_*"
threads = 2
parameters = {main = "busy"}
reason = "the accept loop acquires the GIL twice"
"""
_CONFIGURED = """[tool.gilbench]
interpreters = ["/nowhere/python3"]
[tool.gilbench.report]
format = "markdown"
[tool.gilbench.check]
threshold = 3.5
metric = ["throughput", "latency_*"]
strict = true
"""


def _by_hand(folder: Path) -> Iterator[Sample]:
    known = folder / "known.toml"
    known.write_text(_KNOWN, "utf-8")
    yield Sample("known regressions", known)
    project = folder / "pyproject.toml"
    project.write_text(_CONFIGURED, "utf-8")
    yield Sample("configuration", project)
    workload = folder / "own_workload.py"
    workload.write_bytes((ROOT / "workloads" / "cpu" / "countdown.py").read_bytes())
    yield Sample("workload", workload)
    cache = folder / "answers.json"
    cache.write_text(json.dumps({"context:/usr/bin/python3": _ENTRY}), "utf-8")
    yield Sample("interpreter cache", cache)


_ENTRY = {
    "fingerprint": "0" * 32,
    "files": ["/usr/bin/python3"],
    "interpreter": msgspec.to_builtins(named("3.13")),
    "reason": "",
}
