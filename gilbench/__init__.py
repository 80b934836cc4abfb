"""Benchmark and profile the CPython GIL, from Python.

Every use case of the command line is a function here, and returns frozen values. Nothing is printed. ``import
gilbench`` imports a use case only when it is used.

>>> import gilbench
>>> request = gilbench.MeasureRequest(python=("3",), workload=("countdown",), threads="1,2")
>>> measured = gilbench.measure(request, output=folder / "study.jsonl")
>>> report = gilbench.report(measured.study)
>>> sorted({cell.metric for cell in report.cells} & {"speedup", "throughput"})
['speedup', 'throughput']
>>> gilbench.read(measured.path) == measured.study
True

``compare`` finds which interpreter is faster, ``profile`` finds which threads hold a program's GIL, and ``scorecard``
tests claims about the GIL. ``write`` writes a result in any format of the command line:

>>> import io
>>> text = io.StringIO()
>>> gilbench.write(report, "markdown", text)
>>> "countdown" in text.getvalue()
True

In a notebook, results show themselves as pages with charts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gilbench.version import __version__ as __version__

if TYPE_CHECKING:
    from types import ModuleType

    from gilbench.model.calls import OwnCall as OwnCall
    from gilbench.model.errors import GilbenchError as GilbenchError
    from gilbench.model.printed import PrintedResults as PrintedResults
    from gilbench.model.releases import Releases as Releases
    from gilbench.model.scaling import Scaling as Scaling
    from gilbench.render.formats import write as write
    from gilbench.work.attached import BlockProfile as BlockProfile
    from gilbench.work.attached import profiling as profiling
    from gilbench.work.compare import Limits as Limits
    from gilbench.work.compare import compare as compare
    from gilbench.work.listener import Listener as Listener
    from gilbench.work.listener import ProfileListener as ProfileListener
    from gilbench.work.measure import Measured as Measured
    from gilbench.work.measure import measure as measure
    from gilbench.work.planning import MeasureRequest as MeasureRequest
    from gilbench.work.profile import Profiled as Profiled
    from gilbench.work.profile import ProfileRequest as ProfileRequest
    from gilbench.work.profile import profile as profile
    from gilbench.work.read import read as read
    from gilbench.work.read import report as report
    from gilbench.work.releases import releases as releases
    from gilbench.work.scaling import Scaled as Scaled
    from gilbench.work.scaling import scales as scales
    from gilbench.work.scorecard import Scored as Scored
    from gilbench.work.scorecard import scorecard as scorecard

# Module of each name, imported on first use.
_PLACES = {
    "BlockProfile": "work.attached",
    "OwnCall": "model.calls",
    "GilbenchError": "model.errors",
    "Limits": "work.compare",
    "Listener": "work.listener",
    "MeasureRequest": "work.planning",
    "Measured": "work.measure",
    "ProfileListener": "work.listener",
    "ProfileRequest": "work.profile",
    "PrintedResults": "model.printed",
    "Profiled": "work.profile",
    "Releases": "model.releases",
    "Scaled": "work.scaling",
    "Scaling": "model.scaling",
    "Scored": "work.scorecard",
    "compare": "work.compare",
    "measure": "work.measure",
    "profile": "work.profile",
    "profiling": "work.attached",
    "read": "work.read",
    "report": "work.read",
    "releases": "work.releases",
    "scales": "work.scaling",
    "scorecard": "work.scorecard",
    "write": "render.formats",
}
# Results of use cases, and the field that each shows in a notebook.
_HOLDERS = {"Measured": "study", "Profiled": "profile", "Scored": "card"}
__all__ = [*_PLACES]  # noqa: PLE0604 - all of them are names


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib  # noqa: PLC0415 - not needed by ``import gilbench``

    module = importlib.import_module(f"gilbench.{_PLACES[name]}")
    globals()[name] = getattr(module, name)
    _let_show(module)
    return globals()[name]


def _let_show(module: ModuleType) -> None:
    """Let the results of a module show themselves in a notebook."""
    from gilbench.render.notebook import teach_holder, teach_results  # noqa: PLC0415 - likewise

    teach_results()
    for name, field in _HOLDERS.items():
        if _PLACES[name] == module.__name__.removeprefix("gilbench."):
            teach_holder(getattr(module, name), field)


def __dir__() -> list[str]:
    return sorted({*globals(), *_PLACES})
