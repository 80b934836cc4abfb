"""CPUs, kinds of core, nodes, and quotas of hosts that nobody here has."""

from __future__ import annotations

from pathlib import Path

import pytest
from hosts import FakeCpu, equal, i7_1365u, pair_of_siblings, rk3588, two_nodes, write_cgroups, write_cpus

from gilbench.host.cgroups import Throttling, limited_groups, read_throttling
from gilbench.host.topology import parse_list, read_topology
from gilbench.model.cores import measured_cpus, usable_cores
from gilbench.model.study import Cpu


def read(root: Path, cpus: dict[int, FakeCpu], allowed: range | None = None) -> tuple[Cpu, ...]:
    return read_topology(cpus if allowed is None else allowed, write_cpus(root, cpus))


def test_siblings_are_one_core(tmp_path: Path) -> None:
    cpus = read(tmp_path, pair_of_siblings())
    assert [cpu.core for cpu in cpus] == [0, 0]
    assert usable_cores(cpus, None) == 1


@pytest.mark.parametrize(
    ("host", "kinds", "measured", "cores"),
    [
        (rk3588(), [1] * 4 + [0] * 4, [4, 5, 6, 7], 4),
        (i7_1365u(), [0] * 4 + [1] * 8, list(range(4, 12)), 8),
        (equal(3, first=17), [0] * 3, [17, 18, 19], 3),
        (two_nodes(64), [0] * 128, list(range(128)), 64),
        (two_nodes(256, threads=1), [0] * 256, list(range(256)), 256),
    ],
    ids=["4+4", "2+8", "from 17", "64 cores", "256 CPUs"],
)
def test_cores_of_one_kind_count(
    tmp_path: Path, host: dict[int, FakeCpu], kinds: list[int], measured: list[int], cores: int
) -> None:
    cpus = read(tmp_path, host)
    assert [cpu.kind for cpu in cpus] == kinds
    assert [cpu.number for cpu in measured_cpus(cpus)] == measured
    assert usable_cores(cpus, None) == cores


def test_preferred_cores_are_of_the_same_kind(tmp_path: Path) -> None:
    host = {number: FakeCpu(str(number), frequency=5_000_000 + 100_000 * number) for number in range(4)}
    assert {cpu.kind for cpu in read(tmp_path, host)} == {0}


def test_a_sibling_that_may_not_be_used_leaves_the_core(tmp_path: Path) -> None:
    cpus = read(tmp_path, two_nodes(4), range(4, 8))  # the siblings of all cores
    assert [cpu.core for cpu in cpus] == [0, 1, 2, 3]
    assert [cpu.node for cpu in cpus] == [0, 0, 1, 1]
    assert usable_cores(cpus, None) == 4


def test_holes_in_the_numbering(tmp_path: Path) -> None:
    host = {number: FakeCpu(str(number)) for number in (0, 2, 5)}
    assert [cpu.number for cpu in read(tmp_path, host)] == [0, 2, 5]


def test_without_any_file_each_cpu_is_a_core(tmp_path: Path) -> None:
    cpus = read_topology([3, 1], tmp_path)
    assert cpus == (Cpu(number=1, core=1), Cpu(number=3, core=3))


@pytest.mark.parametrize(("quota", "cores"), [(None, 8), (0.5, 1), (1.5, 1), (2.0, 2), (100.0, 8)])
def test_a_quota_limits_the_cores(quota: float | None, cores: int) -> None:
    assert usable_cores([Cpu(number=number, core=number) for number in range(8)], quota) == cores


def test_lists_of_cpus() -> None:
    assert parse_list("0-3,8,10-11\n") == [0, 1, 2, 3, 8, 10, 11]
    assert parse_list("\n") == []
    with pytest.raises(ValueError, match="x"):
        parse_list("0-x")


@pytest.mark.parametrize("unified", [True, False])
def test_every_quota_above_a_process_is_found(tmp_path: Path, unified: bool) -> None:
    none = "max" if unified else "-1"
    root = write_cgroups(
        tmp_path,
        unified=unified,
        home="/system/job",
        quotas={"/system/job": ("150000", 100_000), "/system": (none, 100_000), "/": ("400000", 100_000)},
    )
    assert [quota for _, quota in limited_groups(root)] == [1.5, 4.0]


def test_no_cgroups_are_no_quota(tmp_path: Path) -> None:
    assert limited_groups(tmp_path) == []


@pytest.mark.parametrize(
    "text",
    [
        "usage_usec 1\nnr_periods 20\nnr_throttled 5\nthrottled_usec 1500000\n",
        "nr_periods 20\nnr_throttled 5\nthrottled_time 1500000000\n",
    ],
)
def test_throttling_is_read_in_both_versions(tmp_path: Path, text: str) -> None:
    (tmp_path / "cpu.stat").write_text(text)
    assert read_throttling(tmp_path) == Throttling(20, 5, 1.5)


@pytest.mark.parametrize("text", ["", "nr_periods x\n", "nr_periods\n"])
def test_a_damaged_count_of_throttling_is_unknown(tmp_path: Path, text: str) -> None:
    (tmp_path / "cpu.stat").write_text(text)
    assert read_throttling(tmp_path) is None
