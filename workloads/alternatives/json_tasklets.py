"""Write JSON over N tasklets that hand over after each operation.

The work of ``json_dumps``. Tasklets (Stackless) and greenlets share one thread, so they gain no throughput;
what is left of that of one is what switching costs. Unit: documents of 20 records. Source: Stackless Python,
greenlet, PyPy's stackless module.
"""

WORKLOAD = {
    "driver": "cooperative",
    "foreground": "json_dumps",
    "unit": "documents",
    "parameters": {"through": "tasklets"},
}
