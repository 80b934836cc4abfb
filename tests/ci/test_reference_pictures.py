"""The committed pictures: what the script makes of the committed studies, and shown where the documentation says."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import pytest
from drawings import elements
from printed import PAGES, README, ROOT

SCRIPT = runpy.run_path(str(ROOT / "ci/reference_pictures.py"))
PICTURES: tuple[Any, ...] = SCRIPT["PICTURES"]
REFERENCE: Path = SCRIPT["REFERENCE"]
GUIDE: Path = SCRIPT["GUIDE"]
SHOWN = re.compile(r"^!\[([^\]]+)\]\(([^)]+)\)$", re.MULTILINE)


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_a_committed_picture_is_that_of_the_committed_study(picture: Any, tmp_path: Path) -> None:
    made = elements(SCRIPT["draw"](picture, tmp_path).read_text("utf-8"))
    places = [REFERENCE, *([GUIDE] if picture.in_guide else [])]
    for place in places:
        committed = elements((place / picture.name).read_text("utf-8"))
        assert committed == made, "python ci/reference_pictures.py draws it again"


def test_no_other_picture_is_committed() -> None:
    assert {path.name for path in REFERENCE.glob("*.svg")} == {picture.name for picture in PICTURES}
    assert {path.name for path in GUIDE.iterdir()} == {one.name for one in PICTURES if one.in_guide}


def test_each_picture_of_the_guide_is_shown_and_described() -> None:
    shown = [found for page in PAGES if page != README for found in SHOWN.findall(page.read_text("utf-8"))]
    assert {path for _, path in shown} == {f"{GUIDE.name}/{path.name}" for path in GUIDE.iterdir()}
    assert all(len(text) > 40 for text, _ in shown)


def test_the_picture_of_the_readme_is_described() -> None:
    ((text, path),) = SHOWN.findall(README.read_text("utf-8"))
    assert (ROOT / path).is_relative_to(REFERENCE)
    assert len(text) > 40
