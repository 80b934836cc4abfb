"""What each thread of a program did, event by event: the input of a replay.

Millions of events are kept as arrays, 17 bytes each. They are never saved.
"""

from __future__ import annotations

from array import array
from enum import IntEnum
from typing import NamedTuple


class ThreadEvent(IntEnum):
    """What a thread does from an event on."""

    HELD = 0  # runs, holding the GIL
    OFF = 1  # runs without the GIL
    WAIT = 2  # waits for the GIL
    BLOCKED = 3  # sleeps, with or without the GIL
    READY = 4  # could run, but has no CPU yet
    BORN = 5  # is new, and has no CPU yet
    ENDED = 6


class Events(NamedTuple):
    """The events of all threads, in the order of time. The first four fields have one entry for each event."""

    stamps: array[int]  # ns, CLOCK_MONOTONIC
    tids: array[int]
    kinds: array[int]  # ``ThreadEvent``
    by: array[int]  # READY, BORN: the thread of the program that woke or created it; 0: none of them
    begin: int  # ns
    end: int  # ns
    main: int  # tid of the main thread
    truncated: bool = False  # only the events until ``end`` were kept
