"""A case in its block: its worker, its observers, and what they have found so far."""

from __future__ import annotations

import contextlib
from typing import cast

from gilbench.model.study import Case, Control, Environment, Reading, Slice, Train
from gilbench.observe import Observer
from gilbench.run.served import Measurable, Served


class Slot:
    """One case in its block: its worker, and the slices, the train, and the readings so far."""

    def __init__(self, index: int, case: Case) -> None:
        self.index, self.case = index, case
        self.worker: Measurable | None = None
        self.environment: Environment | None = None
        self.slices: list[Slice] = []
        self.train: Train | None = None
        self.watchers: list[Observer] = []
        self.readings: tuple[Reading, ...] = ()
        self.control: Control | None = None

    @property
    def running(self) -> Measurable:
        """What is measured, of a slot that has started."""
        assert self.worker is not None  # noqa: S101 - a slot whose worker did not start has been removed
        return self.worker

    @property
    def served(self) -> Served:
        """The worker of a slot whose worker stays alive."""
        return cast("Served", self.running)

    def finish(self) -> None:
        """Take the readings while the worker is alive."""
        busy = sum(slice_.end - slice_.start for slice_ in self.slices)
        while self.watchers:  # an interrupted observer is not asked again
            self.readings += (self.watchers.pop(0).finish(busy),)

    def close(self) -> None:
        """End the worker, and the observers of a failed run, whose readings are discarded."""
        with contextlib.ExitStack() as leaving:
            if self.worker is not None:
                leaving.callback(self.worker.close)
            while self.watchers:
                leaving.callback(self.watchers.pop().finish, 0.0)
