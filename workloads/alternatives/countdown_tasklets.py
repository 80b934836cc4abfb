"""Count down over N tasklets that hand over after each operation.

The work of ``countdown``. Tasklets (Stackless) and greenlets share one thread, so they gain no throughput; what
is left of that of one is what switching costs. Unit: countdowns from 10 000. Source: Stackless Python,
greenlet, PyPy's stackless module.
"""

WORKLOAD = {
    "driver": "cooperative",
    "foreground": "countdown",
    "unit": "countdowns",
    "parameters": {"through": "tasklets"},
}
