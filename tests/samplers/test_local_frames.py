"""Frames of pandas, polars and pyarrow: the rows that Spark makes, in the type, dtypes and order of columns given."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from spark_balance import (
    SMOTE,
    ClassWeighter,
    ImbalanceEvaluator,
    RandomUnderSampler,
    class_counts,
    resampling_report,
    stratified_split,
)
from spark_balance.datasets import payments
from spark_balance.errors import SparkBalanceError
from spark_balance.neighbors import knn_join

ROWS = 60
SMOTED = SMOTE(label_col="rare", key_cols="id", feature_cols=["x", "n"], passthrough="base")


def pandas_frame():
    numbers = np.arange(ROWS)
    return pd.DataFrame(
        {
            "id": numbers,
            "x": (numbers * 7 % 13).astype("float32"),
            "n": pd.array(numbers * 5 % 11, dtype="UInt8"),
            "rare": numbers % 6 == 0,
            "text": [None if i % 9 == 0 else f"t{i}" for i in numbers],
            "kind": pd.Categorical(np.where(numbers % 2, "a", "b"), categories=["c", "b", "a"], ordered=True),
            "money": [None if i % 9 == 0 else Decimal(int(i)).scaleb(-2) for i in numbers],
            "at": pd.date_range("2024-01-01", periods=ROWS, freq="h", tz="Europe/Berlin"),
            "local": pd.date_range("2024-01-01", periods=ROWS, freq="h"),
            "day": [dt.date(2024, 1, 1 + int(i) % 28) for i in numbers],
            "part": np.where(numbers % 9, numbers / 2, np.nan),
        },
        index=numbers + 7,
    )


def polars_frame():
    columns = pl.from_pandas(pandas_frame())
    return columns.with_columns(pl.col("kind").cast(pl.Enum(["c", "b", "a"])), pl.col("money").cast(pl.Decimal(9, 2)))


def arrow_frame():
    return pa.Table.from_pandas(pandas_frame(), preserve_index=False).replace_schema_metadata({"whose": "mine"})


KINDS = {"pandas": pandas_frame, "polars": polars_frame, "pyarrow": arrow_frame}
every_kind = pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)


def types(frame):
    return frame.dtypes.to_dict() if isinstance(frame, pd.DataFrame) else frame.schema


def rows(frame):
    """Return the rows in one order, as text."""
    if isinstance(frame, pd.DataFrame):
        frame = pa.Table.from_pandas(frame, preserve_index=False)
    made = frame.to_pylist() if isinstance(frame, pa.Table) else frame.to_dicts()
    return sorted(repr([str(value) for value in row.values()]) for row in made)


@pytest.mark.every_engine
@pytest.mark.usefixtures("spark")
@every_kind
def test_a_frame_comes_back_in_its_own_type_and_dtypes(make):
    given = make()
    made = SMOTED.fit_resample(given)
    assert type(made) is type(given)
    assert types(made) == types(given)
    assert class_counts(made, "rare").rows == {False: 50, True: 50}
    assert set(rows(given)) < set(rows(made))
    if isinstance(given, pd.DataFrame):
        assert made.index.equals(pd.RangeIndex(100))


def test_a_seed_gives_the_rows_that_it_gives_on_spark(spark):
    given = pa.table(
        {"id": range(ROWS), "x": [i * 7 % 13 / 1 for i in range(ROWS)], "rare": [i % 6 == 0 for i in range(ROWS)]}
    )
    sampler = SMOTE(label_col="rare", key_cols="id", random_state=5)
    assert rows(sampler.fit_resample(given)) == rows(sampler.fit_resample(spark.createDataFrame(given)).toArrow())


@pytest.mark.usefixtures("spark")
@every_kind
def test_what_else_takes_a_frame_takes_it(make):
    given = make()
    assert RandomUnderSampler(label_col="rare").plan(given).targets == {False: 10, True: 10}
    assert "60" in str(SMOTED.explain(given))
    train, test = stratified_split(given, [0.8, 0.2], "rare", key_cols="id")
    assert sorted(rows(train) + rows(test)) == rows(given)
    weighed = ClassWeighter(label_col="rare").with_weights(given)
    assert type(train) is type(weighed) is type(given)
    evaluator = ImbalanceEvaluator(labelCol="rare", predictionCol="rare", metricName="accuracy")
    assert evaluator.evaluate(given) == 1.0
    resampled = SMOTED.resample(given)
    assert type(resampled.frame) is type(given)
    assert "60 rows became 100" in resampling_report(given, resampled, SMOTED)


def test_with_a_frame_of_spark_the_result_is_sparks(spark):
    points = pa.table({"id": [1, 2, 3], "x": [1.0, 2.0, 4.0]})
    near = knn_join(spark.createDataFrame(points), points.to_pandas(), k=1, key_cols="id")
    assert near.where("distance = 0").count() == 3


@pytest.mark.usefixtures("spark")
def test_numbers_of_numpy_that_are_null_become_nullable_ones():
    made = SMOTE(label_col="rare", key_cols="id", feature_cols=["x"]).fit_resample(pandas_frame())
    assert made.dtypes["id"] == "Int64"
    assert made["id"].isna().sum() == 40
    assert made.dtypes["n"] == "UInt8"


@pytest.mark.every_engine
@pytest.mark.usefixtures("spark")
def test_a_span_of_time_identifies_a_row():
    frame = pd.DataFrame({"y": [0] * 9 + [1] * 3, "span": [pd.Timedelta(i, "h") for i in range(12)]})
    made = RandomUnderSampler(label_col="y", random_state=1).fit_resample(frame)
    assert sorted(made["span"] // pd.Timedelta(1, "h")) == [3, 4, 5, 9, 10, 11]


@pytest.mark.usefixtures("spark")
def test_a_sentence_from_inside_a_job_stays_one():
    with pytest.raises(SparkBalanceError, match="NULL or NaN in rows .* 'part'"):
        SMOTE(label_col="rare", key_cols="id", feature_cols=["part"]).fit_resample(pandas_frame())


def test_payments_come_as_a_frame_of_the_session_given(spark):
    made = payments(200, seed=1, spark=spark)
    assert rows(made.toArrow()) == rows(payments(200, seed=1, frame="pyarrow"))
    assert made.schema["amount"].dataType.simpleString() == "decimal(10,2)"
