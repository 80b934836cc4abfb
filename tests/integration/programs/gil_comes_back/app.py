"""Two threads of fixed work after an import that, on a free-threaded build, enables the GIL.

app.py [SECONDS [LOOPS]]: until the import, two threads fill one dict for so long; after it, they do so many loops.
"""

import json
import os
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
shared = {}


def fill(until):
    while time.perf_counter() < until:
        for key in range(200):
            shared[key] = key


def crunch():
    x = 0
    for i in range(int(sys.argv[2]) if len(sys.argv) > 2 else 12_000_000):
        x ^= i * i


def crew(name, work, *args):
    threads = [threading.Thread(target=work, name=f"{name}-{k}", args=args) for k in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [thread.native_id for thread in threads]


began = time.perf_counter()
if len(sys.argv) > 1:
    crew("fill", fill, began + float(sys.argv[1]))
before = sys._is_gil_enabled()
import legacy  # noqa: E402

imported = time.perf_counter()
tids = crew("crunch", crunch)
wall = time.perf_counter() - imported
truth = {
    "gil_before": before,
    "gil_after": sys._is_gil_enabled(),
    "imported": imported - began,
    "crunch": tids,
    "cores": (time.process_time()) / (time.perf_counter() - began),
    "wall": wall,
    "module": legacy.__name__,
}
print("TRUTH", json.dumps(truth), flush=True)
