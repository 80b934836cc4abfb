"""Write JSON over N tasks of asyncio that hand over after each operation.

The work of ``json_dumps``. Tasks share one thread, so they gain no throughput; what is left of that of one is
what the event loop costs. Unit: documents of 20 records. Source: asyncio's documentation.
"""

WORKLOAD = {
    "driver": "cooperative",
    "foreground": "json_dumps",
    "unit": "documents",
    "parameters": {"through": "asyncio"},
    "requires": ["python>=3.7", "asyncio"],
}
