"""Count down over N tasks of asyncio that hand over after each operation.

The work of ``countdown``. Tasks share one thread, so they gain no throughput; what is left of that of one is
what the event loop costs. Unit: countdowns from 10 000. Source: asyncio's documentation.
"""

WORKLOAD = {
    "driver": "cooperative",
    "foreground": "countdown",
    "unit": "countdowns",
    "parameters": {"through": "asyncio"},
    "requires": ["python>=3.7", "asyncio"],
}
