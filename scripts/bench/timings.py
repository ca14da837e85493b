"""Seconds from an open session to written rows, each job in a cold process, against a plain Spark job of the same rows.

    .venv/bin/python scripts/bench/timings.py /tmp/G [rounds] [engine ...]

Machines are noisy: jobs and floors take turns, and only the ratio of medians within one run counts.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from generate import FEATURES, write_g
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_balance import SMOTE, RandomOverSampler, RandomUnderSampler
from spark_balance.session import open_session

COPIES = 16
NAMES = [f"f{i}" for i in range(FEATURES)]


def floor_up(df: DataFrame) -> DataFrame:
    """Count, then write as many rows as SMOTE to 1:1: jittered copies, since equal rows compress."""
    df.groupBy("label").count().collect()
    rare = F.col("label") == 1
    copies = df.withColumn("n", F.explode(F.sequence(F.lit(1), F.when(rare, COPIES).otherwise(1))))
    return copies.select(
        "id", *[F.when(rare, F.col(f) + F.rand() * 1e-3).otherwise(F.col(f)).alias(f) for f in NAMES], "label"
    )


def floor_replicate(df: DataFrame) -> DataFrame:
    """Count, then write every row of the minority 16 times."""
    df.groupBy("label").count().collect()
    times = F.when(F.col("label") == 1, COPIES).otherwise(1)
    return df.withColumn("n", F.explode(F.sequence(F.lit(1), times))).drop("n")


def floor_down(df: DataFrame) -> DataFrame:
    """Count, then write the minority and one row in 16 of the majority."""
    df.groupBy("label").count().collect()
    return df.where((F.col("label") == 1) | (F.col("id") % COPIES == 0))


def _sampled(kind: type, **parameters: Any) -> Callable[[DataFrame], DataFrame]:
    return lambda df: kind(label_col="label", random_state=1, **parameters).fit_resample(df)


JOBS: dict[str, Callable[[DataFrame], DataFrame]] = {
    "floor up": floor_up,
    "floor replicate": floor_replicate,
    "floor down": floor_down,
    "SMOTE": _sampled(SMOTE, key_cols="id", passthrough="base"),
    "over": _sampled(RandomOverSampler, key_cols="id"),
    "sampleBy": _sampled(RandomUnderSampler, exact=False),
    "under, key": _sampled(RandomUnderSampler, key_cols="id"),
    "under, no key": _sampled(RandomUnderSampler),
}
FLOOR = {
    "SMOTE": "floor up",
    "over": "floor replicate",
    "sampleBy": "floor down",
    "under, key": "floor down",
    "under, no key": "floor down",
}


def run_one(name: str, engine: str, folder: str) -> float:
    """Return the seconds of one job in this process."""
    spark = open_session(engine)
    start = time.time()
    JOBS[name](spark.read.parquet(folder)).write.mode("overwrite").parquet(folder + ".out")
    return time.time() - start


def run_all(folder: str, rounds: int, engines: list[str]) -> dict[str, dict[str, list[float]]]:
    """Run every job in turn, `rounds` times, each in a process of its own."""
    seconds: dict[str, dict[str, list[float]]] = {engine: {name: [] for name in JOBS} for engine in engines}
    for engine in engines:
        for _ in range(rounds):
            for name in JOBS:
                command = [sys.executable, __file__, "--one", name, engine, folder]
                done = subprocess.run(command, capture_output=True, text=True)
                if done.returncode:
                    raise SystemExit(f"{name} on {engine} failed:\n{done.stderr}")
                seconds[engine][name].append(float(done.stdout.strip().splitlines()[-1]))
    return seconds


def table(seconds: dict[str, dict[str, list[float]]]) -> str:
    """Return the ratios as Markdown."""
    lines = ["| engine | job | seconds (median) | its floor | ratio |", "|---|---|---|---|---|"]
    for engine, jobs in seconds.items():
        for name, floor in FLOOR.items():
            mine, plain = statistics.median(jobs[name]), statistics.median(jobs[floor])
            lines.append(f"| {engine} | {name} | {mine:.1f} | {plain:.1f} | {mine / plain:.2f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    if sys.argv[1] == "--one":
        sys.stdout.write(f"{run_one(*sys.argv[2:5])}\n")
    else:
        data = Path(sys.argv[1])
        if not data.exists():
            write_g(data)
        measured = run_all(str(data), int(sys.argv[2]) if len(sys.argv) > 2 else 3, sys.argv[3:] or ["spark", "sail"])
        Path("data/timings.json").write_text(json.dumps(measured, indent=1))
        sys.stdout.write(table(measured) + "\n")
