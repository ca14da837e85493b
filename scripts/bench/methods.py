"""Every registered method on data set G: seconds, memory and neighbours, against a plain job that reads and writes it.

From an open session to written Parquet, each in a cold process. G has no categories, so those methods get two columns
of text cut from its features. The bound of a cleaning method is the floor and 1.3 x 3.3 ns for each of 10,000
candidates of every row, over the cores. On classic Spark, which takes longer, only those methods run unless others are
named: they have the bound, and its workers are processes, whose memory is seen.

    .venv/bin/python scripts/bench/methods.py [--quick] [--engines spark,sail] [--rounds 1] [method ...]
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from generate import names
from machine import cores
from pyspark.sql import DataFrame
from section import Options, Row, cold, main, median
from timed_jobs import Job, data_set_g, sampled, seconds_of

from spark_balance.base.registry import SAMPLERS

TEXT = ["text0", "text1"]
MOST_CANDIDATES, NANOSECONDS = 10_000, 3.3
QUICK = ("borderline_smote", "edited_nearest_neighbours", "near_miss")
_PARAMETERS: dict[str, dict[str, Any]] = {
    # the classes of G overlap: in no cluster is one row in two of the minority
    "kmeans_smote": {"cluster_balance_threshold": 0.02},
    "chain": {"steps": [{"random_under": {"sampling_strategy": 0.5}}, {"smote": {}}]},
    "smotenc": {"categorical_features": TEXT, "feature_cols": [*names(), *TEXT]},
    "smoten": {"feature_cols": TEXT},
}


def _floor(df: DataFrame) -> DataFrame:
    df.groupBy("label").count().collect()
    return df


def job_of(method: str, notes: Row) -> Job:
    """Return the job of a method; what the run says of its search goes into `notes`."""
    if method == "floor":
        return _floor
    parameters = _PARAMETERS.get(method, {})
    job = sampled(SAMPLERS[method], notes, key_cols="id", **parameters)
    if not set(TEXT) <= set(parameters.get("feature_cols", ())):
        return job
    cut = [f"CAST(floor(f{i}) AS STRING) AS {name}" for i, name in enumerate(TEXT)]
    return lambda df: job(df.selectExpr("*", *cut))


def one(request: Row) -> Row:
    """Return the seconds of one method in this process, and what it says of its search."""
    notes: Row = {}
    done = seconds_of(job_of(request["method"], notes), request["engine"], request["folder"])
    told = ("cells", "guests_per_row", "estimated_recall", "candidates_per_row", "rounds")
    return done | {name: notes.get(name) for name in told}


def measure(options: Options) -> list[Row]:
    """Run every method and the floor in turn; one row for each method and engine."""
    folder = str(data_set_g(options.quick))
    rows_of_g = 170_000 if options.quick else 1_700_000
    bound = 1.3 * NANOSECONDS * 1e-9 * MOST_CANDIDATES * rows_of_g / cores()
    rows = []
    for engine in options.engines:
        every = [name for name, kind in SAMPLERS.items() if engine == "sail" or kind.family == "clean"]
        chosen = options.names or (QUICK if options.quick else every)
        runs: dict[str, list[Row]] = {name: [] for name in ["floor", *chosen]}
        for _ in range(options.rounds):
            for name, done in runs.items():
                try:
                    run = cold({"method": name, "engine": engine, "folder": folder}, say=f"{name} on {engine}")
                except SystemExit as failed:  # the others are not thrown away for one
                    if name == "floor":
                        raise
                    print(failed)
                    continue
                done.append(run.answer | asdict(run.peak))
        floor = median([run["seconds"] for run in runs["floor"]])
        for name in filter(runs.get, chosen):
            seconds = median([run["seconds"] for run in runs[name]])
            about = {"engine": engine, "method": name, "seconds": seconds, "floor_seconds": floor}
            cleans = SAMPLERS[name].family == "clean"
            rows.append(runs[name][-1] | about | {"most_seconds": floor + bound if cleans else None})
    return rows


if __name__ == "__main__":
    main(measure, one, rounds=1)
