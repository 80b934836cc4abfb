"""The GitHub action: its YAML, its shell, and that no input becomes a part of the shell's text."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from gilbench.cli.check import register
from gilbench.host.capture import capture

CI = Path(__file__).parents[2] / "ci"
ACTION = CI / "action/action.yml"
EXAMPLE = CI / "example-workflow.yml"
EVIL = "$(touch evil)`touch evil`\"; touch evil; '&& touch evil #"


def read(path: Path) -> dict[str, Any]:
    content = yaml.safe_load(path.read_text("utf-8"))
    assert isinstance(content, dict)
    return content


def steps() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = read(ACTION)["runs"]["steps"]
    return found


def test_the_action_is_composite_and_every_input_is_described_and_used() -> None:
    action = read(ACTION)
    assert action["runs"]["using"] == "composite"
    text = ACTION.read_text("utf-8")
    for described in action["inputs"].values():
        assert described["description"]
        assert isinstance(described["default"], str)
    assert set(re.findall(r"inputs\.([\w-]+)", text)) == set(action["inputs"])


def test_no_expression_stands_in_a_shell_script() -> None:
    for step in steps():
        assert step["shell"] == "bash"
        assert "${{" not in step["run"]
        assert all(value.startswith("${{ ") for value in step["env"].values())


@pytest.mark.parametrize("number", range(3))
def test_the_shell_is_well_formed(tmp_path: Path, number: int) -> None:
    script = tmp_path / "step.sh"
    script.write_text(steps()[number]["run"])
    done = capture(["bash", "-n", str(script)], seconds=10)
    assert (done.status, done.stderr) == (0, "")


def perform(
    folder: Path, given: dict[str, str], status: int = 0, verdict: str = "regressed"
) -> tuple[int, list[str], dict[str, str]]:
    """Run the step with a gilbench that only notes its arguments: exit status, arguments and outputs."""
    program = folder / "gilbench/bin/gilbench"
    program.parent.mkdir(parents=True)
    program.write_text(
        f"""#!/bin/sh
printf '%s\\0' "$@" >arguments
for one; do
    case $one in --output=*.json) printf '{{\\n  "verdict": "{verdict}",\\n}}\\n' >"${{one#--output=}}";; esac
done
exit {status}
"""
    )
    program.chmod(0o755)
    script = folder / "step.sh"
    script.write_text(steps()[1]["run"])
    empty = dict.fromkeys(steps()[1]["env"], "")
    environment = {
        "PATH": os.environ["PATH"],
        "RUNNER_TEMP": str(folder),
        "GITHUB_OUTPUT": str(folder / "outputs"),
        **empty,
        **given,
    }
    done = capture(["bash", str(script)], seconds=10, env=environment, cwd=folder)
    arguments = (folder / "arguments").read_text().split("\0")[:-1]
    outputs = dict(line.split("=", 1) for line in (folder / "outputs").read_text().splitlines())
    return done.status, arguments, outputs


def test_the_step_passes_what_is_given_and_nothing_else(tmp_path: Path) -> None:
    status, arguments, outputs = perform(
        tmp_path,
        {"PYTHON": "3.13t", "AGAINST": "3.13", "WORKLOAD": "tcp_*\r\n\ncount down\n", "STRICT": "true"},
        status=1,
    )
    folder = Path(outputs["folder"])
    assert (status, outputs["verdict"]) == (1, "regressed")
    assert arguments == [
        "check",
        "--format=github",
        f"--output={folder}/check.md",
        f"--output={folder}/check.xml",
        f"--output={folder}/check.json",
        "--python=3.13t",
        "--against=3.13",
        "--workload=tcp_*",
        "--workload=count down",
        "--strict",
        f"--output={folder}/study.jsonl",
    ]


@pytest.mark.parametrize("verdict", ["pass", "inconclusive", "no baseline"])
def test_the_verdict_is_an_output(tmp_path: Path, verdict: str) -> None:
    given = {"STUDY": "now.jsonl", "BASELINE": "history", "ALLOW_UNPAIRED": "true"}
    _, arguments, outputs = perform(tmp_path, given, verdict=verdict)
    assert outputs["verdict"] == verdict
    assert arguments[-3:] == ["--allow-unpaired", "--", "now.jsonl"]


def test_inputs_are_data(tmp_path: Path) -> None:
    given: dict[str, str] = {name: f"{EVIL} {name}" for name in steps()[1]["env"]}
    _, arguments, _ = perform(tmp_path, given)
    assert not list(tmp_path.rglob("evil"))
    assert arguments[-2:] == ["--", f"{EVIL} STUDY"]
    assert f"--workload={EVIL} WORKLOAD" in arguments
    assert f"--known-bad={EVIL} KNOWN_BAD" in arguments
    assert "--strict" not in arguments


def comment(folder: Path, existing: str, check: str = "# regressed\n") -> list[list[str]]:
    """Run the step that comments, with a gh that answers with the number of a comment: the calls of gh."""
    program = folder / "bin/gh"
    program.parent.mkdir(parents=True)
    program.write_text(
        f"""#!/bin/sh
