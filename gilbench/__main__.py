"""``gilbench`` and ``python -m gilbench``."""

from __future__ import annotations

import sys

from gilbench import __version__


def main() -> None:
    """Run the command line; ``--version`` is answered before anything heavy is imported."""
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"gilbench {__version__}\n")
        return
    from gilbench.cli import run  # noqa: PLC0415 - see above

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
