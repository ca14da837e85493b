"""Rows whose label is NULL or NaN are refused, kept or dropped, as the user says."""

from __future__ import annotations

import pytest
from cases import crossed
from frames import labelled, rows_by_label
from pyspark.sql import functions as F

from spark_balance import SparkBalanceError, class_counts
from spark_balance.summary import is_missing

NULLS = {"random_under-approximate", "smote-cells"}


def _with_missing(spark, label="string"):
    """Return 100 rows of one class, 40 of another, and 30 without a label."""
    df = labelled(spark, [100, 40, 30], "double" if label == "nan" else label)
    missing = F.lit("NaN").cast("double") if label == "nan" else F.lit(None)
    value = F.when(F.col("id") < 140, F.col("label")).otherwise(missing)
    if label == "nan":  # some of each
        value = F.when(F.col("id") < 160, value)
    return df.withColumn("label", value)


def _labelled_and_not(df):
    label = F.col("label")
    known = label.isNotNull() & ~F.isnan(label) if dict(df.dtypes)["label"] == "double" else label.isNotNull()
    found = df.groupBy(known.alias("known")).agg(F.count(F.lit(1))).collect()
    return {row[0]: row[1] for row in found}


@pytest.mark.parametrize("label", ["decimal", "date"])
@crossed(everywhere=())
def test_null_labels_are_kept(spark, case, label):
    _check_kept(spark, case, label)


@crossed(everywhere=NULLS)
def test_null_and_nan_labels_are_kept(spark, case):
    _check_kept(spark, case, "nan")


def _check_kept(spark, case, label):
    df = _with_missing(spark, label)
    sampler = case(null_label="keep")
    resampled = sampler.fit_resample(df)
    out, after = _labelled_and_not(resampled), rows_by_label(resampled)
    assert out.get(False, 0) == (0 if case.part else 30)
    if case.exact:
        assert out[True] == (60 if case.part else 200 if case.adds else 80)
    assert not case.broken(sampler.plan(df), {label: rows for label, rows in after.items() if not is_missing(label)})


@pytest.mark.parametrize("label", ["nan"])
@crossed(everywhere=())
def test_missing_labels_are_dropped(spark, case, label):
    df = _with_missing(spark, label)
    sampler = case(null_label="drop")
    assert False not in _labelled_and_not(sampler.fit_resample(df))
    assert sampler.plan(df).missing_action == "drop"


@pytest.mark.parametrize("label", ["string", "nan"])
@crossed(everywhere=())
def test_missing_labels_are_refused_by_default(spark, case, label):
    sentence = r"label column 'label' is NULL or NaN in 30 rows; filter them, or set null_label"
    with pytest.raises(SparkBalanceError, match=sentence):
        case().fit_resample(_with_missing(spark, label))


@crossed(everywhere=())
def test_rows_without_a_label_are_never_repeated_or_weighted(spark, case):
    df = _with_missing(spark)
    out = case(null_label="keep").fit_resample(df).where("label IS NULL")
    ids = [row.id for row in out.collect()]
    assert len(ids) == len(set(ids)) == (0 if case.part else 30)
    if "weight" in out.columns:
        assert [row[0] for row in out.select("weight").distinct().collect()] == [1.0]


@pytest.mark.every_engine
def test_class_counts_tell_missing_labels_apart(spark):
    counts = class_counts(_with_missing(spark, "nan"), "label")
    assert counts.rows == {0.0: 100, 0.1: 40}
    assert counts.missing_rows == 30
    assert "NULL or NaN" in str(counts)


@crossed(lambda case: case.exact, everywhere=())
def test_given_counts_may_name_missing_labels(spark, case):
    df = _with_missing(spark)
    counts = {"class 0": 100, "class 1": 40, None: 30}
    out = case(null_label="keep").fit_resample(df, counts=counts)
    expected = case.expected({"class 0": 100, "class 1": 40})
    assert rows_by_label(out) == (expected if case.part else {**expected, None: 30})
