"""Who held the GIL of a worker and who waited for it, as figures of a run: by the strongest probe that works."""

from __future__ import annotations

from gilbench.errors import GilbenchError
from gilbench.model import Reading, Share
from gilbench.observe.gil import watch_gil
from gilbench.observe.gil_probe import Watching
from gilbench.observe.running import find_python


class GilObserver:
    """Watches the GIL of a worker; of a free-threaded one, what its threads wait for instead."""

    def __init__(self, pid: int) -> None:
        self._watching: Watching | None = None
        self._unavailable: str | None = None
        try:
            self._watching = watch_gil(find_python(pid))
        except GilbenchError as error:
            self._unavailable = str(error)

    def finish(self, busy_seconds: float) -> Reading:
        """Stop watching; fractions are of the timed slices, and ``gil_wait`` is of all threads together."""
        if self._watching is None:
            return Reading(observer="gil", unavailable=self._unavailable)
        seen = self._watching.finish()
        if busy_seconds <= 0 or not seen.threads:
            return Reading(observer="gil", unavailable="the process had ended before it could be read")
        scale = seen.duration / busy_seconds
        held = {str(thread.tid): thread.gil_held for thread in seen.threads if thread.gil_held is not None}
        wait = [thread.gil_wait for thread in seen.threads if thread.gil_wait is not None]
        figures = {"gil_held": sum(held.values()) * scale} if held else {}
        if wait:
            figures["gil_wait"] = sum(wait) * scale
        return Reading(
            observer="gil",
            figures=figures,
            threads=tuple(Share(name=tid, value=share * scale) for tid, share in held.items()),
            functions=seen.functions,
            unavailable=None if figures else "; ".join(seen.unavailable) or seen.probe.reason,
        )
