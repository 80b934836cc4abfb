"""Runs a command under generated noise: ``python ci/noise.py NAME -- COMMAND ...``.

For example ``python ci/noise.py bursts -- python ci/bench.py precision``. The noises are those of ``gilbench selftest
--noise``. The exit status is that of the command.
"""

from __future__ import annotations

import signal
import sys

from gilbench.host.noise import generated_noise
from gilbench.host.process import Program
from gilbench.model.errors import GilbenchError

_FOREVER = 1e6  # s


def main(argv: list[str]) -> int:
    """Run the command."""
    if len(argv) < 3 or argv[1] != "--":
        print("usage: python ci/noise.py NAME -- COMMAND ...", file=sys.stderr)
        return 2
    try:
        with generated_noise(argv[0]) as taken:
            status = _run(argv[2:])
    except GilbenchError as error:
        print(f"ci/noise.py: {error}", file=sys.stderr)
        return error.exit_code
    shares = ", ".join(f"{source} {share:.0%}" for source, share in taken.items())
    print(f"generated noise (of one CPU: {shares})", file=sys.stderr)
    return status if status >= 0 else 128 - status


def _run(command: list[str]) -> int:
    program = Program(command)
    try:
        program.let_go()
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the command, and its end ends the noise
        while (status := program.wait(_FOREVER)) is None:
            pass
    finally:
        program.end()
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
