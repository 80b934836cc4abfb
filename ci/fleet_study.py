"""Fills a study file by a simulated fleet, with the real code that plans, assigns, and writes."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from fleet_simulation import Answer, Tally, World, simulate

from gilbench.model.study import FleetHost, Header, Run, Study
from gilbench.plan.blocks import Group, groups, short_cases
from gilbench.store.study import StudyWriter

BLOCKS_PER_HOST = 100
_SEED = 1


class SimulatedRuns:
    """Makes the runs of a group from those of a study that was measured.

    Args:
        study: The study, whose blocks are all finished.
    """

    def __init__(self, study: Study) -> None:
        self._rng = random.Random(_SEED)
        self._known: defaultdict[tuple[str, bool], dict[int, list[Run]]] = defaultdict(dict)
        plan = study.header.plan
        for run in study.runs:
            key = plan.cases[run.case].workload, run.block % plan.effort.long_every == 0
            self._known[key].setdefault(run.block, []).append(run)

    def runs(self, answer: Answer) -> list[Run]:
        """Return the runs of an answer."""
        group, attempt, _ = answer.assignment
        blocks = list(self._known[group.workload, group.long].values())
        return [
            msgspec.structs.replace(run, block=group.block, attempt=attempt, host=answer.host)
            for run in self._rng.choice(blocks)
        ]


class Merging:
    """Writes answers into a study file, with each host before its first block.

    Args:
        writer: The writer.
        study: The study whose runs are copied.
        together: Whether answers that arrive together are synced together.
    """

    def __init__(self, writer: StudyWriter, study: Study, *, together: bool = True) -> None:
        self._writer, self._runs, self._together = writer, SimulatedRuns(study), together
        self._header = study.header
        self._known: set[str] = set()

    def write(self, answers: Sequence[Answer]) -> None:
        """Write the runs of some answers."""
        blocks = [(self._runs.runs(answer), self._new_host(answer.host)) for answer in answers]
        if self._together:
            self._writer.add_blocks(blocks)
        else:
            for runs, host in blocks:
                self._writer.add_block(runs, host)

    def _new_host(self, name: str) -> FleetHost | None:
        if name in self._known:
            return None
        self._known.add(name)
        header = self._header
        return FleetHost(name=name, host=header.host, cpus=header.plan.cpus, interpreters=header.interpreters)


def header_of(study: Study, blocks: int) -> Header:
    """Return the header of a study with more blocks."""
    plan = study.header.plan
    effort = msgspec.structs.replace(plan.effort, blocks=blocks)
    return msgspec.structs.replace(study.header, plan=msgspec.structs.replace(plan, effort=effort))


def planned(header: Header) -> Iterator[Group]:
    """Yield the groups of a study."""
    workloads = {one.name: one for one in header.workloads}
    jit = {one.name for one in header.interpreters if one.build.jit}
    return groups(header.plan, short_cases(header.plan, workloads, jit))


def merge(
    study: Study, blocks: int, path: Path, *, fleet: World | None = None, together: bool = True
) -> Tally:
    """Let a simulated fleet fill a study file."""
    header = header_of(study, blocks)
    with StudyWriter(path, header) as writer:
        merging = Merging(writer, study, together=together)
        return simulate(planned(header), fleet or world(blocks), merging.write)


class _Place(msgspec.Struct):
    """What tells the lines of a study apart."""

    kind: str
    case: int = 0
    block: int = 0


def check_whole(path: Path, finished: int) -> None:
    """Check line by line that a study has each run of each finished block once, without reading it into memory.

    Raises:
        ValueError: A run is missing, or there is a second one.
    """
    decoder = msgspec.json.Decoder(_Place)
    with path.open("rb") as file:
        cases = len(read_header(file.readline()).plan.cases)
        seen = bytearray()
        for line in file:
            place = decoder.decode(line)
            if place.kind == "run":
                number = place.block * cases + place.case
                seen.extend(bytes(max(0, number + 1 - len(seen))))
                if seen[number]:
                    raise ValueError(f"a second run of case {place.case} in block {place.block}")
                seen[number] = 1
    if sum(seen) != finished * cases:
        raise ValueError(f"{sum(seen)} runs instead of {finished * cases}")


def read_header(line: bytes) -> Header:
    """Read the first line of a study."""
    return msgspec.json.decode(line, type=Header)


def world(blocks: int) -> World:
    """Return the fleet for a number of blocks."""
    return World(hosts=max(1, blocks // BLOCKS_PER_HOST), seed=_SEED)
