"""Seconds of each job on data set G against a plain Spark job that reads and writes as many rows.

From an open session to written Parquet, each in a cold process; machines are noisy, so jobs and floors take turns,
and only the ratio of medians within one run counts.

    .venv/bin/python scripts/bench/timings.py [--quick] [--engines spark,sail] [--rounds 3] [job ...]
"""

from __future__ import annotations

from section import Options, Row, cold, main, median
from timed_jobs import FLOOR, JOBS, data_set_g, exact_is_there, seconds_of

QUICK = ("SMOTE", "SMOTE exact", "under, key")


def one(request: Row) -> Row:
    """Return the seconds of one job in this process."""
    return seconds_of(JOBS[request["job"]], request["engine"], request["folder"])


def measure(options: Options) -> list[Row]:
    """Run every job and its floor in turn; one row for each job and engine."""
    folder = str(data_set_g(options.quick))
    chosen = [name for name in (QUICK if options.quick and not options.names else FLOOR) if options.wants(name)]
    if "SMOTE exact" in chosen and not exact_is_there():
        chosen.remove("SMOTE exact")
    floors = [name for name in JOBS if name in {FLOOR[job] for job in chosen}]
    rows = []
    for engine in options.engines:
        seconds: dict[str, list[float]] = {name: [] for name in [*floors, *chosen]}
        for _ in range(options.rounds):
            for name in seconds:
                done = cold({"job": name, "engine": engine, "folder": folder}, say=f"{name} on {engine}")
                seconds[name].append(done.answer["seconds"])
        for name in chosen:
            mine, floor = median(seconds[name]), median(seconds[FLOOR[name]])
            all_of = {"all_seconds": seconds[name], "all_floor_seconds": seconds[FLOOR[name]]}
            row = {"engine": engine, "job": name, "seconds": mine, "floor_seconds": floor, "ratio": mine / floor}
            rows.append(row | all_of)
    return rows


if __name__ == "__main__":
    main(measure, one)
