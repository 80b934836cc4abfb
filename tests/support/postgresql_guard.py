"""Stops a PostgreSQL and removes its folder when its starter has ended, however that ended.

postgresql_guard.py FOLDER DATA PG_CTL [USER]      until the end of stdin
"""

from __future__ import annotations

import shutil
import subprocess
import sys


def main() -> None:
    folder, data, pg_ctl, *user = sys.argv[1:]
    sys.stdin.buffer.read()
    subprocess.run(
        [pg_ctl, "stop", "-D", data, "-m", "immediate"],
        user=user[0] if user else None,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    shutil.rmtree(folder)


main()
