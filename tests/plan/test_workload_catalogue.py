from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gilbench.model.errors import UsageError
from gilbench.model.study import Workload
from gilbench.plan.catalogue import FAMILIES, catalogue, choose, read_declaration

GOOD = '"""Count down.\n\nMore of it."""\nWORKLOAD = {"driver": "parallel", "unit": "counts"}\n'


def written(folder: Path, text: str | bytes, name: str = "mine.py") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_a_declaration_is_read() -> None:
    found = catalogue()["countdown"]
    assert (found.family, found.driver, found.unit) == ("cpu", "parallel", "countdowns")
    assert found.summary == "Count an integer down to zero in pure Python: the classic of the GIL."
    assert found.parameters == {"start": 10000}
    assert Path(found.path).is_absolute()


def test_there_is_a_workload_of_every_family_and_whatever_computes_checks_its_work() -> None:
    found = catalogue().values()
    assert {one.family for one in found} >= {"cpu", "offgil", "io", "mixed", "signals", "shared"}
    assert {one.family for one in found} <= set(FAMILIES)
    assert [one.name for one in found if one.driver == "parallel" and one.checksum is None] == []


def test_a_file_is_read_and_not_run(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    effects = f"import nothing_of_this_name\nopen({str(trace)!r}, 'w')\nraise SystemExit(3)\n"
    path = written(tmp_path, GOOD + effects)
    assert read_declaration(path, "cpu").name == "mine"
    assert not trace.exists()


def test_another_text_is_another_digest(tmp_path: Path) -> None:
    one = read_declaration(written(tmp_path, GOOD, "one.py"), "cpu")
    same = read_declaration(written(tmp_path, GOOD, "same.py"), "cpu")
    other = read_declaration(written(tmp_path, GOOD + "# changed\n", "other.py"), "cpu")
    assert one.digest == same.digest != other.digest


def test_a_workload_that_serves_another_one_is_a_service(tmp_path: Path) -> None:
    text = '"""Echo."""\nWORKLOAD = {"foreground": "tcp_echo", "unit": "requests"}\n'
    assert read_declaration(written(tmp_path, text), "mixed").driver == "service"


BAD: dict[str, str | bytes] = {
    "no docstring": GOOD.partition('"""\n')[2],
    "an empty docstring": '"""   """\n' + GOOD.partition('"""\n')[2],
    "no declaration": '"""Words."""\n',
    "an empty file": "",
    "a call": '"""Words."""\nWORKLOAD = dict(driver="parallel", unit="x")\n',
    "a name": '"""Words."""\nWORKLOAD = {"driver": DRIVER, "unit": "x"}\n',
    "a comprehension": '"""Words."""\nWORKLOAD = {k: 1 for k in "ab"}\n',
    "a list": '"""Words."""\nWORKLOAD = ["parallel"]\n',
    "an unhashable key": '"""Words."""\nWORKLOAD = {[]: 1}\n',
    "a spread": '"""Words."""\nWORKLOAD = {**{"unit": "x"}}\n',
    "unknown field": GOOD.replace('"unit"', '"units"'),
    "a number for a field": GOOD.replace("{", "{1: 2, "),
    "unknown driver": GOOD.replace('"parallel"', '"quantum"'),
    "a missing field": GOOD.replace('"unit": "counts"', ""),
    "a wrong type": GOOD.replace('"counts"', "3"),
    "threads that are no numbers": GOOD.replace("{", '{"threads": ["one"], '),
    "a parameter that is a list": GOOD.replace("{", '{"parameters": {"a": [1]}, '),
    "a complex parameter": GOOD.replace("{", '{"parameters": {"a": 1j}, '),
    "a parameter in bytes": GOOD.replace("{", '{"parameters": {"a": b"x"}, '),
    "an annotated assignment": GOOD.replace("WORKLOAD =", "WORKLOAD: dict ="),
    "no Python": '"""Words."""\nWORKLOAD = {\n',
    "Python 2": '"""Words."""\nprint "x"\n',
    "deep nesting": '"""Words."""\nWORKLOAD = ' + "[" * 500 + "]" * 500 + "\n",
    "a long sum": '"""Words."""\nWORKLOAD = ' + "-" * 20000 + "1\n",
    "binary": bytes(range(256)),
    "a null byte": GOOD + "\0",
    "another encoding": GOOD.encode("utf-16"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD)
def test_a_file_that_declares_nothing_is_an_error_of_one_line_that_names_it(
    kind: str, tmp_path: Path
) -> None:
    path = written(tmp_path, BAD[kind], "bad.py")
    with pytest.raises(UsageError) as raised:
        read_declaration(path, "cpu")
    assert str(raised.value).startswith(str(path))
    assert "\n" not in str(raised.value)


def test_the_error_says_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"unknown fields; remove units"):
        read_declaration(written(tmp_path, BAD["unknown field"]), "cpu")
    with pytest.raises(UsageError, match=r"WORKLOAD = .* is missing"):
        read_declaration(written(tmp_path, BAD["no declaration"]), "cpu")
    with pytest.raises(UsageError, match="quantum"):
        read_declaration(written(tmp_path, BAD["unknown driver"]), "cpu")
    with pytest.raises(UsageError, match="No such file"):
        read_declaration(tmp_path / "absent.py", "cpu")


def test_a_catalogue_is_in_the_order_of_the_families_and_leaves_out_what_begins_with_an_underscore(
    tmp_path: Path,
) -> None:
    for name in ("shared/z.py", "cpu/b.py", "cpu/a.py", "cpu/_helper.py", "cpu/notes.txt", "other/c.py"):
        written(tmp_path, GOOD, name)
    assert list(catalogue(tmp_path)) == ["a", "b", "z"]


def test_one_bad_file_in_a_catalogue_is_named(tmp_path: Path) -> None:
    written(tmp_path, GOOD, "cpu/good.py")
    bad = written(tmp_path, "", "io/bad.py")
    with pytest.raises(UsageError, match=r"bad\.py") as raised:
        catalogue(tmp_path)
    assert str(bad) in str(raised.value)


@pytest.fixture
def four(tmp_path: Path) -> dict[str, Workload]:
    for name in ("cpu/count", "cpu/pi", "io/tcp_a", "io/tcp_b"):
        core = GOOD.replace("{", '{"core": True, ') if name in {"cpu/pi", "io/tcp_b"} else GOOD
        written(tmp_path, core, f"{name}.py")
    return dict(catalogue(tmp_path))


@pytest.mark.parametrize(
    ("names", "families", "chosen"),
    [
        ([], [], ["pi", "tcp_b"]),  # the core
        (["tcp_*"], [], ["tcp_a", "tcp_b"]),
        (["pi", "tcp_a"], [], ["pi", "tcp_a"]),
        ([], ["io", "cpu"], ["count", "pi", "tcp_a", "tcp_b"]),
        (["*"], ["io"], ["tcp_a", "tcp_b"]),
    ],
)
def test_workloads_are_chosen_by_pattern_and_family(
    four: dict[str, Workload], names: list[str], families: list[str], chosen: list[str]
) -> None:
    assert [one.name for one in choose(four, names, families)] == chosen


@pytest.mark.parametrize(
    ("names", "families", "said"),
    [
        (["cuont"], [], "no workload matches 'cuont'; did you mean count? see"),
        (["nothing"], [], "no workload matches 'nothing'; see: gilbench workloads list"),
        (["pi", "x*"], [], "no workload matches 'x"),
        ([], ["gpu"], "unknown family 'gpu'; use cpu, offgil"),
        (["pi"], ["io"], "no workload matches both --family and --workload"),
    ],
)
def test_a_choice_of_nothing_is_refused_with_what_there_is(
    four: dict[str, Workload], names: list[str], families: list[str], said: str
) -> None:
    with pytest.raises(UsageError) as raised:
        choose(four, names, families)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    "value", ["gilbench_other.deep.workloads", "gilbench_other.deep.workloads:x [extra]"]
)
@pytest.mark.parametrize("init", [True, False])
def test_workloads_of_a_package_are_read_without_running_any_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str, init: bool
) -> None:
    metadata, folder = (
        tmp_path / "gilbench_other-1.dist-info",
        tmp_path / "gilbench_other" / "deep" / "workloads",
    )
    for place in (metadata, folder / "cpu"):
        place.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: gilbench-other\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text(f"[gilbench.workloads]\nother = {value}\n")
    (folder / "cpu" / "mine.py").write_text(GOOD)
    for place in (folder, folder.parent, folder.parent.parent) if init else (folder.parent.parent,):
        (place / "__init__.py").write_text(f"open({str(tmp_path / 'imported')!r}, 'w')\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert catalogue()["mine"].path == str((folder / "cpu" / "mine.py").resolve())
    assert not (tmp_path / "imported").exists()
    assert not [name for name in sys.modules if name.startswith("gilbench_other")]
