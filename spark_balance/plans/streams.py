"""Frames that nothing may be asked about: streams, and tables inside a declarative pipeline."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame

from spark_balance.errors import SparkBalanceError

_IN_PIPELINE = "ATTEMPT_ANALYSIS_IN_PIPELINE_QUERY_FUNCTION"


def is_stream(df: DataFrame) -> bool:
    """Tell a stream; no where the engine may not be asked, since Spark itself refuses there what a stream cannot."""
    try:
        return df.isStreaming
    except PySparkException as refused:
        if refused.getCondition() != _IN_PIPELINE:
            raise
        return False


@contextmanager
def told_in_pipelines(method: str) -> Iterator[None]:
    """Say in one sentence what a pipeline's query function has to be given, since it may ask the engine for nothing."""
    try:
        yield
    except PySparkException as refused:
        if refused.getCondition() != _IN_PIPELINE:
            raise
        raise SparkBalanceError(
            f"{method}: the query function of a declarative pipeline may run no job and ask for no schema; give "
            "counts={label: rows} and a frame with its schema, df.to(schema), and resample with a method that runs "
            "nothing else, RandomUnderSampler or RandomOverSampler, or outside of the function"
        ) from None
