from __future__ import annotations

import platform
import shutil
import subprocess
from pathlib import Path

import pytest
from interpreters_fixture import absent

from gilbench.interpreters.calls import reaches
from gilbench.interpreters.image import Image

SOURCE = """
volatile int word;
__attribute__((noinline)) static void inner(int by) { word += by; __asm__ volatile(""); }
__attribute__((noinline)) static void middle(int by) { inner(by); word = 2; }
void calls(void) { inner(1); word = 1; }
void calls_at_its_end(void) { word = 1; inner(2); }
void calls_through(void) { middle(1); word = 3; }
void has_a_copy(void) { word += 4; }
int main(void) { calls(); calls_at_its_end(); calls_through(); has_a_copy(); return 0; }
"""


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    if platform.machine() != "x86_64":
        pytest.skip("machine code is read on x86-64 only")
    if shutil.which("gcc") is None:
        absent("no gcc")
    folder = tmp_path_factory.mktemp("calls")
    (folder / "program.c").write_text(SOURCE)
    subprocess.run(["gcc", "-O2", "-o", folder / "program", folder / "program.c"], check=True)
    return Image(Path(folder / "program"))


@pytest.mark.parametrize("start", ["calls", "calls_at_its_end", "calls_through"])
def test_a_function_that_is_called_is_reached(image: Image, start: str) -> None:
    assert reaches(image, image, start, ("inner",))


def test_a_function_that_was_inlined_is_not_reached(image: Image) -> None:
    assert not reaches(image, image, "has_a_copy", ("inner",))


def test_calls_are_followed_so_far_and_no_further(image: Image) -> None:
    assert not reaches(image, image, "calls_through", ("inner",), depth=1)
    assert reaches(image, image, "calls_through", ("inner",), depth=2)
