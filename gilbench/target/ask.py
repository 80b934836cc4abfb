"""Run by an interpreter that is asked what it is: prints one marked line of JSON.

One source for Python 2.7 to today, PyPy, Jython, IronPython, Stackless and GraalPy; the standard library only. What an
interpreter cannot say is null. The line is marked, because a sitecustomize may print what it likes beside it.
"""

import json
import os
import platform
import re
import shlex
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
if HERE not in sys.path:  # with -I and -P
    sys.path.insert(0, HERE)

from compiling import jit_enabled, jit_kind

try:
    import sysconfig
except ImportError:  # an interpreter that has no notion of its build
    sysconfig = None

MARK = "gilbench-answer:"  # probe.py looks for it
MOST_FILES = 2000  # the limit of probe.py
STRANGE = re.compile(r"[\x00-\x1f\x7f]| \(deleted\)$")  # probe.py rejects control characters
FLAG_VARIABLES = (
    "CFLAGS",
    "CFLAGS_NODIST",
    "PY_CFLAGS_NODIST",
    "PY_CORE_CFLAGS",
    "LDFLAGS_NODIST",
    "PY_LDFLAGS_NODIST",
    "PY_CORE_LDFLAGS",
)
VIRTUAL_MACHINES = ("Jython", "IronPython")  # run on one, which compiles, and has no GIL
PROFILE_FLAGS = ("-fprofile-use", "-fprofile-instr-use", "-prof-use")


def config(name):
    """One variable of the build as text, "" where it is empty, None where it is not recorded."""
    try:
        value = sysconfig.get_config_var(name)
    except Exception:
        return None
    return None if value is None else str(value)


def configure_option(*names):
    """Whether configure was given one of these options; None where its arguments are not recorded."""
    arguments = config("CONFIG_ARGS")
    if arguments is None:
        return None
    found = False
    for argument in shlex.split(arguments):
        name, _, value = argument.partition("=")
        if name in names:
            found = value != "no"
    return found


def implementation():
    """The implementation by its usual name, and its own version where that is not the language's."""
    name = platform.python_implementation()
    stackless = re.search(r"Stackless\s+(\S+)", sys.version)
    if stackless:
        return "Stackless", stackless.group(1)
    if getattr(getattr(sys, "implementation", None), "name", "") == "graalpy":
        own = re.search(r"GraalVM[^0-9]*([0-9][0-9.]*)", sys.version)
        return "GraalPy", own.group(1) if own else None
    own = getattr(sys, "pypy_version_info", None)
    return name, "%d.%d.%d" % tuple(own[:3]) if own else None


def version():
    """The version of the language as it is usually written: 3.15.0a2, or 3.13.5+ for a checkout."""
    info = sys.version_info
    level = {"alpha": "a", "beta": "b", "candidate": "rc"}.get(info[3])
    pre = "%s%d" % (level, info[4]) if level else ""
    unreleased = "+" if sys.version.split()[0].endswith("+") else ""
    return "%d.%d.%d%s%s" % (info[0], info[1], info[2], pre, unreleased)


def flags():
    """PGO, LTO and the optimisation level of a CPython build, each None where it is not recorded."""
    used = " ".join(config(name) or "" for name in FLAG_VARIABLES)
    line = config("PY_CORE_CFLAGS") or config("PY_CFLAGS") or ""
    levels = re.findall(r"(?:^|\s)(-O[0-9a-z]*)(?=\s|$)", line)
    pgo = configure_option("--enable-optimizations")
    lto = configure_option("--with-lto")
    # A distribution that compiles with a profile and wipes the flags from its record leaves this empty:
    # then "no option given" proves nothing.
    if config("PGO_PROF_USE_FLAG") == "":
        pgo, lto = pgo or None, lto or None
    if any(flag in used for flag in PROFILE_FLAGS):
        pgo = True
    if "-flto" in used:
        lto = True
    return pgo, lto, levels[-1] if levels else None


def jit(name):
    """Whether code is compiled while it runs."""
    if name == "CPython" and sys.version_info < (3, 13):
        return configure_option("--enable-experimental-jit")
    if name in ("CPython", "PyPy"):
        return jit_enabled()
    if name == "Stackless":
        return False
    return True if name in VIRTUAL_MACHINES else None


