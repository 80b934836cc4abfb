"""The rules for Prometheus in the guide, read by Prometheus's own tool where it is installed."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from watches import make_interval, make_state

from gilbench.model.watch import GroupTotals
from gilbench.render.guide import guide_page
from gilbench.render.watch_metrics import write_watch_metrics

RULES = next(
    block
    for block in re.findall(r"```yaml\n(.*?)```", guide_page("watching").text, re.DOTALL)
    if "gilbench-rules.yml" in block
)


def test_the_rules_name_metrics_that_a_watch_has() -> None:
    state = make_state(make_interval(), groups=(GroupTotals(name="worker-*"),))
    known = set(re.findall(r"^(gilbench_\w+)", write_watch_metrics(state), re.MULTILINE))
    rules = yaml.safe_load(RULES)["groups"][0]["rules"]
    for rule in rules:
        used = set(re.findall(r"gilbench_\w+", rule["expr"]))
        assert used
        assert used <= known
    assert len(rules) == 3


def test_promtool_accepts_the_rules(tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("no promtool, which is in Debian's package prometheus")
    path = tmp_path / "rules.yml"
    path.write_text(RULES)
    done = subprocess.run(
        [promtool, "check", "rules", str(path)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 rules found" in done.stdout
