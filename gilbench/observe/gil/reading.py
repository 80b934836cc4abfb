"""GIL held and GIL wait of a worker, as values of a run, by the strongest probe that works."""

from __future__ import annotations

from gilbench.model.errors import GilbenchError
from gilbench.model.study import Reading, Share
from gilbench.observe.gil.choose import watch_gil
from gilbench.observe.gil.probe import Watching
from gilbench.observe.running import find_python


class GilObserver:
    """Watches the GIL of a worker; in a free-threaded worker, where its threads are parked."""

    def __init__(self, pid: int) -> None:
        self.by: str | None = None
        self.reason: str | None = None
        self._watching: Watching | None = None
        try:
            self._watching = watch_gil(find_python(pid))
        except GilbenchError as error:
            self.reason = str(error)

    def finish(self, busy_seconds: float) -> Reading:
        """Stop watching. Fractions are of the timed slices; ``gil_wait`` is the sum over all threads."""
        if self._watching is None:
            return Reading(observer="gil", unavailable=self.reason)
        seen = self._watching.finish()
        self.by, self.reason = seen.probe.name, seen.probe.reason
        if busy_seconds <= 0 or not seen.threads:
            return Reading(observer="gil", unavailable="the process ended before it could be read")
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
