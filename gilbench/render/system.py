"""What a machine lets be seen, and how steadily it runs: for the terminal, and for programs."""

from __future__ import annotations

from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from gilbench.machine import Machine, Steadiness, TriedObserver
from gilbench.metrics import write
from gilbench.render.figures import plain
from gilbench.render.guard import json_text
from gilbench.render.table import bare_table

SCHEMA = 1


def render_system(machine: Machine, console: Console) -> None:
    """Print a machine."""
    host, noise = machine.host, machine.noise
    facts = [f"{host.cpu_model}, {host.cores} cores", write(host.memory, "B"), f"{host.system} {host.kernel}"]
    facts += [host.virtualisation] if host.virtualisation else []
    facts.append("as root" if host.root else "not as root")
    console.print(plain(f"gilbench {machine.gilbench}", "bold"))
    console.print(plain(f"  {', '.join(facts)}"))
    disturbed = [f"load {noise.load:.2f}"] if noise.load is not None else []
    disturbed += [f"steal {write(noise.steal, 'fraction')}"] if noise.steal is not None else []
    disturbed += (
        [f"waiting for a CPU {write(noise.pressure, 'fraction')}"] if noise.pressure is not None else []
    )
    console.print(plain(f"  {', '.join(disturbed)}"))
    console.print()
    console.print(_observers(machine.observers, machine.interpreter))
    if machine.cpus:
        console.print(_cpus(machine.cpus))
    if machine.advice:
        console.print(_advice(machine.advice))


def render_system_json(machine: Machine) -> str:
    """Write a machine for programs."""
    document: dict[str, Any] = {"schema": SCHEMA, **msgspec.to_builtins(machine)}
    return json_text(document)


def _observers(observers: tuple[TriedObserver, ...], interpreter: str) -> Table:
    table = bare_table(f"What can be observed, as tried on {interpreter}")
    table.add_column("observer", no_wrap=True)
    table.add_column("what it shows", overflow="fold", ratio=1)
    table.add_column("here", overflow="fold", ratio=2)
    for one in observers:
        here = plain(one.by, "green") if one.by else plain("not", "red")
        if one.reason:
            here.append("; " if one.by else ": ").append(plain(one.reason))
        table.add_row(plain(one.observer), plain(one.shows), here)
    return table


def _cpus(cpus: tuple[Steadiness, ...]) -> Table:
    table = bare_table("How steadily a loop runs on each CPU")
    for column in ("CPU", "spread of its speed", "taken by others", "longest"):
        table.add_column(column, justify="right", no_wrap=True)
    for cpu in cpus:
        taken, spread = write(cpu.taken, "fraction"), write(cpu.spread, "fraction")
        table.add_row(str(cpu.cpu), spread, taken, write(cpu.longest, "s"))
    return table


def _advice(advice: tuple[str, ...]) -> Table:
    table = Table.grid(padding=(0, 1))
    table.title, table.title_justify = plain("What would help", "bold"), "left"
    for sentence in advice:
        table.add_row(" -", plain(sentence))
    return table
