"""The countdown workload as a pyperf script, for the comparison in ``bench.py``."""

import pyperf


def countdown() -> None:
    """What one operation of the workload does."""
    n = 10000
    while n > 0:
        n -= 1


if __name__ == "__main__":
    pyperf.Runner().bench_func("countdown", countdown)
