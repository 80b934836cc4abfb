from __future__ import annotations

from pathlib import Path

import pytest
from studies import StudyBuilder, make_workload, named

from gilbench.analyse.study.index import Blocks
from gilbench.store.pyperf_json import write_pyperf

pyperf = pytest.importorskip("pyperf", reason="pyperf is not installed")


def test_pyperf_reads_each_block_as_a_process_and_each_slice_as_a_value(tmp_path: Path) -> None:
    builder = StudyBuilder([named("3.13")], [make_workload()], blocks=3)
    builder.work("countdown", "3.13", 1000, noise=[1, 1, 1])
    study = builder.study()
    blocks = Blocks(study.header.plan, study.runs)
    write_pyperf(tmp_path / "one.json", "countdown", blocks.runs(study.header.plan.cases[0]).values())
    benchmark = pyperf.Benchmark.load(str(tmp_path / "one.json"))
    assert (benchmark.get_name(), benchmark.get_nrun(), benchmark.get_nvalue()) == ("countdown", 3, 12)
    assert benchmark.get_values()[0] == pytest.approx(0.001)
