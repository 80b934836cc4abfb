"""Says which gilbench a process is: its version, and a digest of its sources and its workloads."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator
from pathlib import Path

from gilbench.plan.catalogue import catalogue_folder
from gilbench.version import __version__
from gilbench.work.fleet.messages import Software

_PACKAGE = Path(__file__).parent.parent.parent
_DIGITS = 12


@functools.cache
def own_software() -> Software:
    """Return the software of this process, as its files are now."""
    digest = hashlib.sha256()
    for name, path in sorted(_sources()):
        content = path.read_bytes()
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return Software(version=__version__, digest=digest.hexdigest()[:_DIGITS])


def _sources() -> Iterator[tuple[str, Path]]:
    """Yield the name and the path of each source file. In a wheel, the workloads are inside the package."""
    workloads = catalogue_folder()
    for root, prefix in ((_PACKAGE, "gilbench"), (workloads, "workloads")):
        for path in root.rglob("*.py"):
            if root == workloads or workloads not in path.parents:
                yield f"{prefix}/{path.relative_to(root).as_posix()}", path
