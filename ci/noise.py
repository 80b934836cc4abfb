"""Runs a command under generated noise: ``python ci/noise.py NAME -- COMMAND ...``.

For example ``python ci/noise.py bursts -- python ci/bench.py precision``. The noises are those of ``gilbench selftest
--noise``. The exit status is that of the command.
"""

from __future__ import annotations

import sys

from gilbench.host.noise import generated_noise
from gilbench.host.process import run_program
from gilbench.model.errors import GilbenchError


def main(argv: list[str]) -> int:
    """Run the command."""
    if len(argv) < 3 or argv[1] != "--":
        print("usage: python ci/noise.py NAME -- COMMAND ...", file=sys.stderr)
        return 2
    try:
        with generated_noise(argv[0]) as taken:
            status = run_program(argv[2:])
    except GilbenchError as error:
        print(f"ci/noise.py: {error}", file=sys.stderr)
        return error.exit_code
    shares = ", ".join(f"{source} {share:.0%}" for source, share in taken.items())
    print(f"generated noise (of one CPU: {shares})", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
