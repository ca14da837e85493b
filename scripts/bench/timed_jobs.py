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
# name: (rows of the majority, of the minority, and what SMOTE grows it to as a share of the majority)
TABLES = {
    "G": (1_600_000, 100_000, 1.0),
    "R": (16_000_000, 16_000, 0.1),
    "G5": (8_000_000, 500_000, 1.0),
    "H": (5_830_000, 1_460_000, 1.0),  # the shape of HIGGS
    "M2": (3_000_000, 2_000_000, 1.0),
}


def floor_up(copies: float = COPIES) -> Job:
    """Return the job that counts, then writes as many rows as SMOTE: jittered copies, since equal rows compress."""

    def job(df: DataFrame) -> DataFrame:
        df.groupBy("label").count().collect()
        rare = F.col("label") == 1
        times = F.when(rare, F.floor(copies + F.rand(1)).cast("int")).otherwise(1)
        spread = df.withColumn("n", F.explode(F.sequence(F.lit(1), times)))
        return spread.select(
            "id", *[F.when(rare, F.col(f) + F.rand() * 1e-3).otherwise(F.col(f)).alias(f) for f in names()], "label"
        )

    return job


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
    "floor up": floor_up(),
    "floor replicate": floor_replicate,
    "floor down": floor_down,
    "SMOTE": smote(),
    "SMOTE exact": smote(neighbors="exact"),
    "over": sampled(RandomOverSampler, key_cols="id"),
    "sampleBy": sampled(RandomUnderSampler, exact=False),
    "under, key": sampled(RandomUnderSampler, key_cols="id"),
    "under, no key": sampled(RandomUnderSampler),
}
for table, (majority, minority, share) in TABLES.items():
    JOBS[f"floor up of {table}"] = floor_up(majority * share / minority)
    JOBS[f"SMOTE of {table}"] = smote(sampling_strategy=share)
    JOBS[f"SMOTE of {table}, recall=1.0"] = smote(sampling_strategy=share, recall=1.0)
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


def data_set(name: str, quick: bool) -> Path:
    """Return the folder of a table, made if need be; a tenth of it for a quick run."""
    majority, minority = (rows // 10 if quick else rows for rows in TABLES[name][:2])
    return once(DATA / f"{name}{'-quick' * quick}", lambda folder: write_g(folder, majority, minority))


def data_set_g(quick: bool) -> Path:
    """Return the folder of G."""
    return data_set("G", quick)


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
