"""Rows whose label is NULL or NaN: how they are counted and weighed; what is done with them is a shared check."""

from __future__ import annotations

import pytest
from cases import crossed
from frames import labelled, rows_by_label
from pyspark.sql import functions as F

from spark_balance import class_counts


def _with_missing(spark, label="string"):
    """Return 100 rows of one class, 40 of another, and 30 without a label."""
    df = labelled(spark, [100, 40, 30], "double" if label == "nan" else label)
    missing = F.lit("NaN").cast("double") if label == "nan" else F.lit(None)
    value = F.when(F.col("id") < 140, F.col("label")).otherwise(missing)
    if label == "nan":  # some of each
        value = F.when(F.col("id") < 160, value)
    return df.withColumn("label", value)


@crossed(lambda case: "weight" in case.new_columns, everywhere=())
def test_rows_without_a_label_weigh_one(spark, case):
    out = case(null_label="keep").fit_resample(_with_missing(spark)).where("label IS NULL")
    assert [row.weight for row in out.select("weight").collect()] == [1.0] * 30


@pytest.mark.every_engine
def test_class_counts_tell_missing_labels_apart(spark):
    counts = class_counts(_with_missing(spark, "nan"), "label")
    assert counts.rows == {0.0: 100, 1.0: 40}
    assert counts.missing_rows == 30
    assert "NULL or NaN" in str(counts)


@crossed(lambda case: case.exact and case.balances, everywhere=())
def test_given_counts_may_name_missing_labels(spark, case):
    df = _with_missing(spark)
    counts = {"class 0": 100, "class 1": 40, None: 30}
    out = case(null_label="keep").fit_resample(df, counts=counts)
    expected = case.expected({"class 0": 100, "class 1": 40})
    assert rows_by_label(out) == (expected if case.part else {**expected, None: 30})
