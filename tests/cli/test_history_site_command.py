"""``gilbench history site``: what it writes, rewrites, and refuses."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from tracked import database, values

from gilbench.cli import run
from gilbench.store.history import History

COMMITS = ("--commit-url", "https://example.com/{commit}")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A history in which one of two workloads regressed."""
    return database(tmp_path / "h.sqlite", {"worse": values(40, (20, 0.9)), "steady": values(40, seed=2)})


def stamps(folder: Path) -> dict[str, tuple[int, int]]:
    found = {path.relative_to(folder).as_posix(): path.stat() for path in folder.rglob("*") if path.is_file()}
    return {name: (status.st_ino, status.st_mtime_ns) for name, status in found.items()}


def test_it_writes_all_files_and_says_what_it_found(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "site"
    assert run(["history", "site", str(folder), "--database", str(path), *COMMITS]) == 0
    said = capsys.readouterr().out
    assert said == (f"wrote {folder / 'index.html'}: 1 regression in 2 series (7 files written, 0 removed)\n")
    files = set(stamps(folder))
    assert {name for name in files if not name.startswith("series/")} == {
        "index.html",
        "feed.xml",
        "site.json",
        "badges/gilbench.svg",
        "badges/worse.svg",
        "badges/steady.svg",
    }
    assert len(files) == 8


def test_the_site_judges_as_detect_does(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["history", "site", str(tmp_path / "site"), "--database", str(path), *COMMITS]) == 0
    capsys.readouterr()
    assert run(["history", "detect", "--database", str(path), "-f", "json"]) == 0
    (change,) = json.loads(capsys.readouterr().out)["changes"]
    (page,) = (tmp_path / "site" / "series").glob("worse-*")
    for commit in (change["last_good"], change["likely"], change["first_changed"]):
        assert f'href="https://example.com/{commit}"' in page.read_text("utf-8")
    feed = ET.parse(tmp_path / "site" / "feed.xml")  # noqa: S314 - written by this process
    (entry,) = feed.getroot().iter("{http://www.w3.org/2005/Atom}entry")
    title = entry.findtext("{http://www.w3.org/2005/Atom}title") or ""
    assert title.startswith(f"{change['verdict']}: {100 * (change['ratio'] - 1):+.1f}%")


def test_a_second_run_writes_nothing_and_a_new_study_only_the_pages_that_it_changes(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["history", "site", str(tmp_path / "site"), "--database", str(path)]
    assert run(words) == 0
    before = stamps(tmp_path / "site")
    assert run(words) == 0
    assert "(0 files written, 0 removed)" in capsys.readouterr().out
    assert stamps(tmp_path / "site") == before
    database(path, {"worse": [*values(40, (20, 0.9)), 0.9], "steady": values(40, seed=2)})
    assert run(words) == 0
    after = stamps(tmp_path / "site")
    changed = {name.partition("-")[0] for name in after if after[name] != before[name]}
    assert changed == {"index.html", "site.json", "series/worse"}


def test_pages_of_series_that_are_not_wanted_any_more_are_removed(path: Path, tmp_path: Path) -> None:
    words = ["history", "site", str(tmp_path / "site"), "--database", str(path)]
    assert run(words) == 0
    assert run([*words, "--workload", "steady"]) == 0
    left = set(stamps(tmp_path / "site"))
    assert not [name for name in left if "worse" in name]
    assert len(left) == 6


def test_all_metrics_are_shown_where_all_are_wanted(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with History(path) as history:
        (one, _) = history.series()
    assert one.metric == "relative"
    words = ["--database", str(path), "--metric", "all"]
    assert run(["history", "site", str(tmp_path / "site"), *words]) == 0
    assert "in 2 series" in capsys.readouterr().out
    assert run(["history", "detect", *words]) == 0
    assert "1 change in 2 series" in capsys.readouterr().out


def test_a_list_of_known_regressions_accepts_them(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    known = tmp_path / "known.toml"
    known.write_text('[[known]]\nworkload = "worse"\nreason = "issue 17"\n', "utf-8")
    words = ["--database", str(path), "--known-bad", str(known)]
    assert run(["history", "site", str(tmp_path / "site"), *words]) == 0
    assert "No regression in 2 series" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--commit-url", "javascript:{commit}"], "--commit-url"),
        (["--commit-url", "https://example.com"], "has no {commit}"),
        (["--base-url", "ftp://example.com"], "--base-url"),
        (["--workload", "nothing"], "Use steady, worse"),
        (["--last", "0"], "--last"),
        (["--known-bad", "absent.toml"], "cannot read absent.toml"),
    ],
)
def test_wrong_options_are_refused_before_anything_is_written(
    words: list[str], said: str, path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["history", "site", str(tmp_path / "site"), "--database", str(path), *words]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "site").exists()


def test_a_folder_of_someone_else_is_refused(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["history", "site", str(tmp_path), "--database", str(path)]) == 2
    assert "holds other things, such as h.sqlite; choose a new or empty folder" in capsys.readouterr().err
    assert [one.name for one in tmp_path.iterdir()] == ["h.sqlite"]
