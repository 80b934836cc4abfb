from __future__ import annotations

from pathlib import Path

import pyperf
import pytest
from studies import make_train

from gilbench.analyse.study.pyperf_suites import train_run
from gilbench.model.errors import StudyError
from gilbench.model.pyperf import PyperfBenchmark, PyperfRun, PyperfSuite
from gilbench.store.pyperf_json import write_benchmark, write_suite


def test_pyperf_reads_each_train_as_a_process_and_each_short_slice_as_a_value(tmp_path: Path) -> None:
    runs = tuple(train_run(make_train([2_000_000] * 4, loops=2), {}) for _ in range(3))
    write_benchmark(tmp_path / "one.json", PyperfBenchmark(name="countdown", runs=runs))
    benchmark = pyperf.Benchmark.load(str(tmp_path / "one.json"))
    assert (benchmark.get_name(), benchmark.get_nrun(), benchmark.get_nvalue()) == ("countdown", 3, 12)
    assert benchmark.get_values()[0] == pytest.approx(0.001)
    assert benchmark.get_loops() == 2


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    suite = PyperfSuite(
        configuration="3.13",
        interpreter="3.13",
        benchmarks=(PyperfBenchmark(name="one", runs=(PyperfRun(values=(1.0,)),)),),
    )
    with pytest.raises(StudyError, match=r"cannot write .*absent"):
        write_suite(tmp_path / "absent" / "one.json", suite)
