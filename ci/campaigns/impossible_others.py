"""Impossible histories, as queries, and impossible texts, as replacements."""

from __future__ import annotations

_RECORD = "UPDATE gilbench_records SET figures = {value} WHERE rowid = 1"
HISTORIES = {
    "a value is not negative": _RECORD.format(
        value="CAST(X'000000000000F0BF' || substr(figures, 9) AS BLOB)"
    ),
    "a value is a number": _RECORD.format(value="CAST(X'000000000000F87F' || substr(figures, 9) AS BLOB)"),
    "an interval is in order": _RECORD.format(
        value="CAST(substr(figures, 1, 8) || X'0000A0410000803F' || substr(figures, 17) AS BLOB)"
    ),
    "a value is inside its interval": _RECORD.format(
        value="CAST(X'0000000000005940' || substr(figures, 9) AS BLOB)"
    ),
    "a value is of blocks": _RECORD.format(value="CAST(substr(figures, 1, 16) || X'0000' AS BLOB)"),
    "a record has the figures of its layout": _RECORD.format(value="CAST(figures || X'00' AS BLOB)"),
    "a record is of a study": "UPDATE gilbench_records SET study = 999999 WHERE rowid = 1",
    "a record is of a layout": "UPDATE gilbench_records SET layout = 999999 WHERE rowid = 1",
    "a layout has series": "UPDATE gilbench_layouts SET series = X'' WHERE id = 1",
    "a layout is of series": "UPDATE gilbench_layouts SET series = X'FFFFFF7F' WHERE id = 1",
    "a layout is of one metric": "UPDATE gilbench_layouts SET metric = 'speedup' WHERE id = 1",
    "a study has a date": "UPDATE gilbench_studies SET moment = 'soon' WHERE id = 1",
    "a date is a number": "UPDATE gilbench_studies SET moment = 9e999 WHERE id = 1",
    "a series has threads": "UPDATE gilbench_series SET threads = -4 WHERE id = 1",
    "a series has a metric": "UPDATE gilbench_series SET metric = '' WHERE id = 1",
    "a metric has its unit": "UPDATE gilbench_series SET unit = 'km' WHERE id = 1",
    "a metric has its direction": "UPDATE gilbench_series SET better = 'sideways' WHERE id = 1",
    "a series has its workload": "UPDATE gilbench_series SET workload = '' WHERE id = 1",
    "parameters are pairs": "UPDATE gilbench_series SET parameters = '{}' WHERE id = 1",
    "a switch interval is a time": "UPDATE gilbench_series SET switch_interval = -1 WHERE id = 1",
    "a version is positive": "UPDATE gilbench_history SET version = -1",
    "a history has one version": "INSERT INTO gilbench_history (version) VALUES (1)",
    "figures have a series": "UPDATE gilbench_points SET series = 999999 WHERE study = 1",
    "figures have a study": "UPDATE gilbench_points SET study = 999999 WHERE study = 1",
    "blocks are not negative": "UPDATE gilbench_points SET blocks = -1 WHERE study = 1",
    "an old interval is in order": "UPDATE gilbench_points SET lo = 9, hi = 1 WHERE study = 1",
}
TEXTS: dict[str, tuple[str, bytes, bytes]] = {
    "a speedup is positive": ("printed", b"x faster", b"-1x faster"),
    "threads are at least one": ("printed", b"\nthreads=1:", b"\nthreads=0:"),
    "threads are few": ("printed", b"threads=2:", b"threads=99999:"),
    "a share is that of the rates": ("printed", b"( 100 %)", b"( 900 %)"),
    "a deviation is of a latency": ("printed", b" ms. (std dev: ", b" ms. (std dev: -"),
    "a number of threads is positive": ("printed", b"benchmarks with ", b"benchmarks with 0"),
    "a list has reasons": ("known regressions", b'reason = "the', b'reason = "" #'),
    "a metric of a list exists": ("known regressions", b"latency_*", b"speed"),
    "threads of a list are not negative": ("known regressions", b"threads = 2", b"threads = -2"),
    "a threshold of a file is a percentage": ("configuration", b"threshold = 3.5", b"threshold = -3.5"),
    "a format of a file exists": ("configuration", b'"markdown"', b'"smoke"'),
    "a flag of a file is one": ("configuration", b"strict = true", b'strict = "maybe"'),
    "a workload has a family": ("workload", b'"cpu"', b'"nothing"'),
}
