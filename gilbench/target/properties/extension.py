"""A C extension: how it would be compiled for this interpreter, and whether it works."""

import importlib
import platform
import sys

import sysconfig


def toolchain():
    """What compiles an extension; None where the interpreter does not say."""
    return {
        "include": sysconfig.get_path("include"),
        "platinclude": sysconfig.get_path("platinclude"),
        "compiler": sysconfig.get_config_var("CC"),
        "suffix": sysconfig.get_config_var("EXT_SUFFIX") or sysconfig.get_config_var("SO"),
        "python": platform.python_implementation(),
    }


def works(folder, module):
    """Import the extension and call it on what would crash if it counted references wrongly."""
    sys.path.insert(0, folder)
    extension = importlib.import_module(module)
    words = ["a", "longer", "no", "b" * 7]
    checks = [
        extension.longest(words) is words[3],
        extension.longest([]) is None,
        extension.reversed_copy(words) == words[::-1],
        extension.lookup({"a": words}, "a") is words,
        extension.lookup({}, "a") is None,
    ]
    for _ in range(10000):  # a reference too few ends in a crash, here
        extension.reversed_copy([extension.longest(words), extension.lookup({"a": words}, "a")])
    return {"checks": len(checks), "passed": sum(checks)}
