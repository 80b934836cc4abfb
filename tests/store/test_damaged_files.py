"""Nothing that cannot have been is believed, and whatever is in a file, no command ends in a traceback."""

from __future__ import annotations

import io
import json
import resource
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import msgspec
import pytest
from damage import Change, changed, changes, small_study
from studies import save

from gilbench.cli import run
from gilbench.model.errors import StudyError, UsageError
from gilbench.plan.catalogue import read_declaration
from gilbench.store.history import History
from gilbench.store.known_bad import read_known_bad
from gilbench.store.scores import read_scores
from gilbench.store.study import read_study

REFERENCE = Path(__file__).parent.parent.parent / "reports" / "reference"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("damage")


@pytest.fixture(scope="module")
def sound(folder: Path) -> Path:
    return save(small_study(), folder / "sound.jsonl")


@pytest.fixture(scope="module")
def lines(sound: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in sound.read_text().splitlines()]


def write(path: Path, records: Sequence[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def quietly(*argv: str | Path) -> tuple[int, str]:
    """Exit code of a command, and what it complained of."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = run([str(word) for word in argv])
    return code, err.getvalue()


def refused(path: Path) -> str:
    with pytest.raises(StudyError) as raised:
        read_study(path)
    return str(raised.value)


# --- real studies are believed --------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(REFERENCE.glob("*.jsonl")), ids=lambda path: path.name)
def test_every_reference_study_opens(path: Path) -> None:
    assert read_study(path).runs


def test_the_sound_study_opens(sound: Path) -> None:
    assert read_study(sound).runs


# --- each field, one at a time --------------------------------------------------------------------------

# What may be anything: texts that are shown, and facts that nothing else in the file speaks of.
FREE = {
    *("gilbench", "system", "kernel", "machine", "cpu_model", "governor", "virtualisation", "name"),
    *("executable", "binary", "library", "implementation", "version", "implementation_version", "compiler"),
    *("optimisation", "path", "digest", "summary", "unit", "clock", "backend", "message", "output", "kind"),
    *("unavailable", "foreground", "seed", "check_interval"),
}


def test_every_field_is_refused_below_zero_beyond_all_bounds_or_of_another_type(
    lines: list[dict[str, Any]], folder: Path
) -> None:
    path, number = folder / "changed.jsonl", 0
    for change in changes(lines):
        field, value = change.path[-1], change.value
        usual: Any = lines[change.line - 1]
        for part in change.path:
            usual = usual[part]
        if change.path[:3] == ("workloads", 0, "parameters"):
            continue  # a default may be anything, where no case has another value
        free = field in FREE
        number_for_number = isinstance(usual, int | float) and not isinstance(usual, bool)
        wrong_number = number_for_number and (
            value == "many" or value is True or (value in {-1, -0.5, 10**30, 1e300} and not free)
        )
        wrong_type = isinstance(usual, list | dict | str) and value in (3, 7)
        if (wrong_number or wrong_type) and (change.line == 1 or field != "kind"):
            write(path, changed(lines, change))
            try:
                read_study(path)
            except StudyError as error:
                said = str(error)
            else:
                pytest.fail(f"{change} was believed")
            damaged, none = f"{path}, line {change.line} is damaged: ", f"{path} is not a study"
            assert said.startswith(none if change.path == ("kind",) else damaged), change
            assert len(said.splitlines()) == 1, change
            number += 1
    assert number > 400


IMPOSSIBLE: list[tuple[str, int, tuple[str | int, ...], Any, str]] = [
    ("an unknown reference", 1, ("plan", "reference"), "2.7", "$.plan.reference"),
    ("no interpreters", 1, ("interpreters",), [], "$.plan.reference"),
    ("an unknown interpreter", 1, ("plan", "cases", 0, "interpreter"), "2.7", "$.plan.cases[0].interpreter"),
    ("an unknown workload", 1, ("plan", "cases", 0, "workload"), "nope", "$.plan.cases[0].workload"),
    ("no workloads", 1, ("workloads",), [], "$.plan.cases[0].workload"),
    ("an unknown parameter", 1, ("plan", "cases", 0, "parameters"), [["x", 1]], "$.plan.cases[0].parameters"),
    ("a parameter of another kind", 1, ("plan", "cases", 0, "parameters"), [["size", "x"]], "another type"),
    ("a parameter twice", 1, ("plan", "cases", 0, "parameters"), [["size", 1], ["size", 2]], "duplicate"),
    ("no threads", 1, ("plan", "cases", 0, "threads"), 0, "$.plan.cases[0].threads"),
    ("-3 threads", 1, ("plan", "cases", 0, "threads"), -3, "$.plan.cases[0].threads"),
    ("a GIL that cannot be forced", 1, ("plan", "cases", 0, "gil"), False, "$.plan.cases[0].gil"),
    ("more CPUs than there are", 1, ("plan", "cases", 0, "cpus"), 3, "$.plan.cases[0].cpus"),
    ("no CPUs", 1, ("plan", "cpus"), [], "$.plan.cpus"),
    ("a CPU twice", 1, ("plan", "cpus"), [1, 1], "$.plan.cpus"),
    ("no blocks", 1, ("plan", "profile", "blocks"), 0, "$.plan.profile.blocks"),
    ("a date that is none", 1, ("created",), "yesterday", "$.created"),
    ("no memory", 1, ("host", "memory"), 0, "$.host.memory"),
    ("no time between signals", 1, ("workloads", 2, "parameters", "interval"), 0, "the interval 0"),
    ("a block beyond the plan", 2, ("block",), 3, "$.block"),
    ("another case", 2, ("case",), 999, "`$.case` is 999"),
    ("a slice that ends before it starts", 2, ("slices", 0, "end"), 99.0, "$.slices[0].end"),
    ("slices at once", 2, ("slices", 0, "end"), 101.01, "$.slices[1].start"),
    ("a round twice", 2, ("slices", 1, "round"), 0, "round"),
    ("a round below 0", 2, ("slices", 0, "round"), -1, "round"),
    ("a window of 1e9 s", 2, ("slices", 0, "window"), 1e9, "$.slices[0].window"),
    ("a window of no time", 2, ("slices", 0, "window"), 0, "$.slices[0].operations"),
    ("negative operations", 2, ("slices", 0, "operations"), -5.0, "$.slices[0].operations"),
    ("operations that nobody did", 2, ("slices", 0, "operations"), 1e6, "$.slices[0].operations"),
    ("another checksum", 2, ("slices", 0, "checksum"), "1", "$.slices[0].checksum"),
    ("a CPU twice in force", 2, ("slices", 0, "cpus"), [1, 1], "$.slices[0].cpus"),
    ("more CPU time than CPUs", 2, ("slices", 0, "cpu"), 3.0, "$.slices[0].cpu"),
    ("no thread", 2, ("slices", 0, "threads"), [], "$.slices[0].threads"),
    (
        "a thread before its slice",
        2,
        ("slices", 0, "threads", 0, "start"),
        99.0,
        "$.slices[0].threads[0].start",
    ),
    ("a thread after its slice", 2, ("slices", 0, "threads", 0, "finish"), 101.0, "$.slices[0].threads[0]"),
    (
        "a thread that did more",
        2,
        ("slices", 0, "threads", 0, "total"),
        3,
        "$.slices[0].threads[0].operations",
    ),
    ("a thread of 1e15", 2, ("slices", 0, "threads", 0, "total"), 10**15, "$.slices[0].threads[0].total"),
    ("a thread on two CPUs", 2, ("slices", 0, "threads", 0, "cpu"), 0.1, "$.slices[0].threads[0].cpu"),
    ("an unknown metric", 2, ("readings", 0, "figures"), {"speed": 1.0}, "'speed', which is not a metric"),
    ("an unknown observer", 2, ("readings", 0, "observer"), "gil", "$.readings[0].observer"),
    ("more memory than there is", 2, ("readings", 0, "figures", "memory_peak"), 1e12, "memory_peak"),
    ("1e15 switches", 2, ("readings", 0, "figures", "voluntary_switches"), 1e15, "voluntary_switches"),
    ("more stolen than there is", 2, ("noise", "steal"), 1.5, "$.noise.steal"),
]


@pytest.mark.parametrize(
    ("line", "field", "value", "said"), [row[1:] for row in IMPOSSIBLE], ids=[row[0] for row in IMPOSSIBLE]
)
def test_what_cannot_have_been_is_refused_with_its_field(
    line: int,
    field: tuple[str | int, ...],
    value: Any,
    said: str,
    lines: list[dict[str, Any]],
    folder: Path,
) -> None:
    path = write(folder / "impossible.jsonl", changed(lines, Change(line, field, value)))
    assert said in refused(path)
    code, complaint = quietly("check", path, "--baseline", path)
    assert code == 2
    assert f"line {line} is damaged" in complaint
    assert len(complaint.splitlines()) == 1


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        (("latencies",), [-0.5] * 20, "$.slices[0].latencies"),
        (("latencies",), [9.0] * 20, "$.slices[0].latencies"),
        (("offered",), 3, "$.slices[0].served"),
        (("offered",), None, "$.slices[0].offered"),
        (("offered",), 10**15, "$.slices[0].offered"),
        (("served",), 0, "$.slices[0].served"),
        (("served",), -1, "$.slices[0].served"),
    ],
)
def test_a_schedule_that_cannot_have_been_kept_is_refused(
    field: tuple[str], value: Any, said: str, lines: list[dict[str, Any]], folder: Path
) -> None:
    number = next(n for n, line in enumerate(lines, 1) if n > 1 and line["slices"][0]["latencies"])
    path = write(folder / "late.jsonl", changed(lines, Change(number, ("slices", 0, *field), value)))
    assert said in refused(path)


def test_a_gil_held_57_times_over_is_refused(lines: list[dict[str, Any]], folder: Path) -> None:
    number = next(n for n, line in enumerate(lines, 1) if n > 1 and len(line["readings"][0]["threads"]))
    for field in (("figures", "gil_held"), ("threads", 0, "value"), ("functions", 0, "value")):
        change = Change(number, ("readings", 0, *field), 57.0)
        assert f"$.readings[0].{field[0]}" in refused(write(folder / "held.jsonl", changed(lines, change)))


def test_a_run_that_was_run_before_is_refused(lines: list[dict[str, Any]], folder: Path) -> None:
    path = write(folder / "twice.jsonl", [*lines, lines[1]])
    assert f"line {len(lines) + 1} is damaged: a second run of case 0 in block 0" in refused(path)


@pytest.mark.parametrize(
    ("number", "said"),
    [
        ("NaN", "malformed"),
        ("1e999", "out of range"),
        ("9" * 5000, "out of range"),
        ("-Infinity", "malformed"),
    ],
)
def test_numbers_that_are_none_are_refused(number: str, said: str, sound: Path, folder: Path) -> None:
    whole = sound.read_text()
    for old in ('"window":0.05', '"slice_seconds":0.05'):
        path = folder / "number.jsonl"
        path.write_text(whole.replace(old, f"{old.split(':')[0]}:{number}", 1))
        assert said in refused(path) or "is not a study" in refused(path)


@pytest.mark.parametrize("extra", ["[" * 200_000, '{"a":' * 200_000, '"' + "x" * 5_000_000 + '"'])
def test_what_is_deep_or_long_costs_no_more_than_itself(extra: str, sound: Path, folder: Path) -> None:
    path = folder / "deep.jsonl"
    first, rest = sound.read_text().split("\n", 1)
    for text in (f'{first[:-1]},"more":{extra}}}\n{rest}', f'{first}\n{{"more":{extra},{rest[1:]}'):
        path.write_text(text)
        before = time.monotonic()
        try:
            read_study(path)
        except StudyError as error:
            assert len(str(error)) < 400  # noqa: PT017 - either is right
        assert time.monotonic() - before < 5


# --- what is let through does no harm -------------------------------------------------------------------


def everywhere(path: Path, sound: Path) -> Iterator[tuple[int, str]]:
    """Each command that reads a study, on this one."""
    yield quietly("report", path)
    yield quietly("compare", path)
    yield quietly("check", path, "--baseline", sound)


@pytest.fixture
def state(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
    monkeypatch.setenv("GILBENCH_TRACEBACK", "1")
    return folder / "state"


@pytest.mark.usefixtures("state")
def test_what_is_let_through_ends_no_command_in_a_traceback(
    lines: list[dict[str, Any]], sound: Path, folder: Path
) -> None:
    path = folder / "harmless.jsonl"
    harmless: dict[tuple[Any, ...], Change] = {}
    for change in changes(lines):
        write(path, changed(lines, change))
        try:
            read_study(path)
        except StudyError:
            continue
        harmless[(change.line, *change.path)] = change  # the last one of each field
    assert 50 < len(harmless) < 200
    for change in list(harmless.values())[::5]:
        write(path, changed(lines, change))
        for code, complaint in everywhere(path, sound):
            assert code in {0, 1, 2, 4}, f"{change}: {complaint}"


@pytest.mark.usefixtures("state")
@pytest.mark.parametrize("kept", [0, 1, 2])
def test_a_study_of_few_runs_or_none_is_read_by_every_command(
    kept: int, lines: list[dict[str, Any]], sound: Path, folder: Path
) -> None:
    path = write(folder / "few.jsonl", lines[: 1 + kept])
    for code, complaint in (
        *everywhere(path, sound),
        *everywhere(sound, path),
        quietly("scorecard", "--study", path),
        quietly("history", "add", path, "--database", folder / "few.sqlite"),
    ):
        assert code in {0, 1, 2, 4}, complaint
        assert code == 0 or len(complaint.splitlines()) <= 2


@pytest.mark.usefixtures("state")
def test_a_billion_lost_requests_cost_nothing(lines: list[dict[str, Any]], sound: Path, folder: Path) -> None:
    records = msgspec.json.decode(msgspec.json.encode(lines))
    for record in records[1:]:
        for piece in record["slices"]:
            if piece["offered"]:
                piece["offered"] = 10**9
    path = write(folder / "lost.jsonl", records)
    before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for code, complaint in (*everywhere(path, sound), quietly("scorecard", "--study", path)):
        assert code in {0, 1, 4}, complaint
    assert time.monotonic() - before[0] < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before[1] < 200_000  # KiB


# --- the other files that are read ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///file::memory:?uri=true",
        "sqlite:///file:x?mode=memory&uri=true",
    ],
)
def test_a_database_that_keeps_nothing_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="nothing would be saved"):
        History(url, create=True)


@pytest.mark.parametrize(
    "options", ["timeout=abc", "timeout=1&timeout=2", "uri=maybe", "nonsense=1", "cached_statements=x"]
)
def test_a_database_url_with_a_wrong_option_is_refused(options: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot use --database"):
        History(f"sqlite:///{tmp_path / 'a.sqlite'}?{options}", create=True)


@pytest.mark.usefixtures("state")
@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("series", "threads", -3),
        ("series", "parameters", "[" * 100_000),
        ("series", "observers", "7"),
        ("studies", "moment", 1e300),
        ("layouts", "series", b"123"),
        ("layouts", "series", 7),
        ("records", "figures", b""),
        ("records", "figures", b"\xff" * 18),
        ("records", "figures", "many"),
        ("history", "version", -1),
    ],
)
def test_a_damaged_history_is_refused_by_every_command(
    table: str, column: str, value: Any, sound: Path, tmp_path: Path
) -> None:
    database = tmp_path / "h.sqlite"
    assert quietly("history", "add", sound, "--database", database)[0] == 0
    connection = sqlite3.connect(database)
    with connection:
        connection.execute(f"UPDATE gilbench_{table} SET {column} = ?", (value,))  # noqa: S608
    connection.close()
    for command in (("list",), ("show", "countdown"), ("detect",), ("export",)):
        code, complaint = quietly("history", *command, "--database", database)
        assert code in {0, 2}, complaint
        assert len(complaint.splitlines()) <= 2
    assert quietly("history", "export", "--database", database)[0] == 2


@pytest.mark.parametrize(
    "text",
    [
        "[" + ".".join(["a"] * 3000) + "]\n",
        "[[known]]\nreason = 'x'\nparameters = " + "{a=" * 200 + "1" + "}" * 200,
        "known = " + "[" * 300 + "]" * 300,
        "[[known]]\nreason = 'x'\nthreads = " + "9" * 5000,
        "[[known]]\nreason = 'x'\nthreads = -3",
        "[[known]]\nreason = 'x'\nparameters = {a = nan}",
    ],
)
def test_a_list_of_known_rows_that_is_none_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "known.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"known\.toml"):
        read_known_bad(path)


@pytest.mark.parametrize(
    "change",
    [
        {"figure": -1e300},
        {"figure": None, "lo": 1.0},
        {"lo": 2.0, "hi": 1.0},
        {"kind": "claim"},
        {"id": ""},
        {"verdict": "perhaps"},
    ],
)
def test_a_score_that_cannot_be_is_refused(change: dict[str, Any], tmp_path: Path) -> None:
    saved = json.loads((REFERENCE / "scorecard.scores.json").read_text())
    saved["properties"][3] |= change
    path = tmp_path / "study.scores.json"
    path.write_text(json.dumps(saved))
    with pytest.raises(StudyError, match=r"properties\[(3|\.\.\.)\]"):
        read_scores(path)


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ("'threads': (-1,)", "threads"),
        ("'least_seconds': -1.0", "least_seconds"),
        ("'parameters': {'size': 1e999}", "parameters"),
        ("'parameters': {'size': 10**3}", "malformed"),
        ("'choices': {'size': (1, 2)}", "choices"),
        ("'driver': 'signals'", "interval"),
        ("'driver': 'signals', 'parameters': {'interval': 0.0, 'signal': 'SIGUSR1'}", "interval"),
        ("'driver': 'signals', 'parameters': {'interval': 0.1}", "signal"),
        ("'driver': 'nope'", "driver"),
    ],
)
def test_a_declaration_that_cannot_be_run_is_refused(declared: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(f'"""Mine."""\nWORKLOAD = {{"driver": "parallel", "unit": "operations", {declared}}}\n')
    with pytest.raises(UsageError, match=said):
        read_declaration(path)
