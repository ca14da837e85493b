"""Flights, balanced as they come in and as a whole, in a declarative pipeline (pyspark 4.1 and Spark Connect).

A query function may run no job and ask for no schema, so both are handed in: the counts of an earlier run
(`spark-balance describe`), and the schema by `to`. A method that looks at the rows first, as SMOTE does, resamples
outside of the function. All of them read what is there before the run: Spark 4.1 resolves `to` at once, when the
tables of the same pipeline are not there yet.
"""

from pathlib import Path

from pyspark import pipelines as dp
from pyspark.sql import DataFrame, SparkSession, types as T

from spark_balance import SMOTE, RandomUnderSampler

SCHEMA = (
    T.StructType()
    .add("time_hour", T.TimestampType())
    .add("carrier", T.StringType())
    .add("flight", T.LongType())
    .add("dep_delay", T.LongType())
    .add("distance", T.LongType())
    .add("late", T.BooleanType())
)
KEY = ("time_hour", "carrier", "flight")
COUNTS = {False: 299_029, True: 28_317}

spark = SparkSession.active()
path = str(Path(str(spark.conf.get("flights.path"))).absolute())
flights = spark.read.schema(SCHEMA).parquet(path)
new_flights = spark.readStream.schema(SCHEMA).parquet(path)

on_arrival = RandomUnderSampler(label_col="late", key_cols=KEY, null_label="drop", exact=False)
exactly = RandomUnderSampler(label_col="late", key_cols=KEY, null_label="drop")
smote = SMOTE(label_col="late", key_cols=KEY, null_label="drop", feature_cols=("dep_delay", "distance"))
with_new_ones = smote.fit_resample(flights)


@dp.table
def flights_balanced_on_arrival() -> DataFrame:
    """Decide for each new flight by its key alone: about as many late ones as others, and no flight is read twice."""
    return on_arrival.fit_resample(new_flights.to(SCHEMA), counts=COUNTS)


@dp.materialized_view
def flights_balanced() -> DataFrame:
    """Choose anew among all flights, exactly as many of each class; counts that are wrong stop the run."""
    return exactly.fit_resample(flights.to(SCHEMA), counts=COUNTS)


@dp.materialized_view
def flights_smote() -> DataFrame:
    """Add late flights that SMOTE makes, until there are as many as others."""
    return with_new_ones
