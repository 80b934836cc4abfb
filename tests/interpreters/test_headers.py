from __future__ import annotations

from pathlib import Path

import pytest

from gilbench.interpreters.headers import conditional_lines, count_headers
from gilbench.model.scores import HeaderLines


@pytest.mark.parametrize(
    ("text", "lines", "conditional"),
    [
        ("int a;\nint b;\n", 2, 0),
        ("#ifdef Py_GIL_DISABLED\nint a;\n#endif\nint b;\n", 4, 3),
        ("#ifndef Py_GIL_DISABLED\nint a;\n#else\nint b;\n#endif\n", 5, 5),
        ("#if defined(X) && defined(Py_GIL_DISABLED)\nint a;\n#endif\n", 3, 3),
        ("#ifdef Py_GIL_DISABLED\n#if X\nint a;\n#endif\n#endif\nint b;\n", 6, 5),
        ("#if X\nint a;\n#elif defined(Py_GIL_DISABLED)\nint b;\n#endif\n", 5, 3),
        ("#ifdef Py_GIL_DISABLED_TOO\nint a;\n#endif\n", 3, 0),
        ("// #ifdef Py_GIL_DISABLED\nint a;\n", 1, 0),
        ("/* one\n#ifdef Py_GIL_DISABLED\n*/\nint a;\n\n", 1, 0),
        ("#if defined(X) || \\\n    defined(Py_GIL_DISABLED)\nint a;\n#endif\n", 4, 4),
        ("#ifdef Py_GIL_DISABLED\n#define A \\\n  1\n#endif\nint b;\n", 5, 4),
        ("#endif\n#else\nint a;\n", 3, 0),
        ("", 0, 0),
    ],
)
def test_lines_below_a_condition_on_the_macro_are_counted(text: str, lines: int, conditional: int) -> None:
    assert conditional_lines(text) == (lines, conditional)


def test_internal_headers_and_what_configure_writes_are_left_out(tmp_path: Path) -> None:
    body = "#ifdef Py_GIL_DISABLED\nint a;\n#endif\n"
    for name in ("Python.h", "pyconfig.h", "cpython/object.h", "internal/pycore.h"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(body if "/" in name else "int a;\n")
    assert count_headers(tmp_path) == HeaderLines(lines=4, conditional=3, files=2, conditional_files=1)


def test_a_folder_without_python_h_has_no_headers(tmp_path: Path) -> None:
    assert count_headers(tmp_path) is None
    assert count_headers(tmp_path / "absent") is None
