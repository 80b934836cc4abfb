"""Studies of fleets that were never measured: each host's ratios are known beforehand."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from studies import StudyBuilder, make_slice, make_workload, named

from gilbench.model.study import FleetHost, Host, Run, Study
from gilbench.store.study import StudyWriter

EPYC: dict[str, Any] = {"cpu_model": "AMD EPYC 7B13", "cores": 8}
XEON: dict[str, Any] = {"cpu_model": "Intel Xeon E-2336", "cores": 2, "virtualisation": "kvm"}


def as_fleet(studies: Mapping[str, Study]) -> Study:
    """Return a study whose hosts measured some studies with the same plan, one after the other."""
    first, *_ = studies.values()
    share = first.header.plan.effort.blocks
    effort = msgspec.structs.replace(first.header.plan.effort, blocks=share * len(studies))
    header = msgspec.structs.replace(
        first.header, plan=msgspec.structs.replace(first.header.plan, effort=effort)
    )
    return Study(
        header=header,
        runs=tuple(
            msgspec.structs.replace(run, host=name, block=number * share + run.block)
            for number, (name, study) in enumerate(studies.items())
            for run in study.runs
        ),
        hosts=tuple(
            FleetHost(name=name, host=study.header.host, cpus=(0, 1), interpreters=study.header.interpreters)
            for name, study in studies.items()
        ),
    )


def save_fleet(study: Study, path: Path) -> Path:
    """Write a study as a fleet would, a host with all of its blocks after the other."""
    with StudyWriter(path, study.header) as writer:
        for host in study.hosts:
            writer.add_block([run for run in study.runs if run.host == host.name], host)
    return path


def on_host(study: Study, **facts: Any) -> Study:
    """Return a study that was measured on another host."""
    host: Host = msgspec.structs.replace(study.header.host, **facts)
    return msgspec.structs.replace(study, header=msgspec.structs.replace(study.header, host=host))


def countdowns(ratio: float, *, speedup: float = 1.0, seed: int = 0, blocks: int = 4) -> Study:
    """Return a study of two interpreters, the second ``ratio`` times as fast, and ``speedup`` on two threads."""
    builder = StudyBuilder(
        [named("3.13"), named("3.13t", free_threaded=True)], [make_workload()], blocks=blocks
    )
    wobble = [1 + 0.002 * ((seed * 7 + 3 * block) % 5 - 2) for block in range(blocks)]
    for threads, gain in ((1, 1.0), (2, speedup)):
        builder.work("countdown", "3.13", 1000.0, threads=threads, noise=[1.0] * blocks)
        noise = [factor**threads for factor in wobble]
        builder.work("countdown", "3.13t", 1000.0 * ratio * gain, threads=threads, noise=noise)
    return builder.study()


def two_kinds() -> Study:
    """Return the study of three hosts of a kind on which 3.13t is faster, and of two hosts on which it is not."""
    fast = {
        name: on_host(countdowns(ratio, speedup=1.95, seed=seed), **EPYC)
        for seed, (name, ratio) in enumerate({"east": 1.10, "north": 1.105, "west": 1.097}.items())
    }
    slow = {
        name: on_host(countdowns(ratio, speedup=1.20, seed=seed), **XEON)
        for seed, (name, ratio) in enumerate({"south": 0.999, "attic": 1.002}.items())
    }
    return as_fleet(fast | slow)


def fleet_of_ratios(logs: Sequence[Sequence[float]]) -> Study:
    """Return a study of two interpreters whose log-ratio of throughput is known.

    Args:
        logs: By host, and by block of this host.
    """
    names = [f"host {number}" for number in range(len(logs))]
    places = [(name, log) for name, mine in zip(names, logs, strict=True) for log in mine]
    slice_ = make_slice()
    return Study(
        header=_PAIR.header,
        runs=tuple(
            Run(
                case=case,
                block=block,
                attempt=0,
                host=name,
                slices=(
                    msgspec.structs.replace(
                        slice_, operations=slice_.operations * (math.exp(log) if case else 1.0)
                    ),
                ),
            )
            for block, (name, log) in enumerate(places)
            for case in (0, 1)
        ),
        hosts=tuple(
            FleetHost(name=name, host=_PAIR.header.host, cpus=(0,), interpreters=_PAIR.header.interpreters)
            for name in names
        ),
    )


def _pair() -> Study:
    builder = StudyBuilder([named("3.13"), named("3.14", "3.14.0")], [make_workload()])
    for interpreter in ("3.13", "3.14"):
        builder.case("countdown", interpreter)
    return builder.study()


_PAIR = _pair()
