"""Who held the GIL of a worker and who waited, by the strongest probe, as figures of a run."""

from __future__ import annotations

from gilbench.errors import GilbenchError
from gilbench.model import Reading, Share
from gilbench.observe.gil import watch_gil
from gilbench.observe.gil_probe import Watching
from gilbench.observe.running import find_python


class GilObserver:
    """See the module; fractions are of the timed slices, and of all threads together."""

    def __init__(self, pid: int) -> None:
        self._watching: Watching | None = None
        self._unavailable: str | None = None
        try:
            self._watching = watch_gil(find_python(pid))
        except GilbenchError as error:
            self._unavailable = str(error)

    def finish(self, busy_seconds: float) -> Reading:
        """Remove the probe and say what it saw."""
        if self._watching is None:
            return Reading(observer="gil", unavailable=self._unavailable)
        figures = self._watching.finish()
        if busy_seconds <= 0 or not figures.threads:
            return Reading(observer="gil", unavailable="nothing was seen of the process")
        scale = figures.duration / busy_seconds
        sums = {
            name: [value for thread in figures.threads if (value := getattr(thread, name)) is not None]
            for name in ("gil_held", "gil_wait")
        }
        known = {name: sum(values) * scale for name, values in sums.items() if values}
        return Reading(
            observer="gil",
            figures=known,
            threads=tuple(
                Share(name=str(thread.tid), value=thread.gil_held * scale)
                for thread in figures.threads
                if thread.gil_held is not None
            ),
            functions=figures.functions,
            unavailable=None if known else figures.probe.reason,
        )
