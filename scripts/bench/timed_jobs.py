"""The jobs that are timed, and the plain Spark jobs that they are timed against; each reads Parquet and writes it."""

from __future__ import annotations

import shutil
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from generate import names, once, write_g
from pyspark.sql import DataFrame, functions as F
from section import DATA

from spark_balance import SMOTE, SMOTENC, RandomOverSampler, RandomUnderSampler, Sampler, open_session
from spark_balance.errors import SparkBalanceError

COPIES = 16
Job = Callable[[DataFrame], DataFrame]


def floor_up(df: DataFrame) -> DataFrame:
    """Count, then write as many rows as SMOTE to 1:1: jittered copies, since equal rows compress."""
    df.groupBy("label").count().collect()
    rare = F.col("label") == 1
    copies = df.withColumn("n", F.explode(F.sequence(F.lit(1), F.when(rare, COPIES).otherwise(1))))
    return copies.select(
        "id", *[F.when(rare, F.col(f) + F.rand() * 1e-3).otherwise(F.col(f)).alias(f) for f in names()], "label"
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


def sampled(kind: type[Sampler], notes: dict[str, Any] | None = None, **parameters: Any) -> Job:
    """Return the job of a sampler; what the run says goes into `notes`."""

    def job(df: DataFrame) -> DataFrame:
        done = kind(label_col="label", random_state=1, **parameters).resample(df)
        if notes is not None:
            notes.update(done.notes)
        return done.frame

    return job


def smote(notes: dict[str, Any] | None = None, **parameters: Any) -> Job:
    """Return SMOTE with the parameters that all timed jobs share; what the run says goes into `notes`."""
    return sampled(SMOTE, notes, key_cols="id", passthrough="base", **parameters)


def smotenc(notes: dict[str, Any], categories: int, **parameters: Any) -> Job:
    """Return SMOTENC of a table that has a column of text, too, with so many values."""
    given = {
        "feature_cols": [*names(), "text"],
        "categorical_features": "text",
        "key_cols": "id",
        "passthrough": "base",
    }
    job = sampled(SMOTENC, notes, **given, **parameters)
    value = f"concat('value ', pmod(xxhash64(id), {categories}))"
    return lambda df: job(df.withColumn("text", F.expr(value)))


JOBS: dict[str, Job] = {
    "floor up": floor_up,
    "floor replicate": floor_replicate,
    "floor down": floor_down,
    "SMOTE": smote(),
    "SMOTE exact": smote(neighbors="exact"),
    "over": sampled(RandomOverSampler, key_cols="id"),
    "sampleBy": sampled(RandomUnderSampler, exact=False),
    "under, key": sampled(RandomUnderSampler, key_cols="id"),
    "under, no key": sampled(RandomUnderSampler),
}
FLOOR = {
    "SMOTE": "floor up",
    "SMOTE exact": "floor up",
    "over": "floor replicate",
    "sampleBy": "floor down",
    "under, key": "floor down",
    "under, no key": "floor down",
}


def exact_is_there() -> bool:
    """Tell whether SMOTE knows neighbors="exact", and say so if it does not."""
    parameters: dict[str, Any] = {"label_col": "label", "neighbors": "exact"}
    try:
        SMOTE(**parameters)
    except SparkBalanceError as refused:
        print(f'  neighbors="exact" is left out: {refused}', flush=True)
        return False
    return True


def data_set_g(quick: bool) -> Path:
    """Return the folder of G, made if need be; a tenth of it for a quick run."""
    sizes = (160_000, 10_000) if quick else (1_600_000, 100_000)
    return once(DATA / ("G-quick" if quick else "G"), lambda folder: write_g(folder, *sizes))


def seconds_of(job: Job, engine: str, folder: str, conf: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Run a job in this process and return its seconds from an open session, and what it wrote."""
    warnings.simplefilter("ignore")
    spark = open_session(engine, spark_conf=conf)
    out = Path(f"{folder}.out")
    shutil.rmtree(out, ignore_errors=True)
    start = time.time()
    job(spark.read.parquet(folder)).write.mode("overwrite").parquet(str(out))
    seconds = time.time() - start
    written = sum(path.stat().st_size for path in out.rglob("*.parquet"))
    shutil.rmtree(out)
    return {"seconds": seconds, "written_mb": written / 1e6}
