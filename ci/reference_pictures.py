"""Draws the pictures of the README and the guide from studies in the repository: ``python ci/reference_pictures.py``.

Each picture is what ``gilbench report STUDY -o PICTURE --chart NAME`` writes. All are in ``reports/reference/``. Those
of the guide are in its folder, too, so that they are part of the package.
"""

from __future__ import annotations

import contextlib
import io
import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple

from gilbench.cli import run

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "reports/reference"
GUIDE = ROOT / "gilbench/guide/pictures"


class Picture(NamedTuple):
    """A picture, and the command that draws it without its output."""

    study: str  # file in ``reports/reference``
    chart: str
    command: tuple[str, ...] = ("report",)
    in_guide: bool = False

    @property
    def name(self) -> str:
        """Its file name."""
        return f"{self.study.partition('.')[0]}-{self.chart}.svg"


PICTURES = (
    Picture("quick.jsonl", "scaling-cpu", in_guide=True),
    Picture("quick.jsonl", "latency-io", in_guide=True),
    Picture("quick.jsonl", "kept"),
    Picture("quick.jsonl", "one-thread"),
    Picture("newest.jsonl", "scaling-cpu", in_guide=True),
    Picture("scorecard.jsonl", "claims", ("scorecard", "--quiet", "--study"), in_guide=True),
    Picture("newest_profile.json", "threads", in_guide=True),
)


def draw(picture: Picture, folder: Path) -> Path:
    """Draw a picture into a folder."""
    path = folder / picture.name
    study = str(REFERENCE / picture.study)
    with contextlib.redirect_stdout(io.StringIO()):  # the report, which is also printed
        status = run([*picture.command, study, "-o", str(path), "--chart", picture.chart])
    if status:
        raise SystemExit(status)
    return path


def main() -> None:
    """Write the pictures, and remove those that are gone."""
    GUIDE.mkdir(exist_ok=True)
    for path in (*REFERENCE.glob("*.svg"), *GUIDE.glob("*.svg")):
        path.unlink()
    with tempfile.TemporaryDirectory() as folder:
        for picture in PICTURES:
            made = draw(picture, Path(folder))
            for place in (REFERENCE, *([GUIDE] if picture.in_guide else [])):
                shutil.copy(made, place / picture.name)


if __name__ == "__main__":
    main()
