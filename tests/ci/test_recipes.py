"""The recipes for CI services: valid by the schemas of the services, and with options that exist."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
import typer
import yaml

from gilbench.cli import run
from gilbench.cli.check import register
from gilbench.host.capture import capture
from gilbench.render.formats import format_of

ROOT = Path(__file__).parents[2]
GITLAB = ROOT / "ci/recipes/gitlab-ci.yml"
JENKINS = ROOT / "ci/recipes/Jenkinsfile"
SCHEMAS = {
    "github-actions": ROOT / "ci/action/action.yml",
    "github-workflows": ROOT / "ci/example-workflow.yml",
    "gitlab-ci": GITLAB,
}


def held_to(schema: str, path: Path) -> tuple[int, str]:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", str(path)]
    done = capture(command, seconds=60)
    return done.status, done.stdout + done.stderr


@pytest.mark.parametrize(("schema", "path"), SCHEMAS.items())
def test_a_recipe_is_valid_by_the_schema_of_its_service(schema: str, path: Path) -> None:
    status, said = held_to(schema, path)
    assert status == 0, said


def test_a_wrong_recipe_is_not_valid(tmp_path: Path) -> None:
    recipe = tmp_path / "gitlab-ci.yml"
    recipe.write_text(GITLAB.read_text("utf-8").replace("codequality: check", "codequalities: check"))
    assert held_to("gitlab-ci", recipe)[0] == 1


@pytest.mark.parametrize("path", [GITLAB, JENKINS], ids=lambda path: path.name)
def test_a_recipe_calls_check_with_options_and_formats_that_exist(path: Path) -> None:
    app = typer.Typer()
    register(app)
    known = {option for parameter in typer.main.get_command(app).params for option in parameter.opts}
    (called,) = re.findall(r"gilbench check (.*?study\.jsonl)", path.read_text("utf-8"), re.DOTALL)
    assert set(re.findall(r"(?<!\S)--?[a-z][a-z-]*", called)) <= known
    reports = set(re.findall(r"-o (\S+)", called)) - {"study.jsonl"}
    assert {format_of(Path(name), "Check") for name in reports} >= {"json", "markdown", "junit"}
    named = set(re.findall(r"check\.[a-z.]+\b", path.read_text("utf-8")))
    assert named - {"check."} <= reports


def test_the_jenkinsfile_is_a_declarative_pipeline_with_balanced_parts() -> None:
    text = re.sub(r"//[^\n]*", "", JENKINS.read_text("utf-8"))
    text = re.sub(r"'''.*?'''|'[^'\n]*'", "", text, flags=re.DOTALL)
    assert text.lstrip().startswith("pipeline {")
    assert text.count("{") == text.count("}")
    for part in ("agent", "stages", "steps", "post"):
        assert re.search(rf"\b{part}\b", text)


def test_the_hook_refuses_a_wrong_list_of_known_regressions(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    assert {"id", "name", "entry", "language", "files"} <= hook.keys()
    program, *arguments = hook["entry"].split()
    assert program == "gilbench"
    good, bad = tmp_path / "known-bad.toml", tmp_path / "known_bad_2.toml"
    good.write_text('[[known]]\nworkload = "countdown"\nreason = "issue 17"\n')
    bad.write_text('[[known]]\nworkload = "countdown"\n')
    for path in (good, bad):
        assert re.search(hook["files"], path.name)
    assert run([*arguments, str(good)]) == 0
    assert capsys.readouterr() == ("", "")
    assert run([*arguments, str(good), str(bad), str(tmp_path / "gone.toml")]) == 2
    said = capsys.readouterr().err
    assert f"{bad} is not a list of known regressions" in said
    assert "gone.toml" in said
