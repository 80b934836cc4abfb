"""Count down over N subinterpreters, each with a GIL of its own.

The work of ``countdown``. One process and one thread for each, but no Python object is shared, so none is
contended for: between threads and processes in what it costs and in what it keeps apart. Unit: countdowns from
10 000. Source: PEP 684 and PEP 734.
"""

WORKLOAD = {
    "driver": "subinterpreters",
    "foreground": "countdown",
    "unit": "countdowns",
    "requires": ["python>=3.12"],
}
