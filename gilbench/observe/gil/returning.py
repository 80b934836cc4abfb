"""Watches a free-threaded interpreter that may get its GIL back while it runs.

An import of an extension that does not declare that it runs without the GIL enables it for good. Until then the parking
probe tells where threads wait; from then on they wait for the GIL, which the strongest probe of a GIL observes. Placing
that one takes some tenths of a second; the profile begins when it counts.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable

import msgspec

from gilbench.model.errors import GilbenchError
from gilbench.model.profile import GilSwitch, Probe
from gilbench.observe.gil.parking_probe import ParkingProbe, ParkingWatch
from gilbench.observe.gil.probe import GilFigures, Watching, without_gil
from gilbench.observe.running import RunningPython, gil_is_enabled

_TOO_LATE = "the profile ended before a probe of the GIL was placed"


class ReturningProbe:
    """Places the parking probe, and a probe of the GIL if it is enabled later.

    Args:
        of_gil: Places the strongest probe of a GIL.
    """

    def __init__(self, of_gil: Callable[[RunningPython, bool], Watching]) -> None:
        self._of_gil = of_gil
        self._parking = ParkingProbe()

    def why_not(self, python: RunningPython) -> str | None:
        """Return in one line why the process cannot be probed; None: it can; empty: it has a GIL."""
        return self._parking.why_not(python)

    def watch(
        self, python: RunningPython, *, live: bool = False, max_cost: float = math.inf
    ) -> ReturningWatch:
        """Place the parking probe and return as soon as it counts.

        Raises:
            GilbenchError: It could not be placed.
        """
        del max_cost
        return ReturningWatch(python, self._parking, live=live, of_gil=self._of_gil)


class ReturningWatch:
    """The parking probe in one process, and from some moment on, a probe of its GIL."""

    def __init__(
        self,
        python: RunningPython,
        probe: ParkingProbe,
        *,
        live: bool,
        of_gil: Callable[[RunningPython, bool], Watching],
    ) -> None:
        self._python = python._replace(gil_enabled=True, held=False)
        self._live, self._of_gil = live, of_gil
        self._switch: GilSwitch | None = None
        self._reason = _TOO_LATE
        self._gil: Watching | None = None
        self._seen: GilFigures | None = None  # of the GIL, at the end
        self._woken, self._stop = threading.Event(), threading.Event()
        self._parking: ParkingWatch = probe.watch(python, live=live, on_gil=self._enabled)
        # The kernel ends a child with the thread that started it, so this one lives as long as the second probe.
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        self._keeper.start()
        if not python.held and gil_is_enabled(python):  # while the probe was being placed
            self._enabled(None, None)

    def so_far(self) -> GilFigures:
        """Return the values so far: of parked threads, or of the GIL as soon as its probe counts."""
        parked = self._parking.so_far()
        return self._figures(self._gil.so_far() if self._gil is not None else None, parked)

    def finish(self) -> GilFigures:
        """Remove the probes and return the final values."""
        if self._switch is None and gil_is_enabled(self._python):
            self._switch = GilSwitch(after=None, module=None)
        self._stop.set()
        self._woken.set()
        self._keeper.join()
        return self._figures(self._seen, self._parking.finish())

    def _enabled(self, after: float | None, module: str | None) -> None:
        if self._switch is None:
            self._switch = GilSwitch(after=after, module=module)
            self._woken.set()

    def _keep(self) -> None:
        self._woken.wait()
        if self._switch is None or self._stop.is_set():
            return
        try:
            gil = self._of_gil(self._python, self._live)
        except GilbenchError as error:
            self._reason = _TOO_LATE if self._stop.is_set() else str(error)
            return
        if self._stop.is_set():
            gil.finish()
            return
        self._switch = msgspec.structs.replace(self._switch, left_out=self._parking.so_long())
        self._gil = gil
        self._stop.wait()
        self._seen = gil.finish()

    def _figures(self, gil: GilFigures | None, parked: GilFigures) -> GilFigures:
        if self._switch is None:
            return parked
        if gil is None:  # where threads parked says nothing about the GIL
            return parked._replace(
                probe=Probe(strength=None, name="none", reason=self._reason),
                threads=tuple(map(without_gil, parked.threads)),
                functions=(),
                switch=self._switch,
            )
        names = {one.tid: one.name for one in parked.threads}
        threads = (msgspec.structs.replace(one, name=names.get(one.tid) or one.name) for one in gil.threads)
        # A fault has been dealt with where the probe of the GIL was chosen.
        return gil._replace(threads=tuple(threads), start_up=parked.start_up, switch=self._switch, fault=None)
