"""The wheel and the source distribution: complete, and usable in an environment that has nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from gilbench.model.documents import DOCUMENTS
from gilbench.plan.catalogue import catalogue
from gilbench.render.guide import TOPICS
from gilbench.version import __version__

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both distributions; the wheel is built from the sdist, as a downloader would."""
    folder = tmp_path_factory.mktemp("dist")
    done = subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return folder


def test_the_wheel_has_the_schemas_the_guide_and_the_workloads_and_nothing_at_the_top(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.partition("/")[0] for name in names} == {"gilbench", f"gilbench-{__version__}.dist-info"}
    assert {f"gilbench/schemas/{name}.json" for name in DOCUMENTS} <= {*names}
    assert any(name.startswith("gilbench/_workloads/cpu/") for name in names)
    assert {"gilbench/guide/page.html", *(f"gilbench/guide/{topic}.md" for topic in TOPICS)} <= {*names}


def test_the_sdist_has_what_builds_and_tests_it(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE", "workloads/cpu/countdown.py"} <= names
    assert {"tests/ci/test_install.py", "ci/schemas.py", "gilbench/schemas/check.json"} <= names


def test_the_wheel_works_in_a_clean_environment(built: Path, tmp_path: Path) -> None:
    """Its dependencies are those of the test's environment, which were installed by the same metadata."""
    (wheel,) = built.glob("*.whl")
    python = tmp_path / "venv/bin/python"
    packages = next(path for path in sys.path if path.endswith("site-packages"))

    def call(*command: str | Path) -> str:
        done = subprocess.run(
            [str(word) for word in command],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            timeout=120,
            env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "COLUMNS": "80"},
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    uv = (sys.executable, "-m", "uv")
    call(*uv, "venv", "--quiet", "--offline", "--python", sys.executable, tmp_path / "venv")
    call(*uv, "pip", "install", "--quiet", "--offline", "--no-deps", "--python", python, wheel)
    (own,) = tmp_path.glob("venv/lib/python3*/site-packages")
    own.joinpath("dependencies.pth").write_text(f"{packages}\n")
    gilbench = tmp_path / "venv/bin/gilbench"
    where = call(python, "-c", "import gilbench; print(gilbench.__file__)")
    assert Path(where.strip()).is_relative_to(own)
    assert call(gilbench, "--version") == f"gilbench {__version__}\n"
    listed = json.loads(call(gilbench, "workloads", "list", "--format", "json"))
    assert {one["name"] for one in listed["workloads"]} == set(catalogue())
    assert json.loads(call(gilbench, "pythons", "list", "--format", "json"))["interpreters"]
    assert json.loads(call(gilbench, "schema", "check"))["title"] == "gilbench check"
    assert call(gilbench, "guide", "ci").startswith("# CI without false alarms\n")
    assert call(gilbench, "guide", "--site", "site") == "wrote site/index.html\n"
