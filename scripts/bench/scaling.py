"""Seconds and memory against rows: SMOTE to three times a minority of 10 k, 100 k, 1 M and 4 M rows x 28.

From an open session to written Parquet, in cold processes; the majority is 10,000 rows. Memory is the peak of any one
Spark Python worker; on Sail, where Python tasks run inside the process, that of the process.

    .venv/bin/python scripts/bench/scaling.py [--quick] [--engines spark,sail] [--rounds 3] [rows ...]
"""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import Any

from generate import Floats, latent_rows, once, write_shape
from section import DATA, Options, Row, cold, main, median
from timed_jobs import seconds_of, smote

ROWS = (10_000, 100_000, 1_000_000, 4_000_000)
QUICK_ROWS = (10_000, 40_000)
FEATURES = 28
TOLD = ("cells", "guests_per_row", "estimated_recall")


def _latent(rows: int, piece: int) -> Floats:
    return latent_rows(rows, 300 + piece)


def one(request: Row) -> Row:
    """Return the seconds of one size in this process, and what the run says of its cells."""
    rows, notes = request["rows"], dict[str, Any]()
    done = seconds_of(smote(notes, sampling_strategy={1: 3 * rows}), request["engine"], request["folder"])
    return done | {name: notes[name] for name in TOLD}


def measure(options: Options) -> list[Row]:
    """Run every size in turn; one row for each size and engine."""
    sizes = [rows for rows in (QUICK_ROWS if options.quick else ROWS) if options.wants(str(rows))]
    result = []
    for engine in options.engines:
        done: dict[int, list[float]] = {rows: [] for rows in sizes}
        peaks: dict[int, Row] = {rows: {} for rows in sizes}
        said: dict[int, Row] = {}
        for _ in range(options.rounds):
            for rows in sizes:
                folder = once(DATA / f"rows-{rows}", partial(write_shape, shape=_latent, minority=rows))
                run = cold({"rows": rows, "engine": engine, "folder": str(folder)}, say=f"{rows:,} rows on {engine}")
                done[rows].append(run.answer["seconds"])
                said[rows] = {name: run.answer[name] for name in TOLD}
                peaks[rows] = {name: max(mb, peaks[rows].get(name, 0.0)) for name, mb in asdict(run.peak).items()}
        for rows, seconds in done.items():
            time = {"seconds": median(seconds), "us_per_row": median(seconds) / rows * 1e6, "all_seconds": seconds}
            result.append({"engine": engine, "rows": rows, "features": FEATURES} | time | peaks[rows] | said[rows])
    return result


if __name__ == "__main__":
    main(measure, one)