for one; do printf '%s\\0' "$one"; done >>calls
echo >>calls
case "$*" in *--jq*) printf '{existing}';; esac
"""
    )
    program.chmod(0o755)
    (folder / "check.md").write_text(check)
    script = folder / "step.sh"
    script.write_text(steps()[2]["run"])
    environment = {
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "REPOSITORY": "owner/name",
        "NUMBER": "7",
        "NAME": f"threads/{EVIL}-->",
        "FOLDER": str(folder),
    }
    done = capture(["bash", str(script)], seconds=10, env=environment, cwd=folder)
    assert done.status == 0, done.stderr
    calls = folder / "calls"
    if not calls.exists():
        return []
    return [line.split("\0")[:-1] for line in calls.read_text().splitlines()]


@pytest.mark.parametrize(
    ("existing", "method", "place"),
    [
        ("", "POST", "repos/owner/name/issues/7/comments"),
        ("41\\n42\\n", "PATCH", "repos/owner/name/issues/comments/41"),
    ],
)
def test_a_pull_request_has_one_comment_that_is_updated(
    tmp_path: Path, existing: str, method: str, place: str
) -> None:
    looked, written = comment(tmp_path, existing)
    assert looked[:3] == ["api", "--paginate", "repos/owner/name/issues/7/comments"]
    assert {method, place, f"body=@{tmp_path}/comment.md"} <= set(written)
    first, rest = (tmp_path / "comment.md").read_text().split("\n", 1)
    assert re.fullmatch(r"<!-- gilbench check: threads/[\w ./-]* -->", first)
    assert first.count("-->") == 1
    assert rest == "# regressed\n"
    assert not list(tmp_path.rglob("evil"))


def test_a_check_that_could_not_run_leaves_no_comment(tmp_path: Path) -> None:
    assert comment(tmp_path, "", check="") == []


def test_the_options_that_the_step_passes_exist() -> None:
    app = typer.Typer()
    register(app)
    command = typer.main.get_command(app)
    script = steps()[1]["run"]
    passed = set(re.findall(r"(?:one|each) ([a-z-]+) \"\$", script)) | set(
        re.findall(r"--([a-z-]+)=?", script)
    )
    known = {option.removeprefix("--") for parameter in command.params for option in parameter.opts}
    assert passed - {""} <= known


def test_the_example_uses_the_action_as_it_is() -> None:
    workflow = read(EXAMPLE)
    assert workflow["permissions"] == {"contents": "read", "pull-requests": "write"}
    (job,) = workflow["jobs"].values()
    (step,) = [one for one in job["steps"] if one.get("uses", "").endswith("ci/action")]
    assert set(step["with"]) <= set(read(ACTION)["inputs"])
    assert {"python", "against"} <= set(step["with"])
    assert all("run" not in one for one in job["steps"])
