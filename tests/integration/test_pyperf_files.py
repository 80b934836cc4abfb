"""Studies written for pyperf, and pyperf's files read by gilbench."""

from __future__ import annotations

import gzip
import json
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pyperf
import pytest
from commands import SYSTEM_PYTHON, gilbench
from studies import StudyBuilder, cell_of, everything, make_train, make_workload, named, save

from gilbench.model.errors import StudyError
from gilbench.model.results import Comparison, Comparisons
from gilbench.model.study import Study
from gilbench.work.compare import Limits, compare
from gilbench.work.export import export_pyperf
from gilbench.work.read import read, report


def by_pyperf(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "pyperf", *arguments], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def suite(folder: Path, name: str = "suite.json", **changes: Any) -> Path:
    """A file as pyperf writes it: two benchmarks of three processes, one of them calibrates."""
    benchmarks = [
        pyperf.Benchmark(
            [
                pyperf.Run(
                    [factor * (1.0 + 0.01 * run + 0.001 * value) for value in range(5)],
                    metadata={
                        "name": title,
                        "loops": 4,
                        "inner_loops": 2,
                        "python_version": "3.12.4 (64-bit)",
                        "python_implementation": "cpython",
                        "platform": "Linux-6.1.0-21-amd64-x86_64-with-glibc2.36",
                        "cpu_model_name": "Some CPU",
                        "cpu_count": 8,
                        "cpu_affinity": "2-3",
                        "hostname": "host",
                        "date": f"2026-01-02 03:04:0{run}.5",
                        **changes,
                    },
                    collect_metadata=False,
                )
                for run in range(4)
            ]
        )
        for title, factor in (("nbody", 0.1), ("go", 2e-7))
    ]
    path = folder / name
    pyperf.BenchmarkSuite(benchmarks).dump(str(path), replace=True)
    return path


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    folder = tmp_path_factory.mktemp("exported")
    return export_pyperf(save(everything().study(), folder / "study.jsonl"), folder / "times.json")


def test_there_is_a_file_for_each_interpreter(exported: tuple[Path, ...]) -> None:
    assert [path.name for path in exported] == ["times-3.11.json", "times-3.13t.json", "times-pypy3.9.json"]


@pytest.mark.parametrize("command", ["stats", "hist", "check", "show", "metadata", "dump"])
def test_each_command_of_pyperf_opens_the_files(exported: tuple[Path, ...], command: str) -> None:
    for path in exported:
        assert "countdown" in by_pyperf(command, str(path))


def test_pyperf_compares_the_interpreters(exported: tuple[Path, ...]) -> None:
    said = by_pyperf("compare_to", *map(str, exported), "--table")
    assert "countdown (2 threads)" in said
    assert "times-3.13t" in said


def test_latencies_and_observed_cases_are_left_out_and_so_is_the_name_of_the_host(
    exported: tuple[Path, ...],
) -> None:
    names = pyperf.BenchmarkSuite.load(str(exported[0])).get_benchmark_names()
    assert not [name for name in names if "delivery" in name]
    assert len(names) == len(set(names))
    assert "hostname" not in exported[0].read_text()


def test_an_exported_study_has_the_same_times_when_it_is_read(tmp_path: Path) -> None:
    builder = StudyBuilder([named("3.13t", free_threaded=True)], [make_workload("pyperf:nbody", "own")])
    index = builder.case("pyperf:nbody", "3.13t")
    for block in range(4):
        builder.run(block=block, case=index, slices=(), train=make_train([1000 + block, 1002], loops=10))
    (path,) = export_pyperf(save(builder.study(), tmp_path / "study.jsonl"))
    assert path == tmp_path / "study.pyperf.json"
    cell = cell_of(report(study_of(path)), workload="pyperf:nbody", metric="throughput")
    assert cell.case.interpreter == "3.13t"
    assert cell.value == pytest.approx(1e10 / 1002.5, rel=0.001)


def test_an_interpreter_that_has_pyperf_describes_itself_unless_the_study_alone_names_it(
    tmp_path: Path,
) -> None:
    ours = named("ours", platform.python_version())
    for executable, described in ((sys.executable, True), (str(SYSTEM_PYTHON.with_name("nothing")), False)):
        builder = StudyBuilder(
            [msgspec.structs.replace(ours, executable=executable, binary=executable)], [make_workload()]
        )
        index = builder.case("countdown", "ours")
        builder.run(block=0, case=index, slices=(), train=make_train([1000], loops=1))
        (path,) = export_pyperf(
            save(builder.study(), tmp_path / f"{described}.jsonl"), tmp_path / f"{described}.json"
        )
        metadata = pyperf.BenchmarkSuite.load(str(path)).get_benchmarks()[0].get_metadata()
        assert ("python_config_args" in metadata) is described


