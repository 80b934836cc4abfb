"""Plans, machines, self-tests, workloads and interpreters as pages."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from golden import compare, written
from interpreters_fakes import make_interpreter
from rich.cells import cell_len
from studies import everything, make_workload

from gilbench.interpreters.names import name_all
from gilbench.model.fleet import FleetStatus, HostStatus
from gilbench.model.listings import Catalogue, Pythons, WorkloadTest, WorkloadTests
from gilbench.model.machine import Machine, Steadiness, TriedObserver
from gilbench.model.selftest import GeneratedNoise, Promise, Selftest
from gilbench.model.study import Host, Noise, Unusable

HOSTILE = "[red]x[/red] \x1b[31m<b>|`@all\n::error::#1" + "y" * 200


def promise(kind: Any = "simulated", holds: bool | None = True, **changes: Any) -> Promise:
    known: dict[str, Any] = {
        "name": "mean, 10 blocks, single",
        "kind": kind,
        "noise": "normal",
        "figure": "false_positive_rate",
        "value": 0.031,
        "lo": 0.025,
        "hi": 0.038,
        "promised": "<= 5%",
        "holds": holds,
    }
    return Promise(**{**known, **changes})


def outcome(workload: str, interpreter: str, said: Any = "ok", **changes: Any) -> WorkloadTest:
    return WorkloadTest(
        workload=workload, interpreter=interpreter, outcome=said, **{"detail": "7", **changes}
    )


HOST = Host(system="Linux", kernel="6.1", machine="x86_64", cpu_model="Some CPU", cores=2, memory=1 << 33)
OBSERVERS = (
    TriedObserver(observer="cpu", shows="CPU time", by="the kernel's own counts"),
    TriedObserver(observer="gil", shows="who holds the GIL", by=None, reason="no root; " + "long " * 40),
    TriedObserver(observer="stacks", shows="functions", by="py-spy", reason="no locals"),
)
MACHINE = Machine(
    gilbench="1.0",
    host=HOST,
    interpreter="3.13",
    observers=OBSERVERS,
    cpus=(Steadiness(cpu=0, spread=0.004, taken=0.001, longest=30e-6),),
    noise=Noise(load=0.5, steal=0.0),
    advice=("Set the governor to performance.",),
)
SELFTEST = Selftest(
    promises=(
        promise(),
        promise(holds=False, figure="coverage", promised="93% to 97%", value=0.9),
        promise("real", None, noise="this machine", promised=None, figure="smallest_effect", lo=None),
    )
)
NOISY_SELFTEST = Selftest(
    promises=(promise(), promise("real", noise="all", figure="power", promised=">= 18 of 20")),
    noise=GeneratedNoise("all", {"bursts": 0.4861, "pinned": 0.4407, "cache": 0.6, "quota": 0.052}),
)
CATALOGUE = Catalogue(
    workloads=(
        make_workload("countdown", core=True),
        make_workload("tcp_echo", "io"),
        make_workload("udp", "io"),
    )
)
NAMES = ("3.11", "3.12", "3.13", "pypy3.9")
TESTS = WorkloadTests(
    tests=(
        *(outcome("mine", name, "too short" if name == "pypy3.9" else "ok") for name in NAMES),
        *(outcome("good", name) for name in NAMES),
        *(outcome("bad", name, "failed", detail="checksum: gave 1 instead of 0") for name in NAMES),
        outcome("long", "3.11", "too long", operation=0.2),
    )
)
PYTHONS = Pythons(
    interpreters=name_all(
        (
            make_interpreter(
                "3.13.5",
                pgo=True,
                optimisation="-O3",
                libpython="static",
                gil_symbols=("take_gil", "drop_gil"),
            ),
            make_interpreter("3.13.5", free_threaded=True, executable=f"{Path.home()}/a/b/c/d/python3.13t"),
            make_interpreter("3.14.2", jit=False, jit_kind="native", tail_calls=True, lto=True),
            make_interpreter("3.9.16", implementation="PyPy", implementation_version="7.3.11", jit=True),
        )
    ),
    unusable=(Unusable(executable="/opt/odd/python3", reason="it answered with an error"),),
)
HOST_STATUS = HostStatus(
    name="east",
    gilbench="0.1.0",
    digest="0123456789ab",
    fits=True,
    doing="block 3/20 countdown",
    blocks=2,
    cores=8,
    cpus=16,
    memory=32 << 30,
    machine="x86_64",
    system="Linux",
    kernel="6.1.0",
    cpu_model="AMD EPYC 7B13",
    root=False,
    virtualisation="virtual machine",
    interpreters=("3.14", "3.14t", "3.13", "3.12", "3.11", "3.10", "3.9", "3.8", "pypy3.9", "2.7"),
)
FLEET = FleetStatus(
    gilbench="0.1.0",
    digest="0123456789ab",
    scheduler="tls://center:8786",
    scheduler_gilbench="0.1.0",
    scheduler_digest="0123456789ab",
    hosts=(
        HOST_STATUS,
        msgspec.structs.replace(
            HOST_STATUS,
            name="west",
            gilbench="0.0.9",
            digest="fedcba987654",
            fits=False,
            doing=None,
            blocks=0,
        ),
    ),
)
PAGES = {
    "fleet": FLEET,
    "plan": everything().study().header,
    "machine": MACHINE,
    "selftest": SELFTEST,
    "noisy_selftest": NOISY_SELFTEST,
    "workloads": CATALOGUE,
    "workload_tests": TESTS,
    "pythons": PYTHONS,
}
HOSTILE_PAGES: dict[str, object] = {
    "fleet": msgspec.structs.replace(
        FLEET,
        scheduler=HOSTILE,
        hosts=(
            msgspec.structs.replace(
                HOST_STATUS,
                name=HOSTILE,
                gilbench=HOSTILE,
                fits=False,
                doing=HOSTILE,
                cpu_model=HOSTILE,
                interpreters=(HOSTILE,),
            ),
        ),
    ),
    "machine": Machine(
        gilbench=HOSTILE,
        host=HOST,
        interpreter=HOSTILE,
        observers=(TriedObserver(observer=HOSTILE, shows=HOSTILE, by=None, reason=HOSTILE),),
        cpus=(),
        noise=Noise(),
        advice=(HOSTILE,),
    ),
    "workloads": Catalogue(workloads=(make_workload(HOSTILE, summary=HOSTILE),)),
    "workload_tests": WorkloadTests(tests=(outcome(HOSTILE, HOSTILE, "failed", detail=HOSTILE),)),
    "pythons": Pythons(interpreters=(), unusable=(Unusable(executable=HOSTILE, reason=HOSTILE),)),
}


@pytest.mark.parametrize("columns", [80, 160])
@pytest.mark.parametrize("name", PAGES)
def test_each_page_is_written_as_before(name: str, columns: int, regenerate: bool) -> None:
    compare(f"{name}_page_{columns}.txt", written(PAGES[name], "terminal", columns), regenerate=regenerate)


@pytest.mark.parametrize("columns", [40, 80, 120, 160])
@pytest.mark.parametrize(
    "result", [*PAGES.values(), *HOSTILE_PAGES.values()], ids=[*PAGES, *HOSTILE_PAGES.keys()]
)
def test_nothing_is_wider_than_the_terminal_and_nothing_moves_its_cursor(
    result: object, columns: int
) -> None:
    text = written(result, "terminal", columns)
    assert max(map(cell_len, text.splitlines())) <= columns
    assert "\x1b" not in text


@pytest.mark.parametrize("name", HOSTILE_PAGES)
def test_hostile_names_are_no_markup(name: str) -> None:
    assert "[red]x[/red]" in written(HOSTILE_PAGES[name], "terminal", 160)
    page = written(HOSTILE_PAGES[name], "markdown")
    outside = re.sub(r"(`+).*?\1", "", page)
    for harm in ("\x1b", "<b>", "[red]", "@all", "::error", "#1"):
        assert harm not in outside
    for row in csv.reader(io.StringIO(written(HOSTILE_PAGES[name], "csv"))):
        assert not [value for value in row if value.startswith(("=", "@", "+"))]


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("plan", {"kind", "plan", "interpreters", "workloads"}),
        (
            "fleet",
            {
                "schema",
                "kind",
                "gilbench",
                "digest",
                "scheduler",
                "scheduler_gilbench",
                "scheduler_digest",
                "hosts",
            },
        ),
        ("selftest", {"kind", "noise", "checks"}),
        ("workloads", {"kind", "workloads"}),
        ("workload_tests", {"kind", "trials"}),
        ("pythons", {"kind", "interpreters", "unusable"}),
        (
            "machine",
            {"schema", "kind", "gilbench", "host", "interpreter", "observers", "cpus", "noise", "advice"},
        ),
    ],
)
def test_programs_get_the_same_fields(name: str, fields: set[str]) -> None:
    assert set(json.loads(written(PAGES[name], "json"))) == fields


@pytest.mark.parametrize(
    ("name", "count"),
    [("fleet", 2), ("selftest", 3), ("workloads", 3), ("workload_tests", 13), ("pythons", 4)],
)
def test_a_spreadsheet_gets_a_row_for_each(name: str, count: int) -> None:
    assert len(list(csv.DictReader(io.StringIO(written(PAGES[name], "csv"))))) == count


@pytest.mark.parametrize("columns", [80, 160])
def test_each_fact_of_an_interpreter_is_shown(columns: int) -> None:
    text = written(PYTHONS, "terminal", columns)
    for fact in (
        *("3.13t", "PyPy 3.9.16 (7.3.11)", "-O3 PGO", "static", "JIT"),
        *("~/a/b/c/d/python3.13t", "/fake/CPython", "it answered with an error"),
    ):
        assert fact in text


def test_where_a_workload_works_is_told_the_shorter_way() -> None:
    text = written(TESTS, "terminal")
    for told in ("all but pypy3.9", "too short: pypy3.9", "mine: 7 (pypy3.9)", "200 ms per operation"):
        assert told in text
    assert text.startswith("13 tests, 4 failed")


def test_a_machine_says_what_helps() -> None:
    text = written(MACHINE, "terminal")
    for told in ("no: no root", "py-spy; no locals", "30.0 µs", "load 0.50", "Suggestions"):
        assert told in text
