"""Whether this interpreter has a JIT compiler of its own, and whether it is on."""

import os
import shlex
import sys

_HOT = 3000  # iterations after which PyPy compiles a loop; by default, 1039


def jit_kind():
    """What its JIT makes: "native" or "interpreter" (micro-operations that are interpreted); None without a JIT.

    The JIT may be off. A runtime below the interpreter, such as a JVM, is no JIT of its own.
    """
    if "pypyjit" in sys.builtin_module_names:
        return "native"
    told = getattr(sys, "_jit", None)
    option = _configured()
    if not (option if told is None else told.is_available()):
        return None
    return "interpreter" if (option or "").startswith("interpreter") else "native"


def jit_enabled():
    """Whether the JIT is on at this moment. On PyPy, only the first call in a process can see it."""
    if "pypyjit" in sys.builtin_module_names:
        return _compiles_a_loop()
    told = getattr(sys, "_jit", None)
    if told is not None:
        return bool(told.is_enabled())
    option = _configured()  # 3.13 does not tell
    forced = "" if sys.flags.ignore_environment else os.environ.get("PYTHON_JIT", "")
    return bool(option) and (forced[0] != "0" if forced else not option.endswith("off"))


def _configured():
    """The value of configure's option for a JIT; "" without one, None where its options are not recorded."""
    try:
        import sysconfig

        options = shlex.split(str(sysconfig.get_config_var("CONFIG_ARGS") or ""))
    except Exception:
        return None
    value = ""
    for option in options:
        name, equals, given = option.partition("=")
        if name == "--enable-experimental-jit":
            value = given if equals else "yes"
        elif name == "--disable-experimental-jit":
            value = "no"
    return "" if value == "no" else value


def _compiles_a_loop():
    import pypyjit

    seen = []
    pypyjit.set_compile_hook(lambda loop: seen.append(1))
    try:
        total = 0
        for number in range(_HOT):
            total += number
    finally:
        pypyjit.set_compile_hook(None)
    return bool(seen)
