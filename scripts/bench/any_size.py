"""What holds at any size: the largest task of new rows, many groups against one, and an extract against none.

    .venv/bin/python scripts/bench/any_size.py [--quick] [--engines spark,sail] [--rounds 3] [case ...]

Ratios of medians; the two sides of a case take turns in cold processes.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import pyarrow as pa
from generate import once, write_g
from pyspark.sql import functions as F
from section import DATA, Options, Row, cold, main, median
from timed_jobs import seconds_of

from spark_balance import SMOTE, RandomOverSampler, RandomUnderSampler, Sampler, TomekLinks, open_session

GROWERS: dict[str, type[Sampler]] = {"SMOTE": SMOTE, "RandomOverSampler": RandomOverSampler}
GROUPED: dict[str, tuple[type[Sampler], int]] = {
    "SMOTE in 2,000 groups": (SMOTE, 2_000),
    "TomekLinks in 2,000 groups": (TomekLinks, 2_000),
    "RandomOverSampler in 100,000 groups": (RandomOverSampler, 100_000),
    "RandomUnderSampler in 100,000 groups": (RandomUnderSampler, 100_000),
}
GROUP_ROWS = {2_000: 60, 100_000: 20}
EXTRACT = "SMOTE of R, read once"


def one(request: Row) -> Row:
    """Return what one request of this script found."""
    warnings.simplefilter("ignore")
    if request["case"] in GROWERS:
        return largest_task(GROWERS[request["case"]], request)
    if request["case"] == EXTRACT:
        folder = request["folder"]
        sampler = SMOTE(label_col="label", key_cols="id", sampling_strategy=0.1, random_state=1)
        kept = f"{folder}.extract" if request["way"] == "kept" else None
        return seconds_of(partial(sampler.fit_resample, extract_path=kept), request["engine"], folder)
    kind, groups = GROUPED[request["case"]]
    return grouped_seconds(
        kind, groups if request["way"] == "groups" else 1, GROUP_ROWS[groups] * groups, request["engine"]
    )


def largest_task(kind: type[Sampler], request: Row) -> Row:
    """Grow the rare class of a table, and count the rows of each partition that makes new ones."""
    df = open_session(request["engine"]).read.parquet(request["folder"]).coalesce(1)
    made = kind(label_col="label", key_cols="id", output="added").fit_resample(df)

    def count(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        yield pa.RecordBatch.from_pydict({"rows": [sum(batch.num_rows for batch in batches)]})

    rows = [row["rows"] for row in made.select(F.lit(0).alias("n")).mapInArrow(count, "rows bigint").collect()]
    return {
        "made": sum(rows),
        "largest": max(rows),
        "largest_mb": max(rows) * 8 * len(df.columns) / 1e6,
        "tasks": len(rows),
    }


def grouped_seconds(kind: type[Sampler], groups: int, rows: int, engine: str) -> Row:
    """Balance inside groups of equal size, a third of each the rare class, and count what comes out."""
    spark = open_session(engine)
    number = F.col("id")
    df = spark.range(rows).select(
        F.when(number >= 0, number).alias("id"),  # which may be NULL, as in a table
        (number % groups).alias("group"),
        (F.floor(number / groups) % 3 == 0).cast("int").alias("label"),
        *[(F.xxhash64(F.lit(i), number) % 1000 / 10).alias(f"f{i}") for i in range(4)],
    )
    start = time.time()
    kind(label_col="label", key_cols="id", within_cols="group").fit_resample(df).count()
    return {"seconds": time.time() - start}


def measure(options: Options) -> list[Row]:
    """Measure every case on every engine."""
    few = 200_000 if options.quick else 2_000_000
    rare = once(DATA / f"rare-{few}", lambda folder: write_g(folder, few, few // 400, files=2))
    result: list[Row] = []
    for engine in options.engines:
        for case in filter(options.wants, GROWERS):
            done = cold(
                {"case": case, "engine": engine, "folder": str(rare)}, say=f"{case} of {few // 400:,} rows on {engine}"
            )
            result.append({"engine": engine, "case": case, "rows": few} | done.answer)
        result.extend(
            turns(case, ("one group", "groups"), engine, options, {}) for case in filter(options.wants, GROUPED)
        )
        if options.wants(EXTRACT):
            rows = 1_600_000 if options.quick else 16_000_000
            table = once(DATA / f"R-{rows}", partial(write_g, majority=rows, minority=rows // 1_000))
            result.append(turns(EXTRACT, ("not kept", "kept"), engine, options, {"folder": str(table)}))
    return result


def turns(case: str, ways: tuple[str, str], engine: str, options: Options, given: dict[str, Any]) -> Row:
    """Run both sides of a case in turns; return their medians and the ratio."""
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(options.rounds):
        for way in ways:
            request = {"case": case, "way": way, "engine": engine} | given
            seconds[way].append(cold(request, say=f"{case}, {way}, on {engine}").answer["seconds"])
    plain, other = (median(seconds[way]) for way in ways)
    return {
        "engine": engine,
        "case": case,
        "against": ways[0],
        "seconds": other,
        "plain_seconds": plain,
        "ratio": other / plain,
    }


if __name__ == "__main__":
    main(measure, one)
