from __future__ import annotations

from pathlib import Path

import pytest
from studies import make_train

from gilbench.store.pyperf_json import write_pyperf

pyperf = pytest.importorskip("pyperf", reason="pyperf is not installed")


def test_pyperf_reads_each_train_as_a_process_and_each_short_slice_as_a_value(tmp_path: Path) -> None:
    trains = [make_train([2_000_000] * 4, loops=2) for _ in range(3)]
    write_pyperf(tmp_path / "one.json", "countdown", trains)
    benchmark = pyperf.Benchmark.load(str(tmp_path / "one.json"))
    assert (benchmark.get_name(), benchmark.get_nrun(), benchmark.get_nvalue()) == ("countdown", 3, 12)
    assert benchmark.get_values()[0] == pytest.approx(0.001)
