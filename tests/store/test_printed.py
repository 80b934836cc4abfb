"""Printed results of CPython's own benchmarks: real output, and what can be wrong with it."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from studies import StudyBuilder, make_workload, named, save

from gilbench.cli import run
from gilbench.model.errors import StudyError, UsageError
from gilbench.model.printed import PrintedResults
from gilbench.model.results import Cell, Comparison, Comparisons
from gilbench.store.history import History
from gilbench.store.printed import read_printed
from gilbench.work.compare import Limits, compare
from gilbench.work.history import add_study
from gilbench.work.read import read

DATA = Path(__file__).parents[1] / "data"
SCALING, BASELINE, PARALLEL = (
    DATA / f"ftscalingbench-3.13t{suffix}.txt" for suffix in ("", "-baseline", "-parallel")
)
OLD, NEW = DATA / "ccbench-3.9.txt", DATA / "ccbench-3.12.txt"
SAMPLES = (SCALING, BASELINE, PARALLEL, OLD, NEW)
PI = "Pi calculation (Python)"
CCBENCH = f"== CPython 3.9.18 (main) ==\n== x86_64 Linux on 'Some CPU' ==\n\n--- Throughput ---\n\n{PI}\n\n"


def written(folder: Path, text: str, name: str = "output.txt") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def value(results: PrintedResults, workload: str, metric: str, threads: int) -> float:
    (cell,) = (
        one
        for one in results.cells
        if (one.case.workload, one.metric, one.case.threads) == (workload, metric, threads)
    )
    return cell.value


def figures(cells: tuple[Cell, ...]) -> dict[tuple[str, int, str], float]:
    return {(one.case.workload, one.case.threads, one.metric): one.value for one in cells}


def test_each_line_of_ftscalingbench_is_a_speedup() -> None:
    results = read_printed(SCALING)
    lines = re.findall(r"^(\w+) +([\d.]+)x (faster|slower)$", SCALING.read_text(), re.MULTILINE)
    assert len(lines) == len(results.cells) > 10
    assert {side for *_, side in lines} == {"faster", "slower"}
    for name, factor, side in lines:
        speedup = float(factor) if side == "faster" else 1 / float(factor)
        assert value(results, f"ftscalingbench:{name}", "speedup", 2) == speedup


def test_times_of_one_thread_and_of_all_threads_are_told_apart() -> None:
    alone, together = read_printed(BASELINE), read_printed(PARALLEL)
    (seconds,) = re.findall(r"^pyfunction +([\d.]+) ms$", BASELINE.read_text(), re.MULTILINE)
    assert value(alone, "ftscalingbench:pyfunction", "time_per_operation", 1) == float(seconds) / 1000
    (seconds,) = re.findall(r"^pyfunction +([\d.]+) ms$", PARALLEL.read_text(), re.MULTILINE)
    assert value(together, "ftscalingbench:pyfunction", "throughput", 2) == 2 / (float(seconds) / 1000)
    assert {one.case.threads for one in together.cells} == {2}
    assert any("--scale" in caveat.text for caveat in together.caveats)


@pytest.mark.parametrize("path", [OLD, NEW], ids=lambda path: path.name)
def test_each_line_of_ccbench_is_read(path: Path) -> None:
    results, text = read_printed(path), path.read_text()
    version = path.stem.partition("-")[2]
    assert results.interpreter is not None
    assert results.interpreter.startswith(f"CPython {version}.")
    assert results.host is not None
    assert results.host.startswith("x86_64 Linux, ")
    rates = re.findall(r"^threads=(\d+): (\d+) ", text, re.MULTILINE)
    assert rates
    assert len(rates) == sum(one.metric == "throughput" and one.family == "own" for one in results.cells)
    packets = [
        float(rate) for rate in re.findall(r"^CPU threads=\d+: ([\d.]+) (?:packets|\()", text, re.MULTILINE)
    ]
    for threads, rate in enumerate(packets):
        name = f"ccbench:bandwidth, {PI}"
        assert value(results, name, "throughput", threads) == rate
        if threads:
            assert value(results, name, "retained", threads) == rate / packets[0]
    waits = re.findall(r"^CPU threads=(\d+): (\d+) ms\. \(std dev: (\d+) ms\.\)", text, re.MULTILINE)
    means = [one.value for one in results.cells if one.metric == "latency_mean"]
    assert means == [int(mean) / 1000 for _, mean, _ in waits if mean != "0"]


def test_a_speedup_of_ccbench_has_the_digits_of_its_rates(tmp_path: Path) -> None:
    text = f"{CCBENCH}threads=1: 2000 iterations/s.\nthreads=2: 1955 ( 97 %)\n"
    results = read_printed(written(tmp_path, text))
    assert figures(results.cells) == {
        (f"ccbench:{PI}", 1, "throughput"): 2000.0,
        (f"ccbench:{PI}", 2, "throughput"): 1955.0,
        (f"ccbench:{PI}", 2, "speedup"): 0.9775,
    }


def test_a_latency_of_zero_is_left_out_with_a_warning(tmp_path: Path) -> None:
    head = CCBENCH.replace("--- Throughput ---", "--- Latency ---").replace(PI, f"Background CPU task: {PI}")
    rows = "CPU threads=0: 0 ms. (std dev: 0 ms.)\nCPU threads=1: 5 ms. (std dev: 0 ms.)\n"
    results = read_printed(written(tmp_path, head + rows))
    assert figures(results.cells) == {(f"ccbench:latency, {PI}", 1, "latency_mean"): 0.005}
    assert any("0 ms are left out" in caveat.text for caveat in results.caveats)


def test_a_time_of_zero_is_left_out_with_a_warning(tmp_path: Path) -> None:
    results = read_printed(written(tmp_path, "mult_constant      0.0 ms\nsuper_call         0.1 ms\n"))
    assert {one.case.workload for one in results.cells} == {"ftscalingbench:super_call"}
    assert any("times of 0.0 ms are left out" in caveat.text for caveat in results.caveats)


def test_colors_and_the_note_about_the_gil_are_understood(tmp_path: Path) -> None:
    text = "expected to be run with the  GIL disabled\nRunning benchmarks with 4 threads\n"
    results = read_printed(
        written(tmp_path, f"{text}\x1b[31mpyfunction                 2.0x slower\x1b[0m\r\n")
    )
    assert figures(results.cells) == {("ftscalingbench:pyfunction", 4, "speedup"): 0.5}
    assert any("the GIL was enabled" in caveat.text for caveat in results.caveats)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_a_report_shows_it_in_every_format(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cells = read_printed(path).cells
    for form in ("terminal", "markdown", "csv"):
        assert run(["report", str(path), "--format", form]) == 0
        assert cells[0].case.workload in capsys.readouterr().out
    assert run(["report", str(path), "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["kind"], len(document["cells"])) == ("printed results", len(cells))


def test_what_is_not_printed_is_unknown(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["report", str(SCALING)]) == 0
    assert "Interpreter: unknown. Host: unknown." in capsys.readouterr().out
    run(["report", str(SCALING), "--format", "json"])
    document = json.loads(capsys.readouterr().out)
    assert (document["interpreter"], document["host"]) == (None, None)
    assert {(cell["lo"], cell["hi"], cell["interpreter"]) for cell in document["cells"]} == {
        (None, None, "unknown")
    }


def compared(before: Path, after: Path, **limits: str) -> tuple[Comparison, ...]:
    found = compare(before, after, Limits(metric=tuple(limits.values())))
    assert isinstance(found, Comparisons)
    assert any(caveat.kind == "no_interval" for caveat in found.caveats)
    return found.rows


def test_two_outputs_are_compared_without_a_verdict() -> None:
    rows = compared(OLD, NEW, metric="throughput")
    before, after = figures(read_printed(OLD).cells), figures(read_printed(NEW).cells)
    assert len(rows) == sum(metric == "throughput" for *_, metric in before)
    for row in rows:
        place = row.case.workload, row.case.threads, row.metric
        assert row.ratio == after[place] / before[place]
        assert (row.verdict, row.reason, row.lo, row.hi) == ("inconclusive", "no interval", None, None)
        assert re.fullmatch(r"CPython 3\.12\.\d+ vs CPython 3\.9\.\d+", row.case.interpreter)


def test_own_functions_of_a_study_are_compared_with_ftscalingbench(tmp_path: Path) -> None:
    names = {"pyfunction": "own", "ftscalingbench.method_caller": "own", "pymethod": "cpu"}
    builder = StudyBuilder(
        [named("3.13t", free_threaded=True), named("3.14t", free_threaded=True)],
        [make_workload(name, family) for name, family in names.items()],
    )
    for name in names:
        for interpreter in ("3.13t", "3.14t"):
            builder.work(name, interpreter, 1000.0)
            builder.work(name, interpreter, 1800.0, threads=2)
    study = save(builder.study(), tmp_path / "study.jsonl")
    text = "Running benchmarks with 2 threads\n" + "".join(
        f"{name:<25}  1.5x faster\n" for name in ("pyfunction", "method_caller", "pymethod")
    )
    rows = compared(written(tmp_path, text), study)
    assert {(row.case.workload, row.case.interpreter) for row in rows} == {
        (name, f"{interpreter} vs unknown")
        for name in ("pyfunction", "ftscalingbench.method_caller")
        for interpreter in ("3.13t", "3.14t")
    }
    assert [row.ratio for row in rows] == pytest.approx([1.8 / 1.5] * 4, rel=0.05)


def test_what_has_nothing_in_common_or_no_second_file_is_refused() -> None:
    with pytest.raises(UsageError, match="share no case"):
        compare(SCALING, OLD)
    with pytest.raises(UsageError, match="has no interpreter to compare with its reference"):
        compare(SCALING)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A checkout with one commit, in the current folder."""
    monkeypatch.chdir(tmp_path)
    person = ("-c", "user.name=A", "-c", "user.email=a@b")
    for words in (("init", "-q"), (*person, "commit", "-q", "--allow-empty", "-m", "one")):
        subprocess.run(["git", *words], check=True, timeout=30)
    return subprocess.run(
        ["git", "rev-parse", "HEAD"], check=True, timeout=30, capture_output=True, text=True
    ).stdout.strip()


