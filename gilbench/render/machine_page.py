"""The page of a machine: available observers, and CPU stability."""

from __future__ import annotations

import msgspec

from gilbench.model.machine import Machine, Steadiness, TriedObserver
from gilbench.model.metrics import write
from gilbench.render.figures import processors
from gilbench.render.page import Column, Page, Section, Sentences, Table, Text

SCHEMA = 1


def machine_page(machine: Machine) -> Page:
    """Lay out a machine."""
    host, noise = machine.host, machine.noise
    facts = [
        f"{host.cpu_model}, {processors(host)}",
        write(host.memory, "B"),
        f"{host.system} {host.kernel}",
    ]
    facts += [host.virtualisation] if host.virtualisation else []
    facts.append("root" if host.root else "not root")
    disturbed = {
        "load": None if noise.load is None else f"{noise.load:.2f}",
        "steal": None if noise.steal is None else write(noise.steal, "fraction"),
        "CPU pressure": None if noise.pressure is None else write(noise.pressure, "fraction"),
    }
    known = ", ".join(f"{name} {value}" for name, value in disturbed.items() if value is not None)
    advice = (Sentences("Suggestions", machine.advice),) if machine.advice else ()
    return Page(
        title=f"gilbench {machine.gilbench}: this machine",
        lead=(", ".join(facts), *((known,) if known else ())),
        parts=(
            _observers(machine),
            *((_cpus(machine.cpus),) if machine.cpus else ()),
            *advice,
        ),
        document={"schema": SCHEMA, "kind": "machine", **msgspec.to_builtins(machine)},
        rows=map(msgspec.to_builtins, machine.cpus),
    )


def _observers(machine: Machine) -> Table:
    return Table(
        title=f"Observers (tested on {machine.interpreter})",
        columns=(
            Column("observer", "left"),
            Column("shows", "left", folds=True),
            Column("available", "left", folds=True),
        ),
        sections=(Section(tuple((one.observer, one.shows, _available(one)) for one in machine.observers)),),
    )


def _available(one: TriedObserver) -> Text:
    if one.by is None:
        return Text(f"no: {one.reason}" if one.reason else "no", "bad")
    return Text(f"{one.by}; {one.reason}" if one.reason else one.by, "good")


def _cpus(cpus: tuple[Steadiness, ...]) -> Table:
    rows = tuple(
        (
            str(cpu.cpu),
            write(cpu.spread, "fraction"),
            write(cpu.taken, "fraction"),
            write(cpu.longest, "s"),
        )
        for cpu in cpus
    )
    return Table(
        title="CPU stability (busy loop)",
        columns=tuple(map(Column, ("CPU", "CV of speed", "preempted", "longest preemption"))),
        sections=(Section(rows),),
    )
