"""The GIL of CPython 2.7 and 3.0 to 3.1 in a process's memory: a lock like any other, to which a variable points."""

from __future__ import annotations

import os

from gilbench.observe.gil.gil_snapshot import GilSnapshot

VARIABLE = "interpreter_lock"  # of ceval.c; a stripped build does not name it


class OldGil:
    """The GIL of one process. Which thread holds it is not recorded.

    Args:
        memory: Its memory, as a file to close.
        variable: The address of ``VARIABLE``.
    """

    def __init__(self, memory: int, variable: int) -> None:
        self._memory, self._variable = memory, variable

    def close(self) -> None:
        """See ``Gils``."""
        os.close(self._memory)

    def holders(self) -> list[int]:
        """See ``Gils``: unknown."""
        os.pread(self._memory, 8, self._variable)  # as of the others: an error if the process has ended
        return []

    def snapshot(self) -> GilSnapshot:
        """See ``Gils``: little is known."""
        self.holders()
        return GilSnapshot(None, None, None)

    def is_ours(self, word: int) -> bool:
        """See ``Gils``. There is none before the program starts a thread."""
        return word != 0 and word == int.from_bytes(os.pread(self._memory, 8, self._variable), "little")

    def is_mutex(self, word: int) -> bool:
        """See ``Gils``."""
        del word
        return False

    def thread_of(self, _state: int) -> int | None:
        """See ``Gils``: unknown."""
        return None