def test_a_study_without_times_is_not_exported(tmp_path: Path) -> None:
    path = save(StudyBuilder([named("3.13")], [make_workload()]).study(), tmp_path / "study.jsonl")
    done = gilbench("export", str(path))
    assert done.returncode == 2
    assert done.stderr.startswith(f"gilbench: {path} has no times per operation")


def study_of(path: Path) -> Study:
    found = read(path)
    assert isinstance(found, Study)
    return found


@pytest.mark.parametrize("name", ["suite.json", "suite.json.gz"])
def test_a_process_of_pyperf_is_a_block(tmp_path: Path, name: str) -> None:
    study = study_of(suite(tmp_path, name))
    header = study.header
    assert (header.interpreters[0].name, header.host.kernel) == ("3.12", "6.1.0-21-amd64")
    assert header.created == "2026-01-02T03:04:00+00:00"
    first = study.runs[0]
    assert first.slices[0].operations == 8
    assert first.slices[0].cpus == (2, 3)
    cells = report(study).cells
    found = {cell.case.workload: cell for cell in cells if cell.metric == "throughput"}
    assert found["pyperf:nbody"].blocks == 4
    assert found["pyperf:nbody"].value == pytest.approx(10 / 1.017, rel=0.002)


def test_files_are_compared_whatever_interpreter_measured_them_but_not_decided(tmp_path: Path) -> None:
    before = suite(tmp_path)
    after = suite(tmp_path, "after.json", python_version="3.13.5 (64-bit)")
    rows = compared(before, after)
    assert {row.verdict for row in rows} == {"inconclusive"}
    assert {row.case.interpreter for row in rows} == {"3.13 vs 3.12"}
    judged = compared(before, after, Limits(allow_unpaired=True, threshold=0.1))
    assert {row.verdict for row in judged} == {"equivalent"}


def compared(before: Path, after: Path, limits: Limits | None = None) -> tuple[Comparison, ...]:
    found = compare(before, after, limits)
    assert isinstance(found, Comparisons)
    return found.rows


def test_a_file_of_pyperf_can_be_added_to_a_history(tmp_path: Path) -> None:
    done = gilbench("history", "add", str(suite(tmp_path)), "--database", str(tmp_path / "history.db"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("added study ")


def test_what_is_no_time_is_left_out_with_a_warning(tmp_path: Path) -> None:
    path = suite(tmp_path)
    content = json.loads(path.read_text())
    content["benchmarks"][0].setdefault("metadata", {})["unit"] = "byte"
    path.write_text(json.dumps(content))
    study = study_of(path)
    assert [one.name for one in study.header.workloads] == ["pyperf:go"]
    assert any("nbody of suite.json have no times" in warning for warning in study.warnings)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"benchmarks": []}, "has no benchmark with times"),
        ({"benchmarks": 3}, r"Expected `array`, got `int` - at `\$.benchmarks`"),
        ({"version": None}, r"\$.version"),
        ({"benchmarks": [{"runs": [{"values": [1.0]}]}]}, r"`\$.benchmarks\[0\].metadata.name` is missing"),
        ({"benchmarks": [{"metadata": {"name": "a"}, "runs": [{"values": [-1.0]}]}]}, "damaged"),
        ({"benchmarks": [{"metadata": {"name": "a"}, "runs": [{"values": [1.0]}]}] * 2}, "two benchmarks 'a'"),
    ],
)  # fmt: skip
def test_a_malformed_file_is_told_in_a_line(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    path = suite(tmp_path)
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(StudyError, match=said) as error:
        read(path)
    assert "\n" not in str(error.value)


def test_a_truncated_compressed_file_is_told_in_a_line(tmp_path: Path) -> None:
    path = tmp_path / "cut.json.gz"
    path.write_bytes(gzip.compress(suite(tmp_path).read_bytes())[:100])
    done = gilbench("report", str(path))
    assert done.returncode == 2
    assert done.stderr.startswith(f"gilbench: cannot read {path}: ")
    assert len(done.stderr.splitlines()) == 1