@pytest.mark.parametrize("path", [SCALING, OLD], ids=lambda path: path.name)
def test_the_history_takes_the_date_of_the_commit(path: Path, tmp_path: Path, checkout: str) -> None:
    database = str(tmp_path / "history.sqlite")
    added = add_study(path, database=database)
    assert (added.commit, added.new, added.figures) == (checkout, True, len(read_printed(path).cells))
    with History(database) as history:
        (entry,) = history.studies()
        assert entry.created == "unknown"
        known = read_printed(path)
        assert entry.host == (known.host or "unknown")
        assert {one.case.interpreter for one in history.series()} == {known.interpreter or "unknown"}


def test_the_history_refuses_results_without_a_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="has no date; name the measured commit"):
        add_study(SCALING, database=str(tmp_path / "history.sqlite"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Running benchmarks with 2 threads\n", "has no results; run ftscalingbench to its end"),
        ("Running benchmarks with 2 threads\npyfunction 1.2x fas", "line 2 is damaged: 'pyfunction 1.2x fas'"),
        ("Running benchmarks with 2 threads\npyfunction 0.0x faster\n", "line 2 is damaged"),
        ("Running benchmarks with 2 threads\na  1.0x faster\na  1.0x faster\n", "line 3: a second result of"),
        ("a 1.0 ms\nb 1.0x faster\n", "line 2 is damaged"),
        (CCBENCH, "has no results; run ccbench to its end"),
        (f"{CCBENCH}threads=1: many iterations/s.\n", "line 8 is damaged: 'threads=1: many iterations/s.'"),
        (f"{CCBENCH}threads=1: 5 iterations/s.\n" * 2, "line 9: a second run"),
        ("== CPython 3.9.18 (main) ==\nthreads=1: 5 iterations/s.\n", "line 2 is damaged"),
    ],
)  # fmt: skip
def test_damage_is_told_in_a_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(StudyError, match=re.escape(said)) as error:
        read(written(tmp_path, text))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "content", [b"", b"hello\n", b"\xff\xfe\x00", b"Running benchmarks with 0 threads\n"]
)
def test_other_texts_are_no_printed_results(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.txt"
    path.write_bytes(content)
    with pytest.raises(StudyError):
        read(path)
