"""``ci/campaign``: tries to break gilbench, prints a table of the harm, and exits with 1 if there is any.

Each harm is written with its seed, command, and files to a folder, which the last line names.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from campaigns.artefacts import try_artefacts
from campaigns.commands import try_commands
from campaigns.fleet_kills import try_fleet_kills
from campaigns.harm import Part, table
from campaigns.hostile import try_hostile
from campaigns.impossible import try_impossible
from campaigns.killable import KILLABLE
from campaigns.kills import try_kills
from campaigns.starved import try_starved


class _Plan(NamedTuple):
    """One part of the campaign."""

    tries: Callable[[Part, Path, int], None]
    trials: int
    short: int  # in the short form


PARTS = {
    "artefacts": _Plan(try_artefacts, 10_000, 30),
    "impossible": _Plan(try_impossible, 100, 1),
    "commands": _Plan(try_commands, 2000, 20),
    "hostile": _Plan(try_hostile, 100, 1),
    "starved": _Plan(try_starved, 1000, 4),
    **{f"kills of {one.name}": _Plan(partial(try_kills, one=one), 200, 1) for one in KILLABLE},
    "kills of a fleet": _Plan(try_fleet_kills, 200, 1),
}


def main() -> int:
    """Run the parts, and return 1 if there is harm."""
    parser = argparse.ArgumentParser(prog="ci/campaign", description=__doc__)
    parser.add_argument("--short", action="store_true", help="few trials of each part")
    parser.add_argument(
        "--part", action="append", metavar="NAME", help="only parts whose names start so; repeatable"
    )
    parser.add_argument("--seed", type=int, default=1, help="seed of all parts (default: 1)")
    parser.add_argument("--count", type=int, help="number of trials of each part")
    parser.add_argument("--output", type=Path, help="also write the table to this file")
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # a process with threads must not fork
    harms = Path(tempfile.mkdtemp(prefix="campaign-harm-"))
    parts = []
    began = time.monotonic()
    names = [name for name in PARTS if name.startswith(tuple(chosen.part or [""]))]
    if not names:
        parser.error(f"no such part; use {', '.join(PARTS)}")
    for name in names:
        plan = PARTS[name]
        part = Part(name, harms, chosen.seed)
        parts.append(part)
        count = chosen.count or (plan.short if chosen.short else plan.trials)
        with tempfile.TemporaryDirectory(prefix="campaign-", ignore_cleanup_errors=True) as folder:
            try:
                plan.tries(part, Path(folder), count)
            except KeyboardInterrupt:
                part.skip(f"the rest of {count}: interrupted")
                break
    text = table(parts)
    sys.stdout.write(text)
    if chosen.output:
        chosen.output.write_text(text, "utf-8")
    found = any(part.harms for part in parts)
    where = f"; what reproduces the harm: {harms}" if found else ""
    sys.stdout.write(f"\n{time.monotonic() - began:.0f} s{where}\n")
    if not found:
        harms.rmdir()
    return int(found)


if __name__ == "__main__":
    sys.exit(main())
