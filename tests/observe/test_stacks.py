from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from gilbench.observe.stacks import read_stacks, shares

FRAMES = (
    ("thread (4656): fill-0", "", 0),
    ("thread (4657): fill-1", "", 0),
    ("thread (0x7F05E5A6C6C0)", "", 0),
    ("Thread.run", "threading.py", 975),
    ("fill", "shared.py", 9),
    ("serve", "app.py", 3),
)
SAMPLES = {(0, 3, 4): 89, (1, 3, 4): 98, (2, 5): 13}


def recorded(
    frames: Sequence[tuple[str, str, int]] = FRAMES, samples: Mapping[tuple[int, ...], int] = SAMPLES
) -> bytes:
    """What py-spy writes of these samples."""
    return json.dumps(
        {
            "shared": {"frames": [{"name": name, "file": file, "line": line} for name, file, line in frames]},
            "profiles": [
                {"type": "sampled", "samples": [numbers] * count, "weights": [0.005] * count}
                for numbers, count in samples.items()
            ],
        }
    ).encode()


def test_samples_are_told_by_thread_with_number_and_name() -> None:
    stacks = read_stacks(recorded())
    assert [(stack.tid, stack.thread, stack.samples) for stack in stacks] == [
        (4656, "fill-0", 89),
        (4657, "fill-1", 98),
        (None, "thread (0x7F05E5A6C6C0)", 13),
    ]
    assert stacks[0].frames == ("Thread.run (threading.py:975)", "fill (shared.py:9)")


def test_no_name_is_a_sample_of_its_own_and_none_is_lost() -> None:
    odd = "x 100\nthread (1): y;z (a.py:1) 77"
    frames = ((f"thread (7): {odd}", "", 0), (odd, odd, 4), (odd, "", 0))
    first, second = read_stacks(recorded(frames, {(0, 1, 2): 3, (0,): 2}))
    assert (first.tid, first.thread, first.samples) == (7, odd, 3)
    assert first.frames == (f"{odd} ({odd}:4)", odd)
    assert (second.samples, second.frames) == (2, ("no function of Python's",))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"thread (1);f (a.py:1) 3",
        recorded(samples={(0, 9): 1}),
        recorded((("f", "", 0),), {(0,): 1}),
    ],
)
def test_what_is_no_sample_is_an_error(content: bytes) -> None:
    with pytest.raises((ValueError, LookupError)):
        read_stacks(content)


def test_a_file_is_named_from_its_package_on(tmp_path: Path) -> None:
    package = tmp_path / "here" / "package" / "inner"
    package.mkdir(parents=True)
    for folder in (package, package.parent):
        (folder / "__init__.py").touch()
    frames = (("thread (1): a", "", 0), ("f", str(package / "x.py"), 3), ("g", "<string>", 1))
    (stack,) = read_stacks(recorded(frames, {(0, 1, 2): 1}))
    assert stack.frames == ("f (package/inner/x.py:3)", "g (<string>:1)")


def test_shares_are_of_the_samples_that_were_due() -> None:
    reading = shares(read_stacks(recorded()), 400)
    assert reading.figures["gil_held"] == 0.5
    assert [(share.name, share.value) for share in reading.functions] == [
        ("fill (shared.py:9)", 187 / 400),
        ("serve (app.py:3)", 13 / 400),
    ]
    assert shares((), 0).unavailable is not None


def test_samples_of_a_child_have_its_process() -> None:
    frames = (*FRAMES, ('process 70:"python app.py"', "", 0), ('process 71:"python \\"app\\".py"', "", 0))
    own, child = read_stacks(recorded(frames, {(0, 3): 1, (6, 7, 1, 4): 2}))
    assert (own.pid, own.tid) == (None, 4656)
    assert (child.pid, child.tid, child.thread, child.samples) == (71, 4657, "fill-1", 2)
    assert child.frames == ("fill (shared.py:9)",)
    with pytest.raises(ValueError, match="is no thread"):
        read_stacks(recorded(frames, {(6,): 1}))
