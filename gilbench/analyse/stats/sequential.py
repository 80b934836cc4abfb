"""Pays for the looks at a study with a budget, which stops measuring a row at its first clear result.

Each look is another chance of a false verdict, and a row that stops at a lucky moment has a biased value. With a look
after each block at 5%, and up to 240 blocks, a change that equals the threshold is called in 21.6% of the studies, and
its interval covers 58.6%. A study is therefore looked at only after ``LOOKS``, and a row over ``n`` blocks is judged
with the level 0.035 (6 / n)^0.8, instead of 5%. The same level gives its interval. An interval therefore never
contradicts its verdict, and it holds whether the row stopped early, stopped late, or continued for the sake of other
rows (repeated confidence intervals, Jennison and Turnbull 1989).

The level depends on the blocks of the study, not on those of a case, which may run in only every second block. It does
not depend on the planned end: the time may be up at any block.

Choice, simulated with 20,000 series of normal blocks per value: the threshold is 2%, the time is up after 8 to 240
blocks, true changes are 0 to 50%, and the standard deviation of a block is 0.5 to 8%. The lowest coverage is always
that of a change that equals the threshold. "False" is the largest fraction of such changes that are called. Power is
that for a change of 5%, with a standard deviation of 4%, after 10, 15, 20, 30, and 40 blocks, in percent:

=====================================  ========  =======  =====  ==================
design                                 coverage  mean     false  power
                                       at least  coverage
=====================================  ========  =======  =====  ==================
each block, level 5%                   58.6      92.1     21.6   63, 83, 92, 99, 100
each block, level 0.4%                 93.5      99.2     3.5    20, 41, 60, 85, 95
each block, t mixture (Lai 1976)       96.4      99.6     2.0    18, 38, 55, 80, 92
4, 6, 9, ...; level 0.028 (4 / n)^0.8  93.1      97.2     3.7    38, 55, 68, 87, 95
6, 9, 14, ...; level 1.3%              91.8      98.2     4.2    33, 56, 73, 92, 98
6, 9, 14, ...; 0.035 (6 / n)^0.8       92.2      96.6     4.1    46, 63, 76, 91, 97
6, 12, 24, ...; 0.04 (6 / n)^0.8       92.6      96.3     3.8    46, 64, 76, 91, 97
=====================================  ========  =======  =====  ==================

The last two are alike, but looks that double need 2 more blocks on average (19 instead of 17, time for 40).

The next table is from ``simulate_budget``, with the noise and the drift correction of real studies (6000 rows per
value, 3000 for power; time for 40 blocks). It shows coverage if the true changes are normal with a standard deviation
of 5%, for all rows, rows that stopped early, and rows that ran to the end; coverage and false verdicts of a change that
equals the threshold; and the power for a change of 5% with time for 10, 20, and 40 blocks:

=================  =================  ================  =================
noise              changes of 5%      at the threshold  power
=================  =================  ================  =================
independent        98.0, 97.2, 99.5   94.5 / 3.0        81.0, 99.1, 100
between-process    97.7, 97.1, 99.5   94.3 / 3.0        97.2, 100, 100
drift              97.8, 97.0, 99.5   94.5 / 3.0        80.2, 99.2, 100
autocorrelated     89.1, 83.3, 97.1   78.0 / 14.3       64.3, 78.9, 90.8
bimodal            98.0, 97.5, 99.5   94.5 / 2.6        99.9, 100, 100
heavy-tailed       98.4, 97.4, 99.5   95.8 / 2.6        61.5, 87.7, 98.7
=================  =================  ================  =================

Rows in every second block are covered in 97.2 to 97.6%, 94.7 to 96.1% if they stopped early; at the threshold in 93.8
to 95.4%, with 2.7 to 3.4% false verdicts (autocorrelated noise excepted). Autocorrelated noise is not promised for a
single row: see ``simulate``.

Rows that ran to the end are covered too often: they are inconclusive, and pay for looks at which they did not stop.
*No* design covers a change at the threshold if the row stopped early: to stop is to exclude the threshold.
"""

from __future__ import annotations

from gilbench.analyse.stats.estimates import CONFIDENCE

LOOKS = (6, 9, 14, 20, 30, 46, 68, 103, 154, 231)
"""Numbers of blocks after which a study with a budget is looked at: each look has half as many blocks again."""
FIRST_LEVEL = 0.035
"""Error level of the first look, instead of 5%."""
DECAY = 0.8
"""Exponent by which the level falls with the number of blocks."""


def looks_paid(blocks: int) -> float:
    """Return how many independent looks the looks of a study amount to, up to so many blocks.

    A study can end between two looks, when its time is up.

    Args:
        blocks: Blocks of the study, at least 1.
    """
    level: float = FIRST_LEVEL * (LOOKS[0] / max(blocks, LOOKS[0])) ** DECAY
    return (1 - CONFIDENCE) / level
