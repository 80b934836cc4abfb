"""One thread counts down while N threads make system calls: how much of its throughput is left.

The other way round from ``tcp_echo_cpu``: threads that let go of the GIL all the time, and one that wants to keep
it. With the old GIL they ran ahead of it and cost it dear; with the new one it is they who wait. The calls
(``background``) are counted too. Unit: countdowns. Source: the priority of I/O-bound threads in D. Beazley's
"Understanding the Python GIL", 2010, and bpo-7946.
"""

WORKLOAD = {
    "driver": "inside",
    "foreground": "countdown",
    "unit": "countdowns",
    "parameters": {"background": "null_write"},
    "quiet_case": True,
}
