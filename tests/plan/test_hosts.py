"""Default threads, placement, and planned time on hosts that nobody here has; and on a simulated host, the verdicts."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from golden import compare
from hosts import FakeCpu, equal, i7_1365u, pair_of_siblings, rk3588, two_nodes, write_cpus
from studies import named

from gilbench.analyse.claims import claim_cases
from gilbench.analyse.properties.threads import property_cases
from gilbench.host.placement import Layout, place
from gilbench.host.topology import read_topology
from gilbench.model.cores import cpu_list, measured_cpus, usable_cores
from gilbench.model.study import Case, Cpu, Host
from gilbench.plan.axes import Axes, cases
from gilbench.plan.blocks import EFFORTS, make_plan
from gilbench.plan.catalogue import catalogue, choose
from gilbench.plan.default_threads import default_threads
from gilbench.work.scorecard import EFFORT

HOSTS: dict[str, tuple[dict[int, FakeCpu], float | None]] = {
    "1 CPU": (equal(1), None),
    "2 CPUs": (equal(2), None),
    "2 siblings of one core": (pair_of_siblings(), None),
    "8 CPUs": (equal(8), None),
    "8 CPUs, quota 1.5": (equal(8), 1.5),
    "4+4 cores (RK3588)": (rk3588(), None),
    "2+8 cores (i7-1365U)": (i7_1365u(), None),
    "CPUs 17-19": (equal(3, first=17), None),
    "CPUs 0, 2, 5": ({number: FakeCpu(str(number)) for number in (0, 2, 5)}, None),
    "64 cores, 128 CPUs, 2 nodes": (two_nodes(64), None),
    "256 CPUs, 2 nodes": (two_nodes(256, threads=1), None),
}
THREE = (named("3.11", "3.11.7"), named("3.13"), named("3.13t", free_threaded=True))
SEVEN = (
    *THREE,
    named("2.7", "2.7.18"),
    named("3.12", "3.12.1"),
    named("pypy3.9", "3.9.16", implementation="PyPy", jit=True),
    named("jython2.7", "2.7.3", implementation="Jython", jit=True),
)


def known_cpus(root: Path, host: dict[int, FakeCpu]) -> tuple[Cpu, ...]:
    return read_topology(host, write_cpus(root, host))


def host_of(cpus: tuple[Cpu, ...], quota: float | None = None) -> Host:
    return Host(
        system="Linux",
        kernel="6.1",
        machine="any",
        cpu_model="any",
        cores=usable_cores(cpus, quota),
        memory=1 << 33,
        cpus=cpus,
        quota=quota,
    )


def described(cpus: tuple[Cpu, ...], quota: float | None) -> list[str]:
    """Lines of the table for one host."""
    used = [cpu.number for cpu in measured_cpus(cpus)]
    cores, layout = usable_cores(cpus, quota), Layout(used, host_of(cpus, quota))
    chosen = choose(catalogue())
    threads = default_threads(cores, chosen)
    axes = Axes(threads=threads, few_choices=True)
    plan = make_plan(
        list(cases(chosen, THREE, axes)),
        effort=EFFORTS["quick"],
        interpreters=THREE,
        workloads=chosen,
        reference="3.11",
        seed=1,
        cpus=used,
    )
    lines = [f"  cores {cores}; CPUs {cpu_list(used)}; threads {', '.join(map(str, threads))}"]
    lines.append(f"  quick run of three interpreters: {plan.seconds:.0f} s; block of a scorecard of seven: ")
    lines[-1] += f"{block_of_scorecard(cores, used):.0f} s"
    for driver, count in (("parallel", 1), *(("parallel", count) for count in threads[1:]), ("service", 1)):
        for turn in (0, 1):
            case = Case(workload="w", interpreter="i", threads=count)
            spot = place(case, driver, layout, turn)
            line = f"  {driver} {count}, turn {turn}: {cpu_list(spot.cpus)}"
            if driver == "service":
                line += f"; main thread {spot.serving}, client {spot.peer}"
            lines.append(line)
    return lines


def block_of_scorecard(cores: int, cpus: list[int]) -> float:
    workloads = catalogue()
    wanted = [case for make in (property_cases, claim_cases) for case in make(SEVEN, workloads, cores)]
    effort = msgspec.structs.replace(EFFORT, blocks=1)
    return make_plan(
        list(dict.fromkeys(wanted)),
        effort=effort,
        interpreters=SEVEN,
        workloads=list(workloads.values()),
        reference="3.11",
        seed=1,
        cpus=cpus,
    ).seconds


def test_the_table_of_hosts(tmp_path: Path, regenerate: bool) -> None:
    lines = []
    for number, (name, (host, quota)) in enumerate(HOSTS.items()):
        lines += [name, *described(known_cpus(tmp_path / str(number), host), quota)]
    compare("hosts.txt", "\n".join(lines), regenerate=regenerate)


@pytest.mark.parametrize("name", HOSTS)
def test_a_quick_run_and_a_scorecard_keep_their_promised_time(name: str, tmp_path: Path) -> None:
    host, quota = HOSTS[name]
    cpus = known_cpus(tmp_path, host)
    cores, used = usable_cores(cpus, quota), [cpu.number for cpu in measured_cpus(cpus)]
    two = block_of_scorecard(2, [0, 1])
    assert block_of_scorecard(cores, used) <= 1.15 * two  # of which three fit into the budget, with room
    assert max(default_threads(cores, choose(catalogue()))) <= max(4, 2 * cores)


@pytest.mark.parametrize("name", HOSTS)
@pytest.mark.parametrize("driver", ["parallel", "service"])
def test_threads_get_whole_cores_of_one_kind_first(name: str, driver: str, tmp_path: Path) -> None:
    host, _ = HOSTS[name]
    cpus = known_cpus(tmp_path, host)
    used = measured_cpus(cpus)
    core = {cpu.number: cpu.core for cpu in cpus}
    node = {cpu.number: cpu.node for cpu in cpus}
    cores = len({cpu.core for cpu in used})
    layout = Layout([cpu.number for cpu in used], host_of(cpus))
    for threads in (1, 2, cores, 2 * cores):
        for turn in range(2 * cores):
            spot = place(Case(workload="w", interpreter="i", threads=threads), driver, layout, turn)
            alone = place(Case(workload="w", interpreter="i", threads=1), driver, layout, turn)
            assert {cpu.number for cpu in used} >= set(spot.cpus)
            assert alone.cpus[0] == spot.cpus[0]
            assert len(set(spot.cpus)) == len(spot.cpus)
            if driver == "parallel":
                assert len(spot.cpus) == min(threads, len(used))
                assert len({core[cpu] for cpu in spot.cpus}) == min(threads, cores)
                if threads * 2 <= cores:
                    assert len({node[cpu] for cpu in spot.cpus}) == 1
            elif layout.apart():
                assert core[spot.peer] not in {core[cpu] for cpu in spot.cpus}


@pytest.mark.parametrize("name", HOSTS)
def test_no_core_is_favored(name: str, tmp_path: Path) -> None:
    host, _ = HOSTS[name]
    cpus = known_cpus(tmp_path, host)
    used = [cpu.number for cpu in measured_cpus(cpus)]
    layout = Layout(used, host_of(cpus))
    one = Case(workload="w", interpreter="i", threads=1)
    first = [place(one, "parallel", layout, turn).cpus[0] for turn in range(len(used))]
    assert sorted(first) == sorted(used)
