"""Options and exit codes that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gilbench.render import formats

EXIT_INCONCLUSIVE = 3
EXIT_FAILED_RUNS = 4

# Options that grant trust, which no file may do.
ONLY_TYPED = frozenset({"trust-file", "insecure"})

WHAT, HOW, OUTPUT = "What to measure", "How to measure", "Output"  # panels of --help

Python = Annotated[
    list[str] | None,
    typer.Option(
        "--python",
        metavar="SPEC",
        help="Interpreter: path, 3.11, 3.13t, pypy, jython, or all. Its options may follow: '3.14 -X importtime'. "
        "Repeatable.",
        rich_help_panel=WHAT,
    ),
]
Variables = Annotated[
    list[str] | None,
    typer.Option(
        "--env",
        metavar="NAME=VALUE",
        help="Variable to start every interpreter with. Repeatable.",
        rich_help_panel=WHAT,
    ),
]
Workloads = Annotated[
    list[str] | None,
    typer.Option(
        "--workload",
        metavar="NAME",
        help="Workload: name, pattern such as 'tcp_*', or file. Repeatable.",
        rich_help_panel=WHAT,
    ),
]
Families = Annotated[
    list[str] | None,
    typer.Option(
        "--family",
        metavar="FAMILY",
        help="Family of workloads, such as cpu or io. Repeatable.",
        rich_help_panel=WHAT,
    ),
]
Seed = Annotated[
    int | None,
    typer.Option(help="Seed for random ordering (default: random).", metavar="N", rich_help_panel=HOW),
]
Threshold = Annotated[
    float,
    typer.Option(min=0, max=100, metavar="PERCENT", help="Smallest change that matters, in percent."),
]
Fdr = Annotated[
    float, typer.Option(min=0.1, max=50, metavar="PERCENT", help="False discovery rate, in percent.")
]
Metrics = Annotated[
    list[str] | None,
    typer.Option(
        "--metric", metavar="NAME", help="Metric: name, or pattern such as 'latency_*'. Repeatable."
    ),
]
Strict = Annotated[
    bool, typer.Option("--strict", help="Exit with 3 if a row is inconclusive, or if there is no baseline.")
]
AllowUnpaired = Annotated[
    bool,
    typer.Option(
        "--allow-unpaired",
        help="Also judge rows of two studies without a common reference, or from different hosts. "
        "Risk: equal builds often get a wrong verdict, because hosts drift.",
    ),
]
ThreadCounts = Annotated[
    str | None,
    typer.Option(
        "--threads",
        metavar="LIST",
        help=(
            "Thread counts: numbers, cores, 2x for twice the cores (default: 1, 2, and up to twice the cores, as "
            "many as a quick run has time for)."
        ),
        rich_help_panel=WHAT,
    ),
]
Gil = Annotated[
    str | None,
    typer.Option(
        "--gil", metavar="LIST", help="GIL of free-threaded builds: on, off, or on,off.", rich_help_panel=WHAT
    ),
]
Jit = Annotated[
    str | None,
    typer.Option(
        "--jit",
        metavar="LIST",
        help="JIT of builds that have one inside: on, off, or on,off.",
        rich_help_panel=WHAT,
    ),
]
SwitchInterval = Annotated[
    str | None,
    typer.Option(
        "--switch-interval",
        metavar="LIST",
        help="Switch intervals, for example 5ms,1ms (2.7: 1000 ticks per ms).",
        rich_help_panel=WHAT,
    ),
]
Cpus = Annotated[
    str | None,
    typer.Option(
        "--cpus",
        metavar="LIST",
        help="Number of CPUs for the worker, for example 1,2,all.",
        rich_help_panel=WHAT,
    ),
]
EffortLevel = Annotated[
    str | None,
    typer.Option(
        "--effort",
        metavar="LEVEL",
        help="Effort level: quick, standard, or rigorous (default: quick).",
        rich_help_panel=HOW,
    ),
]
Budget = Annotated[
    str | None,
    typer.Option(
        "--budget",
        metavar="TIME",
        help="Time budget, for example 5m; after 6 blocks, only inconclusive workloads continue.",
        rich_help_panel=HOW,
    ),
]
Reference = Annotated[
    str | None,
    typer.Option(
        "--reference",
        metavar="SPEC",
        help="Interpreter to compare the others with (default: the first).",
        rich_help_panel=HOW,
    ),
]
Refresh = Annotated[
    bool,
    typer.Option(
        "--refresh", help="Ask every interpreter again instead of using the cache.", rich_help_panel=WHAT
    ),
]
Quiet = Annotated[
    bool, typer.Option("-q", "--quiet", help="Show neither progress nor notes.", rich_help_panel=OUTPUT)
]
Count = Annotated[
    str | None,
    typer.Option(
        "--count",
        metavar="WHAT",
        help="Also count the work of cpu workloads with one thread: instructions.",
        rich_help_panel=HOW,
    ),
]
Full = Annotated[
    bool,
    typer.Option(
        "--full",
        help="Print every table (default: one screen of findings and their chart).",
        rich_help_panel=OUTPUT,
    ),
]
OldEffort = Annotated[str | None, typer.Option("--profile", hidden=True)]  # the old name of --effort


def known_format(name: str | None) -> str | None:
    """Check the name of a format that can write every kind of result; None: not given."""
    if name is not None:
        formats.refuse_unknown(name)
    return name


def _format_option(*kinds: str) -> Any:
    def known(name: str) -> str:
        formats.refuse_unknown(name, *kinds)
        formats.refuse_unready(name)
        return name

    return typer.Option(
        "-f",
        "--format",
        metavar="FORMAT",
        help=f"Output format: {', '.join(formats.names_for(*kinds))}.",
        callback=known,
        rich_help_panel=OUTPUT,
    )


Form = Annotated[str, _format_option()]
SavedForm = Annotated[str, _format_option("Report", "Check", "Profile")]
StudyForm = Annotated[str, _format_option("Report")]
CheckForm = Annotated[str, _format_option("Check")]
ProfileForm = Annotated[str, _format_option("Profile")]
Output = Annotated[
    list[Path] | None,
    typer.Option(
        "-o",
        "--output",
        metavar="FILE",
        help=f"Also write FILE; its ending picks the format: {', '.join(formats.endings_for(None))}. Repeatable.",
        rich_help_panel=OUTPUT,
    ),
]
ChartName = Annotated[
    str | None,
    typer.Option(
        "--chart",
        metavar="NAME",
        help="Chart for -o FILE.svg or FILE.png (default: the first; a wrong name lists all).",
        rich_help_panel=OUTPUT,
    ),
]
StudyOutput = Annotated[
    list[Path] | None,
    typer.Option(
        "-o",
        "--output",
        metavar="FILE",
        help="Study to write (default: a new file in reports/), or a report in the format of its ending. "
        "Repeatable.",
        rich_help_panel=OUTPUT,
    ),
]


def typed(context: typer.Context, *names: str) -> bool:
    """Return whether the command line gives any of these parameters, which defaults of a file do not count as."""
    sources = [context.get_parameter_source(name) for name in names]
    return any(source is not None and source.name == "COMMANDLINE" for source in sources)


def examples(*lines: str) -> str:
    """Format examples for the end of a help page, one per line."""
    return "\n\n".join(("Examples:", *(f"  {line}" for line in lines)))
