from __future__ import annotations

import pytest
from interpreters_fixture import interpreter
from watched import let_go, started

from gilbench.observe.free_threaded_names import FreeThreadedNames
from gilbench.observe.running import find_python

BUILDS = ("3.13t", "3.14t", "3.15t")
# Threads that are named in all the ways there are; each tells its number and waits.
NAMED = """
import _thread, threading, time
tids = {}
def serve(key):
    tids[key] = threading.get_native_id()
    time.sleep(60)
class Worker(threading.Thread):
    def __init__(self, first):
        self.first = first  # a string before the name
        super().__init__(name="a name that the kernel would cut", daemon=True)
    def run(self): serve("subclass")
class Slotted(threading.Thread):
    __slots__ = ("one", "two")
    def run(self): serve("slotted")
def rename():
    threading.current_thread().name = "renamed"
    serve("renamed")
def bare(): serve("bare")
threading.Thread(target=serve, args=("default",), daemon=True).start()
threading.Thread(target=rename, daemon=True).start()
Worker("first").start()
Slotted(name="with slots", daemon=True).start()
_thread.start_new_thread(bare, ())
while len(tids) < 5: time.sleep(0.01)
said = tids
"""


@pytest.mark.parametrize("build", BUILDS)
def test_threads_have_the_names_that_the_program_gave_them(build: str) -> None:
    python = interpreter(build).executable
    with started(python, NAMED) as child:
        tids = let_go(child)
        names = FreeThreadedNames(find_python(child.pid))
        names.ask()
        found = {key: names.of(tid, None) for key, tid in tids.items()}
    assert found == {
        "default": "Thread-1 (serve)",
        "renamed": "renamed",
        # On 3.13, an instance with slots keeps its attributes elsewhere.
        "slotted": "Slotted.run" if build == "3.13t" else "with slots",
        "subclass": "a name that the kernel would cut",
        "bare": "bare",
    }
    assert names.of(1, "python") == "python"  # only a probe knows it
    assert names.of(1, None) is None
