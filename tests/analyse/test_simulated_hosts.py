"""Builds with and without a GIL on simulated hosts, through the real planning, placement, session, and analysis."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hosts import FakeCpu, equal, i7_1365u, pair_of_siblings, rk3588, two_nodes, write_cpus
from studies import make_header, make_plan, make_profile, make_slice, named

from gilbench.analyse.claims import claim_cases, claim_scores
from gilbench.analyse.properties.threads import concurrency, property_cases
from gilbench.analyse.study.report import build_report
from gilbench.host.placement import Placement
from gilbench.host.topology import read_topology
from gilbench.model.cores import measured_cpus, usable_cores
from gilbench.model.study import Case, Cpu, Environment, Run, Slice, Study
from gilbench.plan.catalogue import catalogue
from gilbench.plan.experiments import configurations
from gilbench.run.session import Hooks, Session
from gilbench.run.train import Stamps

_KNOWN = catalogue()
_NUMBERS = itertools.count()
SLOW = 0.45  # speed of a slow core
SIBLINGS = 1.2  # throughput of a core with two busy siblings, relative to one
HOSTS: dict[str, dict[int, FakeCpu]] = {
    "2 CPUs": equal(2),
    "8 CPUs": equal(8),
    "2 siblings": pair_of_siblings(),
    "4+4 cores": rk3588(),
    "2+8 cores": i7_1365u(),
    "64 cores, 2 nodes": two_nodes(64),
}
INTERPRETERS = (named("3.13"), named("3.13t", free_threaded=True))


class SimulatedHost:
    """The speed of some CPUs together."""

    def __init__(self, cpus: Sequence[Cpu]) -> None:
        self._cpus = {cpu.number: cpu for cpu in cpus}

    def throughput(self, busy: Sequence[int]) -> float:
        """Return the throughput of one thread on each CPU, relative to one fast core."""
        cores: dict[int, list[int]] = {}
        for cpu in busy:
            cores.setdefault(self._cpus[cpu].core, []).append(cpu)
        return sum((SIBLINGS if len(on) > 1 else 1.0) * self._speed(on[0]) for on in cores.values())

    def threads(self, cpus: Sequence[int], threads: int, *, gil: bool) -> float:
        """Return the throughput of some threads that may use some CPUs."""
        if gil:
            return sum(map(self._speed, cpus)) / len(cpus)
        return self.throughput(cpus[:threads])

    def _speed(self, cpu: int) -> float:
        return SLOW if self._cpus[cpu].kind else 1.0

    # As a control.

    def speedup(self, cpus: tuple[int, ...]) -> float | None:
        return self.throughput(cpus) / self.throughput(cpus[:1])

    def lateness(self, cpu: int) -> float | None:
        assert cpu in self._cpus
        return 5e-5

    def close(self) -> None:
        pass


class SimulatedWorker:
    """A worker on a simulated host."""

    def __init__(self, host: SimulatedHost, case: Case) -> None:
        self._host, self._case, self.pid = host, case, 1
        self._rng = random.Random(f"{case} {next(_NUMBERS)}")  # runs differ
        self._gil = case.interpreter == "3.13" or bool(case.gil)

    def prepare(self) -> Environment:
        return Environment(pid=1, clock="simulated")

    def calibrate(self) -> int:
        return 1

    def measure(
        self, round_: int, place: Placement, seconds: float, latency_seconds: float, seed: int
    ) -> Slice:
        assert seconds > 0
        assert latency_seconds >= 0
        assert seed >= 0
        rate = 1000 * self._host.threads(place.cpus, self._case.threads, gil=self._gil)
        slice_ = make_slice(round_, rate * self._rng.gauss(1.0, 0.02), threads=self._case.threads)
        checksum = _KNOWN[self._case.workload].checksum or "0"
        return msgspec.structs.replace(slice_, cpus=tuple(sorted(place.cpus)), checksum=checksum)

    def board(self, place: Placement, request: dict[str, Any]) -> tuple[int, ...]:
        raise NotImplementedError

    def fileno(self) -> int:
        raise NotImplementedError

    def leave_train(self, seconds: float) -> Stamps | None:
        raise NotImplementedError

    def output(self) -> str:
        return ""

    def close(self) -> None:
        pass


def measured(root: Path, host: dict[int, FakeCpu], quota: float | None = None) -> Study:
    """Measure the claims on CPU-bound threads on a simulated host."""
    cpus = read_topology(host, write_cpus(root, host))
    cores, known = usable_cores(cpus, quota), _KNOWN
    wanted = [
        case
        for make in (property_cases, claim_cases)
        for case in make(INTERPRETERS, known, cores)
        if case.workload in {"countdown", "pidigits"}
    ]
    plan = make_plan(
        list(dict.fromkeys(wanted)),
        effort=make_profile(blocks=6),
        cpus=tuple(cpu.number for cpu in measured_cpus(cpus)),
    )
    workloads = {name: known[name] for name in ("countdown", "pidigits")}
    runs: list[Run] = []
    hooks = Hooks(save=runs.append, stop=lambda: False, progress=lambda _text, _share: None)
    simulated = SimulatedHost(cpus)
    header = make_header(plan, INTERPRETERS, list(workloads.values()), cores=cores, cpus=cpus, quota=quota)
    Session(
        plan,
        workloads,
        frozenset(),
        lambda case: SimulatedWorker(simulated, case),
        hooks,
        host=header.host,
        controls=simulated,
        observers={},
    ).run()
    return Study(header=header, runs=tuple(runs))


def verdicts(study: Study, claim: str) -> dict[str, str]:
    return {score.interpreter: score.verdict for score in claim_scores(study) if score.id == claim}


@pytest.mark.parametrize("name", sorted(HOSTS.keys() - {"2 siblings"}))
def test_a_gil_is_seen_on_every_host_with_several_cores(name: str, tmp_path: Path) -> None:
    study = measured(tmp_path, HOSTS[name])
    expected = {"3.13": "holds", "3.13t GIL on": "holds", "3.13t GIL off": "does not hold"}
    assert verdicts(study, "1") == expected
    for configuration in configurations(INTERPRETERS):
        speedup = next(iter(concurrency(study, configuration)))[2]
        assert speedup.verdict == ("yes" if configuration.gil is False else "no")
    (scaling,) = (
        one.text
        for one in build_report(study).findings
        if one.kind == "scaling" and one.subject == "countdown"
    )
    assert "no speedup on 3.13" in scaling


@pytest.mark.parametrize("quota", [None, 1.5])
def test_where_two_cpus_are_one_core_nothing_is_said(quota: float | None, tmp_path: Path) -> None:
    study = measured(tmp_path, HOSTS["2 siblings"] if quota is None else HOSTS["2 CPUs"], quota)
    assert set(verdicts(study, "1").values()) == {"not here"}


def test_siblings_that_the_kernel_calls_cores_are_found_by_the_control(tmp_path: Path) -> None:
    """Virtual machines often hide which CPUs are siblings."""
    study = measured(tmp_path, HOSTS["2 siblings"])
    cpus = tuple(msgspec.structs.replace(cpu, core=cpu.number) for cpu in study.header.host.cpus)
    host = msgspec.structs.replace(study.header.host, cpus=cpus, cores=2)
    study = msgspec.structs.replace(study, header=msgspec.structs.replace(study.header, host=host))
    (first, *_) = (score for score in claim_scores(study) if score.id == "1")
    assert first.verdict == "not here"
    for configuration in configurations(INTERPRETERS):
        assert next(iter(concurrency(study, configuration)))[2].verdict == "not here"
    (text,) = (one.text for one in build_report(study).findings if one.kind == "scaling")
    assert "hardly more than one core" in text
