"""Write JSON over N subinterpreters, each with a GIL of its own.

The work of ``json_dumps``. One process and one thread for each, but no Python object is shared, so none is
contended for: between threads and processes in what it costs and in what it keeps apart. Unit: documents of 20
records. Source: PEP 684 and PEP 734.
"""

WORKLOAD = {
    "driver": "subinterpreters",
    "foreground": "json_dumps",
    "unit": "documents",
    "requires": ["python>=3.12"],
}
