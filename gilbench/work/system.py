"""Checks this machine: available observers, CPU stability, and suggestions."""

from __future__ import annotations

from collections.abc import Sequence

from gilbench.analyse.fitness import fitness
from gilbench.host.description import NoiseMeter, describe_host
from gilbench.host.process import run_program
from gilbench.host.steadiness import measure_cpus
from gilbench.host.tuning import tuned, tuning_advice
from gilbench.model.machine import Machine
from gilbench.run.observer_checks import try_counting, try_observers
from gilbench.version import __version__
from gilbench.work.listener import SILENT, Listener
from gilbench.work.planning import select_one

_CPUS = 8.0  # s for all CPUs together
_MOST, _LEAST = 1.0, 0.1  # s for one CPU


def run_tuned(command: Sequence[str], listener: Listener = SILENT) -> int:
    """Run a program while the system is tuned, and reset the system afterwards.

    Args:
        command: The program and its arguments.
        listener: Receives a note for each change.

    Returns:
        The program's exit status; 128 and the signal that ended it.

    Raises:
        GilbenchError: The system cannot be tuned, or the program cannot be started.
    """
    with tuned() as changes:
        for change in changes:
            listener.note(change)
        return run_program(command)


def look_at_system(python: str = "3", listener: Listener = SILENT, *, refresh: bool = False) -> Machine:
    """Check observers and CPU stability on this machine.

    Args:
        python: SPEC of the interpreter to test the observers on.
        listener: Receives notes and progress.
        refresh: Ask every interpreter again, ignoring the cache.

    Raises:
        GilbenchError: The interpreter is missing, or cannot be started.
    """
    interpreter = select_one("--python", python, refresh=refresh)
    host = describe_host()
    listener.note("measuring the CPUs")  # a note, since drawing progress would disturb the CPUs
    meter = NoiseMeter()
    cpus = tuple(measure_cpus(min(_MOST, max(_LEAST, _CPUS / (len(host.cpus) or 1)))))
    noise = meter.read()
    observers = try_observers(interpreter, lambda name: listener.progress(f"checking the observer {name}"))
    told = tuning_advice(virtual=host.virtualisation is not None)
    return Machine(
        gilbench=__version__,
        host=host,
        interpreter=interpreter.name,
        observers=(*observers, try_counting()),
        cpus=cpus,
        noise=noise,
        advice=(*fitness(host, noise, cpus), *(f"pyperf: {line}" for line in told)),
    )