def tail_calls(name):
    """Whether bytecodes of CPython end with a call of the next one; None before 3.14, and where it is not recorded."""
    if name != "CPython" or sys.version_info < (3, 14):
        return None
    told = config("Py_TAIL_CALL_INTERP")
    return configure_option("--with-tail-call-interp") if told is None else told == "1"


def mapped():
    """Paths of all files that are mapped into this process, None if unknown."""
    try:
        with open("/proc/self/maps") as maps:
            return [line.split(None, 5)[-1] for line in maps.read().splitlines()]
    except Exception:
        return None


def library(paths):
    """Path of the shared library that holds the interpreter; "" if there is none, None if unknown."""
    if paths is None:
        return None
    for path in paths:
        if re.match(r"lib(python|pypy)[0-9][^/]*\.so", os.path.basename(path)):
            return path
    return ""


def image(name):
    """The running program, None if unknown; for Jython its launcher, because the running program is Java."""
    try:
        return os.path.realpath(sys.executable) if name == "Jython" else os.readlink("/proc/self/exe")
    except Exception:
        return None


def files(name, paths):
    """All files and folders that this answer is based on, None if unknown or not expressible in JSON."""
    try:
        found = list(paths) + sys.path[1:]  # the first is the folder of this script
        found += [getattr(module, "__file__", None) or "" for module in list(sys.modules.values())]
        for folder in [path for path in sys.path[1:] if os.path.isdir(path)]:
            found += [os.path.join(folder, entry) for entry in os.listdir(folder) if entry.endswith(".pth")]
        if name == "Jython":
            from java.lang import System

            found += System.getProperty("java.class.path").split(os.pathsep)
        found = [re.sub(r"(\.(?:jar|zip))/.*", r"\1", str(path)) for path in found]
        found += [re.sub(r"(\$py\.class|\.py[co])$", ".py", path) for path in found]
        ours = os.path.abspath(__file__)
        known = sorted({path for path in found if path.startswith("/") and path != ours})
        json.dumps(known, ensure_ascii=False).encode("utf-8")  # raises if JSON cannot express a path
        strange = len(known) > MOST_FILES or any(STRANGE.search(path) for path in known)
        return None if strange else known
    except Exception:
        return None


def compiler():
    """The compiler by name and version, e.g. GCC 12.2.0."""
    named = re.search(r"\[PyPy \S+ with ([^\]]+)\]", sys.version)
    return named.group(1) if named else str(platform.python_compiler()) or None


def gil_enabled(name):
    """Whether there is a GIL now."""
    if hasattr(sys, "_is_gil_enabled"):
        return bool(sys._is_gil_enabled())  # noqa: SLF001 - there is no public name
    return name not in VIRTUAL_MACHINES


def answer():
    """Everything as one dict."""
    name, own_version = implementation()
    like_cpython = name in ("CPython", "Stackless")
    pgo, lto, level = flags() if like_cpython else (None, None, None)
    paths = mapped()
    shared = library(paths) if name not in VIRTUAL_MACHINES else None
    prefix = str(sys.prefix)
    return {
        "implementation": name,
        "version": version(),
        "version_info": list(sys.version_info[:3]),
        "implementation_version": own_version,
        "free_threaded": config("Py_GIL_DISABLED") == "1",
        "gil_enabled": gil_enabled(name),
        "jit": jit(name),
        "jit_kind": jit_kind() if name in ("CPython", "PyPy") else None,
        "tail_calls": tail_calls(name),
        "debug": hasattr(sys, "gettotalrefcount") if like_cpython else None,
        "pgo": pgo,
        "lto": lto,
        "optimisation": level,
        "libpython": None if shared is None else ("shared" if shared else "static"),
        "library": shared or None,
        "compiler": compiler(),
        "machine": platform.machine() or None,
        "executable": sys.executable or None,
        "base_executable": getattr(sys, "_base_executable", None) or None,
        "prefix": prefix,
        # Old virtual environments say real_prefix.
        "base_prefix": str(getattr(sys, "real_prefix", None) or getattr(sys, "base_prefix", prefix)),
        "image": image(name),
        "files": files(name, paths),
    }


def main():
    """Write the answer to descriptor 1, whatever has become of sys.stdout."""
    line = "\n%s%s\n" % (MARK, json.dumps(answer()))
    try:
        sys.stdout.flush()
        os.write(1, line.encode("ascii"))
    except Exception:  # Jython has no descriptors
        sys.__stdout__.write(line)


if __name__ == "__main__":
    main()
