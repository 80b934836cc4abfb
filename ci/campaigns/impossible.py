"""Part ``impossible``: artefacts of every kind whose values contradict physics, the plan, or each other.

Each is made from a sound file by one change, which breaks the invariant that its name states. A reader must refuse it.
"""

from __future__ import annotations

import copy
import gzip
import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from campaigns.artefacts import fresh_place, put
from campaigns.caller import Caller, warm
from campaigns.harm import Harm, Part
from campaigns.impossible_documents import DOCUMENTS
from campaigns.impossible_others import HISTORIES, TEXTS
from campaigns.impossible_profiles import PROFILES
from campaigns.impossible_studies import STUDIES
from campaigns.invariants import Change
from campaigns.judge import judged
from campaigns.processes import environment_in
from campaigns.samples import Sample, make_samples
from campaigns.uses import USES, Place

_REFUSED = 2
_INVARIANTS = {"study": STUDIES, "profile": PROFILES, **DOCUMENTS}


def try_impossible(part: Part, folder: Path, count: int) -> None:
    """Try each impossible artefact that can be made of the first ``count`` files of each kind."""
    warm()
    kinds = Counter[str]()
    samples = []
    for sample in make_samples(folder / "samples"):
        kinds[sample.kind] += 1
        if kinds[sample.kind] <= count:
            samples.append(sample)
    with Caller(environment_in(folder)) as caller:
        broken = set[tuple[str, str]]()
        for sample in samples:
            place = fresh_place(folder)
            path = put(sample, place, folder)
            for name in _made(sample, path):
                part.count(sample.kind, 1)
                broken.add((sample.kind, name))
                part.add(_harms(caller, sample.kind, name, path, place))
                put(sample, place, folder)
    tried = {**{kind: [*names] for kind, names in _INVARIANTS.items()}, "history": [*HISTORIES]}
    for kind, names in tried.items():
        for name in names:
            if (kind, name) not in broken:
                part.skip(f"{kind}: {name} (no sample has it)")


def _harms(caller: Caller, kind: str, name: str, path: Path, place: Place) -> Iterator[Harm]:
    command = _reader(kind, path, place)
    answer = caller.call(command, place.folder)
    yield from judged(answer, (path,))
    if answer.code != _REFUSED:
        yield Harm("accepted", f"{kind}: {name}", answer.text[:500], answer.command, (path,))


def _reader(kind: str, path: Path, place: Place) -> tuple[str | Path, ...]:
    """Return the command that reads most of an artefact."""
    if kind == "history":
        return "history", "export", "--database", path
    return USES[kind](path, place)[0]


def _made(sample: Sample, path: Path) -> Iterator[str]:
    """Write each impossible artefact that can be made of a sample, and yield the broken invariant."""
    if sample.kind in _INVARIANTS:
        sound = _loaded(sample.path)
        for name, change in _INVARIANTS[sample.kind].items():
            document = copy.deepcopy(sound)
            if _applies(change, document):
                _save(document, path)
                yield name
    for name, query in HISTORIES.items() if sample.kind == "history" else ():
        with closing(sqlite3.connect(path)) as connection, connection:
            try:
                changed = connection.execute(query).rowcount
            except sqlite3.Error:  # tables of the other version, or a database that refuses it
                continue
        if changed:
            yield name
    for name, (kind, old, new) in TEXTS.items():
        text = sample.path.read_bytes() if sample.kind == kind else b""
        if old in text:
            path.write_bytes(text.replace(old, new, 1))
            yield name


def _applies(change: Change, document: Any) -> bool:
    """Change a document; False: it has nothing of this kind."""
    try:
        return change(document) is not False
    except (KeyError, IndexError, TypeError, StopIteration):
        return False


def _loaded(path: Path) -> Any:
    """Return the documents of a file: a list for JSON Lines."""
    content = path.read_bytes()
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in content.splitlines()]
    return json.loads(gzip.decompress(content) if path.suffix == ".gz" else content)


def _save(document: Any, path: Path) -> None:
    lines = document if isinstance(document, list) else [document]
    content = "".join(json.dumps(line) + "\n" for line in lines).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
