"""A stream keeps the rows that the same sampler keeps of the table, file by file and after a restart."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from frames import digest, labelled
from pyspark.errors import PySparkException

from spark_balance import SMOTE, RandomOverSampler, RandomUnderSampler, SparkBalanceError, class_counts

COUNTS = {"class 0": 300, "class 1": 120, "class 2": 50}
SAMPLERS = [
    RandomUnderSampler(label_col="label", key_cols="id", exact=False, weight_col="weight"),
    RandomOverSampler(label_col="label", group_cols="n", exact=False),
]
# Sail 0.7 streams no files
streaming = pytest.mark.engines("spark", "connect")


def grown(stream, sampler, place):
    """Read what is new, and stop: the next call goes on from the checkpoint."""
    query = sampler.fit_resample(stream, counts=COUNTS).writeStream.format("parquet")
    query = query.option("checkpointLocation", f"{place}/checkpoint").trigger(availableNow=True)
    running = query.start(f"{place}/out")
    running.awaitTermination(60)
    assert running.exception() is None


@pytest.mark.engines("spark")  # on Connect, the command for streams
@pytest.mark.parametrize("sampler", SAMPLERS, ids=["under", "over"])
def test_a_stream_keeps_the_rows_of_the_table(spark, sampler, tmp_path):
    df = labelled(spark, COUNTS.values())
    for part in ("id % 2 = 0", "id % 2 = 1"):
        df.where(part).coalesce(1).write.mode("append").parquet(f"{tmp_path}/in")
        stream = spark.readStream.schema(df.schema).parquet(f"{tmp_path}/in")
        grown(stream, sampler, tmp_path)
    kept = spark.read.parquet(f"{tmp_path}/out")
    wanted = sampler.fit_resample(df, counts=COUNTS)
    assert digest(kept) == digest(wanted)
    assert digest(kept)[0] != sum(COUNTS.values())


@streaming
def test_what_a_stream_cannot_be_resampled_by_is_told(spark, tmp_path):
    df = labelled(spark, [20, 10])
    stream = spark.readStream.schema(df.schema).parquet(str(tmp_path))
    for sampler in (
        SMOTE(label_col="label", key_cols="id"),
        RandomUnderSampler(label_col="label", key_cols="id"),
        RandomUnderSampler(label_col="label", exact=False),
        RandomOverSampler(label_col="label", key_cols="id", exact=False, shrinkage=1.0),
    ):
        with pytest.raises(
            SparkBalanceError, match="the frame is a stream; resample each batch.* exact=False, key_cols"
        ):
            sampler.fit_resample(stream, counts={"class 0": 20, "class 1": 10})
    with pytest.raises(SparkBalanceError, match="whose classes cannot be counted; give counts={label: rows}"):
        SAMPLERS[0].fit_resample(stream)


def test_a_class_that_is_new_stops_a_sampler_of_streams_however_the_counts_were_taken(spark):
    df = labelled(spark, COUNTS.values())
    counts = class_counts(df.where("label != 'class 2'"), "label")
    with pytest.raises(Exception, match="label has a row of class 'class 2', which is not in the counts given"):
        SAMPLERS[0].fit_resample(df, counts=counts).collect()


@contextmanager
def refuse_requests():
    """Refuse requests to the engine, as Spark 4.1 does in the query function of a declarative pipeline."""
    from pyspark.sql.connect.proto.base_pb2_grpc import SparkConnectServiceStub as Stub

    def refuse(*request, **options):
        raise PySparkException("no requests here", "ATTEMPT_ANALYSIS_IN_PIPELINE_QUERY_FUNCTION", {})

    allowed = Stub.__getattribute__
    Stub.__getattribute__ = lambda stub, name: refuse if name in ("AnalyzePlan", "ExecutePlan") else allowed(stub, name)
    try:
        yield
    finally:
        del Stub.__getattribute__


def test_a_pipelines_query_function_needs_counts_and_schema_and_nothing_else(spark):
    df = labelled(spark, COUNTS.values())
    exactly = RandomUnderSampler(label_col="label", key_cols="id")
    schema = df.schema
    with refuse_requests():
        made = [sampler.fit_resample(df.to(schema), counts=COUNTS) for sampler in (exactly, *SAMPLERS)]
        fresh = df.where("id >= 0")
        for refused in (
            lambda: exactly.fit_resample(spark.table("nowhere"), counts=COUNTS),
            lambda: exactly.fit_resample(fresh.select("*").to(schema)),
            lambda: SMOTE(label_col="label", key_cols="id").fit_resample(fresh.to(schema), counts=COUNTS),
        ):
            with pytest.raises(
                SparkBalanceError, match="may run no job and ask for no schema; give counts={label: rows}"
            ):
                refused()
    for frame, sampler in zip(made, (exactly, *SAMPLERS), strict=True):
        assert digest(frame) == digest(sampler.fit_resample(df, counts=COUNTS))
