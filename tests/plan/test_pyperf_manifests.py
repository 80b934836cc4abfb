"""Scripts and manifests that --pyperf names."""

from __future__ import annotations

from pathlib import Path

import pytest

from gilbench.model.errors import UsageError
from gilbench.plan.pyperf_scripts import find_scripts

MANIFEST = """
[benchmarks]

name	metafile
nbody	<local>
tree	<local>
tree_io	<local:tree>  # a variant
other	elsewhere/some.toml

[group default]
nbody
"""


def write(path: Path, text: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "MANIFEST", MANIFEST)
    tool = "[tool.pyperformance]\n"
    write(
        tmp_path / "bm_nbody/pyproject.toml", f'[project]\nrequires-python = ">=3.8"\n{tool}name = "nbody"\n'
    )
    write(
        tmp_path / "bm_tree/pyproject.toml",
        f'[project]\nrequires-python = ">=3.8"\n{tool}extra_opts = ["none"]\n',
    )
    write(
        tmp_path / "bm_tree/bm_tree_io.toml",
        f'[project]\nrequires-python = ">=3.12"\n{tool}extra_opts = ["io", "--tg"]\n',
    )
    write(tmp_path / "elsewhere/some.toml", f'{tool}runscript = "other.py"\n')
    for script in ("bm_nbody/run_benchmark.py", "bm_tree/run_benchmark.py", "elsewhere/other.py"):
        write(tmp_path / script)
    return tmp_path


def test_a_manifest_names_scripts_and_their_options(folder: Path) -> None:
    found = [
        (one.entry, str(one.path.relative_to(folder)), one.arguments, one.requires)
        for one in find_scripts(str(folder / "MANIFEST"))
    ]
    assert found == [
        ("nbody", "bm_nbody/run_benchmark.py", (), ("python>=3.8",)),
        ("tree", "bm_tree/run_benchmark.py", ("none",), ("python>=3.8",)),
        ("tree_io", "bm_tree/run_benchmark.py", ("io", "--tg"), ("python>=3.12",)),
        ("other", "elsewhere/other.py", (), ()),
    ]


def test_a_folder_stands_for_the_manifest_or_the_script_in_it(folder: Path, tmp_path: Path) -> None:
    assert find_scripts(str(folder)) == find_scripts(str(folder / "MANIFEST"))
    assert [one.path.name for one in find_scripts(str(folder / "bm_nbody"))] == ["run_benchmark.py"]
    write(tmp_path / "pyperformance/data-files/benchmarks/MANIFEST", "[benchmarks]\nnbody bm_nbody/x.toml\n")
    with pytest.raises(UsageError, match=r"x.toml: No such file or directory; it is named in the MANIFEST"):
        find_scripts(str(tmp_path / "pyperformance"))


def test_arguments_may_follow_a_script_and_spaces_in_an_existing_path_are_its_own(tmp_path: Path) -> None:
    write(tmp_path / "my bench.py")
    write(tmp_path / "bench.py")
    (script,) = find_scripts(f"{tmp_path}/bench.py --size '1 2'")
    assert script.arguments == ("--size", "1 2")
    (script,) = find_scripts(f"{tmp_path}/my bench.py")
    assert (script.path.name, script.arguments) == ("my bench.py", ())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no .benchmarks."),
        ("[benchmarks]\none two three\n", "'one two three' is not a name and a metafile"),
        ("[benchmarks]\none <local>\n", "cannot read .*bm_one/pyproject.toml"),
    ],
)
def test_a_manifest_that_cannot_be_used_is_told(tmp_path: Path, text: str, said: str) -> None:
    write(tmp_path / "MANIFEST", text)
    with pytest.raises(UsageError, match=said):
        find_scripts(str(tmp_path))


def test_a_metafile_that_is_not_toml_is_told(folder: Path) -> None:
    write(folder / "bm_tree/pyproject.toml", "[")
    with pytest.raises(UsageError, match=r"bm_tree/pyproject.toml is not TOML"):
        find_scripts(str(folder))


@pytest.mark.parametrize("given", ["", "'", "absent.py", "."])
def test_a_name_without_a_file_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="--pyperf"):
        find_scripts(given)
