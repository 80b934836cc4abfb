"""``gilbench`` and ``python -m gilbench``."""

from __future__ import annotations

import sys

from gilbench.cli import run


def main() -> None:
    """Run the command line."""
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
