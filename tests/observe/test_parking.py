from __future__ import annotations

import math
from pathlib import Path
from typing import cast

import pytest

from gilbench.interpreters.image import Image, Place
from gilbench.observe.gil import parking
from gilbench.observe.gil.parking import Code
from gilbench.observe.running import RunningPython

FUNCTIONS = {
    600: "lock_PyThread_acquire_lock",
    700: "_thread_RLock_acquire",
    800: "_PyImport_AcquireLock",
    100: "_PyCriticalSection_BeginSlow",
    200: "_Py_brc_queue_object",
    300: "stop_the_world",
    400: "insert_to_emptydict",
    500: "PyDict_SetItem",
}


class Symbols:
    """An image with a few functions."""

    def __init__(self, *missing: str) -> None:
        self.missing = missing

    def symbol(self, name: str) -> str | None:
        return None if name in self.missing else name

    def runtime(self) -> Place | None:
        return None

    def place(self, name: str) -> Place | None:
        return None if name in self.missing else Place(4096, 8)

    def function_at(self, address: int) -> str | None:
        return FUNCTIONS.get(address)

    def data(self, _address: int, _size: int) -> bytes | None:
        return None


def image(*missing: str) -> Image:
    return cast("Image", Symbols(*missing))


def stats(count: int, total: int) -> dict[str, int]:
    return {"count": count, "average": total // count, "total": total}


def test_a_park_is_told_by_what_was_waited_for_and_who_asked() -> None:
    keys = {
        "7,1,0": "readers-writer lock",
        "7,2,0": "stop-the-world",
        "7,3,100": "critical section",
        "7,3,200": "reference-count queue",
        "7,3,300": "stop-the-world",
        "7,3,400": "object lock",
        "7,3,0": "lock whose owner is not known",
        "7,3,999": "lock whose owner is not known",
        "7,3,700": "thread lock",
        "7,3,800": "import lock",
        "7,5,0": "event",
        "7,9,0": "other",
    }
    seen = parking.read({"@parked": {key: stats(1, 10**9) for key in keys}}, {}, image())
    counts = {one.kind: one.count for one in seen.threads[7].parked}
    assert counts == {
        "readers-writer lock": 1,
        "stop-the-world": 2,
        "critical section": 1,
        "reference-count queue": 1,
        "object lock": 1,
        "lock whose owner is not known": 2,
        "thread lock": 1,
        "import lock": 1,
        "event": 1,
        "other": 1,
    }


def test_waiting_for_an_event_is_listed_and_is_no_wait_for_the_interpreter() -> None:
    maps = {
        "@parked": {"7,5,0": stats(2, 3 * 10**9), "7,3,100": stats(4, 10**9)},
        "@longest": {"7,5,0": 2 * 10**9, "7,3,100": 10**8},
        "@waits": {
            "7,5,0": [{"min": 2**30, "max": 2**31 - 1, "count": 2}],
            "7,3,100": [{"min": 1024, "max": 2047, "count": 3}, {"min": 2048, "max": 4095, "count": 1}],
        },
    }
    thread = parking.read(maps, {}, image()).threads[7]
    assert [one.kind for one in thread.parked] == ["event", "critical section"]
    assert thread.wait == 1.0
    assert thread.longest == pytest.approx(0.1)
    assert [bucket.count for bucket in thread.waits] == [3, 1]
    assert math.isclose(thread.waits[0].hi, thread.waits[1].lo)


def test_spinning_is_a_wait_on_the_cpu_unless_it_is_for_a_lock_of_the_programs_own() -> None:
    maps = {"@parked": {"7,6,100": stats(40, 10**9), "7,3,100": stats(1, 10**9), "7,6,600": stats(40, 10**9)}}
    thread = parking.read(maps, {}, image()).threads[7]
    assert {one.kind: one.seconds for one in thread.parked} == {
        "spinning for a lock": 1.0,
        "critical section": 1.0,
        "thread lock": 1.0,
    }
    assert (thread.wait, thread.spun) == (2.0, 1.0)


def test_a_lock_whose_owner_is_not_known_is_no_proof_of_a_wait_for_the_interpreter() -> None:
    thread = parking.read(
        {"@parked": {"7,3,0": stats(1, 10**9), "7,6,0": stats(1, 10**9)}}, {}, image()
    ).threads[7]
    assert [one.seconds for one in thread.parked] == [2.0]
    assert (thread.wait, thread.spun) == (0.0, 0.0)


def test_functions_are_named_by_python_and_by_what_they_did() -> None:
    maps = {
        "@functions": {
            "3,100,500,77": 600,
            "3,100,500,0": 200,
            "2,0,0,77": 100,
            "4,0,0,0": 100,
            "5,0,0,77": 900,
        }
    }
    shares = parking.read(maps, {77: Code(12, "fill", "app.py")}, image()).functions
    assert [(share.name, share.value) for share in shares] == [
        ("fill (app.py:12) in PyDict_SetItem", 0.6),
        ("PyDict_SetItem", 0.2),
        ("fill (app.py:12)", 0.1),
        ("[stop-the-world]", 0.1),
    ]


def test_a_name_that_cannot_be_printed_is_passed_over() -> None:
    seen = parking.read({"@functions": {"3,100,500,77": 1}}, {77: Code(1, "\x1b[2J", "a.py")}, image())
    assert [share.name for share in seen.functions] == ["PyDict_SetItem"]


def test_pauses_are_none_where_they_could_not_be_seen_and_zero_where_there_were_none() -> None:
    assert parking.read({}, {}, image("stop_the_world")).pauses is None
    pauses = parking.read({}, {}, image()).pauses
    assert pauses is not None
    assert pauses.count == 0
    seen = parking.read({"@pauses": stats(3, 6_000_000), "@longest_pause": 4_000_000}, {}, image()).pauses
    assert seen is not None
    assert (seen.count, seen.seconds, seen.longest) == (3, 0.006, 0.004)


def test_a_line_of_the_script_gives_a_function() -> None:
    assert parking.read_code("code 5104 6 fill.<locals>.inner\t/srv/my app/shared.py\n") == (
        5104,
        Code(6, "fill.<locals>.inner", "shared.py"),
    )
    assert parking.read_code("code 0 0 \t\n") is None
    assert parking.read_code("something else") is None


def test_lines_give_the_names_of_threads_and_the_import_that_enables_the_gil() -> None:
    assert parking.read_name("name 77 my worker\n") == (77, "my worker")
    assert parking.read_name("code 5104 6 f\t/a.py") is None
    assert parking.read_gil("gil 5000000000 legacy\n") == (5_000_000_000, "legacy")
    assert parking.read_gil("gil 5000000000 \n") == (5_000_000_000, None)
    assert parking.read_gil("begin") is None


def script(*missing: str, live: bool = False, version: tuple[int, int] = (3, 13)) -> str:
    one = RunningPython(pid=12, executable="/opt/python", code=Path("/opt/python"), version=version)
    text = parking.script_for(image(*missing), one, live=live)
    return "\n".join(line for line in text.splitlines() if not line.startswith("//"))


def test_a_function_without_a_symbol_has_no_probe() -> None:
    whole = script()
    assert 'uprobe:"/opt/python":"stop_the_world" /pid == 12/' in whole
    assert "${" not in whole
    part = script("stop_the_world", "start_the_world", "_PyMutex_LockTimed", live=True)
    assert "the_world" not in "".join(line for line in part.splitlines() if "uprobe" in line)
    assert "pause" not in part  # a map that nothing fills
    assert "interval:" in part
    assert "interval:" not in whole
    assert "_PyMutex_LockTimed" not in part
    assert '"_PyParkingLot_Park"' in part


def test_from_3_15_on_critical_sections_take_the_thread_state_first() -> None:
    assert "@first[tid] = arg1;" in script(version=(3, 14))
    assert "@first[tid] = arg2;" in script(version=(3, 15))
    assert "@second[tid] = arg3;" in script(version=(3, 15))
