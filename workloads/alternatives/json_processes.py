"""Write JSON over N processes instead of threads.

The work of ``json_dumps``. Each process has an interpreter and a GIL of its own, so the work should use all
processors on every build. What it costs is not in this figure: memory for each process, the time to start one,
and the copying of everything that goes in or out. ``method``: ``fork`` copies the running process, ``spawn``
starts a fresh one. Unit: documents of 20 records. Source: multiprocessing's documentation.
"""

WORKLOAD = {
    "driver": "processes",
    "foreground": "json_dumps",
    "unit": "documents",
    "parameters": {"method": "fork"},
    "choices": {"method": ["fork", "spawn"]},
}
