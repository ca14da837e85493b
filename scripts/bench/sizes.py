"""SMOTE of tables of several sizes against its floor, and recall=1.0 against the default, in seconds.

    .venv/bin/python scripts/bench/sizes.py [--quick] [--engines spark,sail] [--rounds 3] [table ...]

From an open session to written Parquet, each in a cold process, in turns; only the ratio of medians counts.
"""

from __future__ import annotations

from section import Options, Row, cold, main, median
from timed_jobs import JOBS, TABLES, data_set, seconds_of

EXACT = ("G", "G5")  # the tables that are searched exactly, too


def one(request: Row) -> Row:
    """Return the seconds of one job in this process."""
    return seconds_of(JOBS[request["job"]], request["engine"], request["folder"])


def measure(options: Options) -> list[Row]:
    """Run every table's job and its floor in turn; one row for each table and engine."""
    rows = []
    for table in filter(options.wants, TABLES):
        folder, (majority, minority, share) = str(data_set(table, options.quick)), TABLES[table]
        jobs = [f"floor up of {table}", f"SMOTE of {table}"]
        if table in EXACT:
            jobs.append(f"SMOTE of {table}, recall=1.0")
        for engine in options.engines:
            seconds: dict[str, list[float]] = {job: [] for job in jobs}
            for _ in range(options.rounds):
                for job in jobs:
                    done = cold({"job": job, "engine": engine, "folder": folder}, say=f"{job} on {engine}")
                    seconds[job].append(done.answer["seconds"])
            floor, *mine = (median(seconds[job]) for job in jobs)
            row = {"engine": engine, "table": table, "seconds": mine[0], "floor_seconds": floor}
            row |= {"ratio": mine[0] / floor, "new_rows": round(majority * share) - minority}
            row |= {"exact_ratio": mine[1] / mine[0] if len(mine) > 1 else None, "all_seconds": seconds}
            rows.append(row)
    return rows


if __name__ == "__main__":
    main(measure, one)
