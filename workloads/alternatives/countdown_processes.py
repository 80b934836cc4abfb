"""Count down over N processes instead of threads.

The work of ``countdown``. Each process has an interpreter and a GIL of its own, so the work should use all
processors on every build. What it costs is not in this figure: memory for each process, the time to start one,
and the copying of everything that goes in or out. ``method``: ``fork`` copies the running process, ``spawn``
starts a fresh one. Unit: countdowns from 10 000. Source: multiprocessing's documentation.
"""

WORKLOAD = {
    "driver": "processes",
    "foreground": "countdown",
    "unit": "countdowns",
    "parameters": {"method": "fork"},
    "choices": {"method": ["fork", "spawn"]},
}
