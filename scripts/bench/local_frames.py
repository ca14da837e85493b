"""SMOTE of 100,000 rows in a frame of pandas, polars or pyarrow: the first call in a fresh process, and the next.

    .venv/bin/python scripts/bench/local_frames.py [--quick] [--rounds 3] [library ...]

The first call imports spark_balance and opens the engine; its seconds start with the frame in memory.
"""

from __future__ import annotations

import time
from typing import Any

from section import Options, Row, cold, main, median

LIBRARIES = ("pandas", "polars", "pyarrow")
ROWS = 100_000


def one(request: Row) -> Row:
    """Return the seconds of two calls in this process."""
    frame = made(request["rows"], request["library"])
    seconds = []
    for _ in range(2):
        start = time.time()
        from spark_balance import SMOTE

        SMOTE(label_col="label").fit_resample(frame)
        seconds.append(time.time() - start)
    return {"first": seconds[0], "next": seconds[1]}


def made(rows: int, library: str) -> Any:
    """Return ten numbers a row and a label that is 1 in one row of a hundred."""
    import numpy as np

    rng = np.random.default_rng(0)
    columns = {f"x{i}": rng.normal(size=rows) for i in range(10)} | {"label": (rng.random(rows) < 0.01).astype(int)}
    if library == "pandas":
        import pandas as pd

        return pd.DataFrame(columns)
    if library == "polars":
        import polars as pl

        return pl.DataFrame(columns)
    import pyarrow as pa

    return pa.table(columns)


def measure(options: Options) -> list[Row]:
    """Let every library have its turn, `rounds` times."""
    rows = ROWS // 10 if options.quick else ROWS
    libraries = [library for library in LIBRARIES if options.wants(library)]
    runs: dict[str, list[Row]] = {library: [] for library in libraries}
    for _ in range(options.rounds):
        for library in libraries:
            done = cold({"rows": rows, "library": library}, say=f"SMOTE of {rows:,} rows of {library}")
            runs[library].append(done.answer | {"whole": done.process_seconds})
    return [
        {"library": library, "rows": rows} | {what: median([run[what] for run in found]) for what in found[0]}
        for library, found in runs.items()
    ]


if __name__ == "__main__":
    main(measure, one)
