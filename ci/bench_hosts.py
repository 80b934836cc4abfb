"""Coverage of intervals over the hosts of a fleet, in simulated studies: ``python ci/bench_hosts.py [STUDIES]``.

Figures are percentages. Beside each coverage is, in parentheses, that of an interval over blocks, which ignores hosts.
"""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

import numpy as np
from host_studies import fleet_of_ratios

from gilbench.analyse.stats.estimates import mean_estimate
from gilbench.analyse.stats.hosts import kinds_differ, spread
from gilbench.analyse.stats.simulate import Noise
from gilbench.analyse.stats.simulate_hosts import (
    FleetCoverage,
    FleetSetting,
    Kinds,
    host_coverage,
    simulated_hosts,
)
from gilbench.analyse.study.comparisons import compare_interpreters

_STUDIES = 10_000
_REAL = 4000  # studies that pass through the whole comparison
_NOISES: tuple[Noise, ...] = get_args(Noise)
_HOSTS = (3, 5, 10, 30)
_BETWEEN = (0.0, 0.01, 0.05, 0.10)
_EQUAL, _UNEQUAL = (8, 8), (4, 24)
_AIM = 0.93, 0.97
_FEW_REAL = (
    ("independent", 3, 0.0),
    ("heavy-tailed", 3, 0.05),
    ("bimodal", 5, 0.01),
    ("autocorrelated", 5, 0.1),
)


def main(studies: int) -> None:
    """Print all tables."""
    seeds = itertools.count()
    _print_noises(studies, seeds)
    print(
        "\nTwo kinds of host, which are 20 standard deviations of their hosts apart; independent noise, 8 blocks"
    )
    kinds: Sequence[Kinds] = ("two, mixed", "two, half each")
    for kind in kinds:
        for between in _BETWEEN[1:]:
            found = [
                host_coverage(
                    FleetSetting(
                        noise="independent",
                        hosts=hosts,
                        blocks=_EQUAL,
                        between=between,
                        kinds=kind,
                        studies=studies,
                        seed=next(seeds),
                    )
                )
                for hosts in _HOSTS
            ]
            print(f"{kind:16} {between:4.0%}  {_cells(found)}")
    print("\nOther measures; independent noise, 4 to 24 blocks, 5% between hosts")
    for measure, served in (("median", 0.0), ("percentile", 0.0), ("fraction", 0.5), ("fraction", 0.9)):
        found = [
            host_coverage(
                FleetSetting(
                    noise="independent",
                    hosts=hosts,
                    blocks=_UNEQUAL,
                    between=0.05,
                    measure=measure,  # type: ignore[arg-type]
                    served=served,
                    effect=0.0 if measure == "fraction" else 0.05,
                    studies=studies,
                    seed=next(seeds),
                )
            )
            for hosts in _HOSTS
        ]
        print(f"{measure:11} {served or '':5} {_cells(found)}")
    _print_real()
    _print_spread(min(studies, 2000))


def _print_noises(studies: int, seeds: itertools.count[int]) -> None:
    print(
        f"{studies} studies per value. Columns: {', '.join(map(str, _HOSTS))} hosts. Rows: noise of blocks,"
    )
    print("standard deviation between hosts, and blocks per host")
    worst: list[float] = []
    for noise, between, blocks in itertools.product(_NOISES, _BETWEEN, (_EQUAL, _UNEQUAL)):
        found = [
            host_coverage(
                FleetSetting(
                    noise=noise,
                    hosts=hosts,
                    blocks=blocks,
                    between=between,
                    studies=studies,
                    seed=next(seeds),
                )
            )
            for hosts in _HOSTS
        ]
        worst += [one.over_hosts.value for one in found]
        of = f"{blocks[0]}" if blocks[0] == blocks[1] else f"{blocks[0]}-{blocks[1]}"
        print(f"{noise:16} {between:4.0%} {of:>5}  {_cells(found)}")
    outside = sum(not _AIM[0] <= value <= _AIM[1] for value in worst)
    print(
        f"lowest {min(worst):.1%}, highest {max(worst):.1%}; {outside} of {len(worst)} outside "
        f"{_AIM[0]:.0%} to {_AIM[1]:.0%}"
    )


def _cells(found: Sequence[FleetCoverage]) -> str:
    return "  ".join(
        f"{100 * one.over_hosts.value:5.1f} ({100 * one.ignoring_hosts.value:5.1f})" for one in found
    )


def _print_real() -> None:
    print(f"\nThe same through compare_interpreters, {_REAL} studies of 4 to 8 blocks per host each")
    for noise, count, between in _FEW_REAL:
        setting = FleetSetting(
            noise=noise,  # type: ignore[arg-type]
            hosts=count,
            blocks=(4, 8),
            between=between,
            studies=_REAL,
            seed=count,
        )
        hosts = simulated_hosts(setting)
        covered = 0
        for study in range(_REAL):
            (row,) = compare_interpreters(fleet_of_ratios([host.blocks[study].tolist() for host in hosts]))
            covered += row.lo is not None and row.hi is not None and row.lo <= 1 + setting.effect <= row.hi
        print(f"{noise:16} {between:4.0%}  {count} hosts  {100 * covered / _REAL:5.1f}")


def _print_spread(studies: int) -> None:
    print(f"\nDifferences between hosts; {studies} studies of 4 to 24 blocks per host, noise of processes")
    print("between  hosts  interval of the standard deviation covers  hosts differ (p <= 5%)")
    for between, count in itertools.product((0.0, 0.01, 0.05), (3, 5, 10)):
        hosts = simulated_hosts(
            FleetSetting(
                noise="between-process",
                hosts=count,
                blocks=_UNEQUAL,
                between=between,
                studies=studies,
                seed=count,
            )
        )
        found = [
            spread([mean_estimate(host.blocks[study].tolist()) for host in hosts]) for study in range(studies)
        ]
        known = [one for one in found if one is not None]
        covered = sum(one.lo <= between <= one.hi for one in known) / len(known)
        differ = sum(one.p <= 0.05 for one in known) / len(known)
        print(f"{between:6.0%} {count:6}   {100 * covered:38.1f}  {100 * differ:22.1f}")
    print("difference of kinds  hosts  kinds differ (p <= 5%); 1% between the hosts of a kind")
    rng = np.random.default_rng(0)
    for gap, sizes in itertools.product((0.0, 0.02, 0.05, 0.10), ((2, 2), (3, 2), (5, 5), (3, 3, 3))):
        draws = [
            kinds_differ(
                [
                    (gap * (kind > 0) + 0.01 * rng.standard_normal(size)).tolist()
                    for kind, size in enumerate(sizes)
                ]
            )
            for _ in range(studies)
        ]
        share = sum(p <= 0.05 for p in draws if not math.isnan(p)) / studies
        print(f"{gap:18.0%}   {'+'.join(map(str, sizes)):>6}   {100 * share:5.1f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else _STUDIES)
