"""Simulates studies of fleets with a known mean over hosts, and measures the coverage of its interval.

Each host has its own effect on the ratio of two interpreters. Its blocks have the noise of ``simulate``. The simulated
data pass through the same estimators as measured data.

The table is the range of the coverage of the 95% interval, in percent, over the six kinds of noise, 3, 5, 10, and 30
hosts, and 8 or 4 to 24 blocks per host (10,000 studies per value, ``ci/bench_hosts.py``). Beside it is that of an
interval over blocks, which ignores hosts.

==============================  ==========  ===============
standard deviation of hosts     over hosts  ignoring hosts
==============================  ==========  ===============
0                               94.5-95.9   78-95
1%                              94.5-95.5   63-87
5%                              94.5-95.4   23-59
10%                             94.4-95.5   27-54
==============================  ==========  ===============

The center over autocorrelated blocks of a host is one value, so such noise does no harm here. Percentiles and fractions
with 5% between hosts are covered in 94.7 to 95.7%.

*Not* promised is the coverage with three hosts, each of one of two kinds by chance, if the kinds differ much more than
hosts of a kind: a quarter of such fleets have hosts of one kind only, and 75% are covered. With five hosts and more,
93.7 to 95.2% are. If both kinds have a fixed share of the hosts, more than 99% are, since the interval also allows for
other shares.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from gilbench.analyse.stats.drift import FloatArray
from gilbench.analyse.stats.estimates import centre_and_error, student_quantile
from gilbench.analyse.stats.fractions import log_ratio_and_error
from gilbench.analyse.stats.hosts import mean_over_hosts
from gilbench.analyse.stats.simulate import (
    LATENCIES,
    Measure,
    Noise,
    Rate,
    log_ratios,
    process_effects,
    rate,
)
from gilbench.model.study import Struct

if TYPE_CHECKING:
    from numpy.random import Generator

Kinds = Literal["one", "two, mixed", "two, half each"]
"""Kinds of host: hosts of one kind; each host of one of two kinds by chance; or as many of each as possible."""
WITHIN = 0.1
"""Standard deviation between the hosts of one of two kinds, relative to that between all hosts."""


class FleetSetting(Struct, frozen=True):
    """The parameters of a simulation."""

    noise: Noise
    hosts: int
    blocks: tuple[int, int]  # of each host, the least and the most, inclusive
    between: float  # standard deviation between hosts, of the log of the ratio
    kinds: Kinds = "one"
    measure: Measure = "mean"
    effect: float = 0.05  # mean over hosts of the relative change
    served: float = 0.75  # fraction of answered requests of the reference, for fractions
    studies: int = 2000
    seed: int = 0


class FleetCoverage(Struct, frozen=True):
    """The coverage of the 95% interval of the mean over hosts."""

    over_hosts: Rate
    ignoring_hosts: Rate  # by blocks, as if all were of one host
    half_width: float  # median of the interval over hosts, on the log scale


class SimulatedHost(NamedTuple):
    """One host in all studies, on the log scale."""

    value: FloatArray  # center over its blocks, shape (studies,)
    blocks: FloatArray  # shape (studies, blocks)


def host_coverage(setting: FleetSetting) -> FleetCoverage:
    """Simulate studies of a fleet.

    Raises:
        ValueError: Fewer than 2 hosts, or a host without blocks.
    """
    if setting.hosts < 2 or min(setting.blocks) < 1:  # noqa: PLR2004 - one host has no spread
        raise ValueError(f"invalid setting: {setting}")
    truth = math.log1p(setting.effect)
    found = simulated_hosts(setting)
    mean, error, freedom = mean_over_hosts(np.stack([host.value for host in found], axis=-1))
    half = student_quantile(freedom) * error
    centre, narrow, less = centre_and_error(np.concatenate([host.blocks for host in found], axis=-1))
    ignoring = np.abs(centre - truth) <= student_quantile(less) * narrow
    return FleetCoverage(
        over_hosts=rate(float((np.abs(mean - truth) <= half).sum()), setting.studies),
        ignoring_hosts=rate(float(ignoring.sum()), setting.studies),
        half_width=float(np.median(half)),
    )


def simulated_hosts(setting: FleetSetting) -> list[SimulatedHost]:
    """Simulate the hosts of all studies."""
    rng = np.random.default_rng(setting.seed)
    effects = math.log1p(setting.effect) + host_effects(setting, rng, setting.studies)
    counts = rng.integers(setting.blocks[0], setting.blocks[1] + 1, setting.hosts)
    return [_host(setting, rng, effects[:, host], int(count)) for host, count in enumerate(counts)]


def host_effects(setting: FleetSetting, rng: Generator, studies: int) -> FloatArray:
    """Simulate the effects of hosts on the log-ratio, shape (studies, hosts); their mean over all hosts is zero."""
    shape = studies, setting.hosts
    normal: FloatArray = rng.standard_normal(shape)
    if setting.kinds == "one":
        return setting.between * normal
    if setting.kinds == "two, mixed":
        sides = 2.0 * rng.integers(0, 2, shape) - 1
    else:
        sides = np.where(np.arange(setting.hosts) % 2, 1.0, -1.0)
        sides = sides - sides.mean()  # of an odd number of hosts, the mean over these hosts
    effects: FloatArray = setting.between * (math.sqrt(1 - WITHIN**2) * sides + WITHIN * normal)
    return effects


def _host(setting: FleetSetting, rng: Generator, truth: FloatArray, blocks: int) -> SimulatedHost:
    shape = setting.studies, blocks
    if setting.measure != "fraction":
        series = log_ratios(setting.measure, setting.noise, rng, shape) + truth[:, None]
        return SimulatedHost(centre_and_error(series)[0] if blocks > 1 else series[:, 0], series)
    chance = setting.served * np.exp(process_effects(setting.noise, rng, shape))
    chance[0] *= np.exp(truth)[:, None]
    hits = rng.binomial(LATENCIES, np.clip(chance, 0.0, 1.0)).astype(np.float64)
    trials = np.full_like(hits, LATENCIES)
    logs: FloatArray = np.log((hits[0] + 0.5) / (hits[1] + 0.5))
    return SimulatedHost(log_ratio_and_error(hits, trials)[0], logs)
