"""Given counts that are wrong stop the job; that right ones change nothing is a shared check."""

from __future__ import annotations

import re

import numpy as np
import pytest
from cases import crossed
from frames import labelled
from pyspark.sql import functions as F

from spark_balance import RandomOverSampler, RandomUnderSampler, SparkBalanceError, class_counts
from spark_balance.errors import CountsError, LabelWarning
from spark_balance.frames.counts import given_counts

COUNTS = {"class 0": 300, "class 1": 120, "class 2": 50}


@pytest.mark.every_engine
@pytest.mark.parametrize(
    "sampler",
    [
        RandomUnderSampler(label_col="label", key_cols="id"),
        RandomUnderSampler(label_col="label", replacement=True),
        RandomUnderSampler(label_col="label", exact=False),
        RandomUnderSampler(label_col="label", exact=False, key_cols="id"),
        RandomOverSampler(label_col="label"),
        RandomOverSampler(label_col="label", key_cols="id", sampling_strategy={"class 1": 240}),
    ],
    ids=["under", "bootstrap", "approximate", "approximate_keyed", "over", "over_keyed_twice"],
)
def test_a_class_that_is_not_in_the_counts_stops_the_job(spark, sampler):
    df = labelled(spark, COUNTS.values())
    out = sampler.fit_resample(df, counts={"class 0": 300, "class 1": 120})
    with pytest.raises(Exception, match="label has a row of class 'class 2', which is not in the counts given"):
        out.collect()


@pytest.mark.parametrize("key", [None, "id"], ids=["unkeyed", "keyed"])
@pytest.mark.parametrize("replacement", [False, True], ids=["subset", "bootstrap"])
def test_counts_of_more_rows_than_there_are_stop_the_job(spark, key, replacement):
    df = labelled(spark, COUNTS.values())
    sampler = RandomUnderSampler(
        label_col="label", sampling_strategy={"class 0": 5_000}, key_cols=key, replacement=replacement
    )
    out = sampler.fit_resample(df, counts={**COUNTS, "class 0": 9_000})
    with pytest.raises(Exception, match="the given counts differ from the rows"):
        out.collect()


@crossed(lambda case: case.method == "random_over" and case.exact, everywhere=())
@pytest.mark.parametrize("given", [70, 40, 51], ids=["more", "fewer", "one more"])
def test_wrong_counts_never_give_other_rows_than_planned(spark, case, given):
    """Either the job stops, or each class has the rows that the plan says (where an exact remainder is chosen)."""
    df = labelled(spark, COUNTS.values())
    sampler, counts = case(), {**COUNTS, "class 2": given}
    wanted = sampler.plan(df, counts=counts).targets["class 2"] - (given if case.part else 0)
    out = sampler.fit_resample(df, counts=counts).where("label = 'class 2'")
    assert _rows_or_sentence(out) in (wanted, "the given counts differ from the rows")


# they read the classes that change, and trust the counts of those that they pass on
CHANGING_ALONE = {"smote", "gaussian_smote", "smotenc", "smoten", "cluster_centroids"}


@crossed(lambda case: case.sampler.uses_features and case.own and case.method != "random_over", everywhere=())
def test_wrong_counts_of_a_class_that_is_read_are_found_before_anything_runs(spark, case):
    df, right = labelled(spark, [90, 40, 30]), {"class 0": 90, "class 1": 40, "class 2": 30}
    wrong = {**right, "class 1": 41}, {**right, "class 1": 39}, {**right, "class 1": 30, "class 2": 40}
    if case.method not in CHANGING_ALONE:
        wrong += ({**right, "class 0": 120}, {**right, "class 2": 29})
    for counts in wrong:
        with pytest.raises(CountsError, match="the given counts differ from the rows"):
            case().fit_resample(df, counts)


@crossed(lambda case: case.adds and case.own and not case.part, everywhere=())
def test_new_rows_beside_a_class_that_is_not_in_the_counts_stop_the_job(spark, case):
    df = labelled(spark, [90, 40, 30]).where("label <> 'class 0' or id < 40")
    for counts in ({"class 0": 40, "class 1": 40}, {"class 1": 40, "class 2": 30}):
        with pytest.raises(Exception, match="which is not in the counts given|the given counts differ"):
            case().fit_resample(df, counts=counts).collect()


def _rows_or_sentence(out):
    try:
        return out.count()
    except Exception as error:
        return re.search("the given counts differ from the rows|$", str(error)).group() or error


@pytest.mark.parametrize(
    "counts", [{"class 0": -1, "class 1": 2}, {"class 0": 1.5, "class 1": 2}, {"class 0": True, "class 1": 2}]
)
def test_counts_that_are_no_counts_are_refused(spark, counts):
    with pytest.raises(SparkBalanceError, match="give .label: rows. with whole numbers >= 0"):
        RandomOverSampler(label_col="label").fit_resample(labelled(spark, [20, 10]), counts=counts)


def test_counts_of_numpy_are_counts():
    labels, rows = np.unique(np.array([3, 5, 3]), return_counts=True)
    known = given_counts("SMOTE", "label", (), dict(zip(labels, rows, strict=True)))
    assert known.groups == {(): {3: 2, 5: 1}}
    assert {type(value) for pair in known.rows.items() for value in pair} == {int}
    grouped = given_counts("SMOTE", "label", ("day",), {(np.str_("mon"), np.bool_(True)): np.uint8(4)})
    assert [(type(group[0]), type(label)) for group, label, _ in grouped.entries] == [(str, bool)]


def test_a_measurement_is_no_label(spark):
    df = spark.range(20).select((F.col("id") / 7).alias("y"), "id")
    for refused in (lambda: class_counts(df, "y"), lambda: RandomOverSampler(label_col="y").plan(df, {0.5: 3, 1.0: 4})):
        with pytest.raises(
            SparkBalanceError, match="label column 'y' holds 0.*, and a float that names a class is a whole"
        ):
            refused()
    with pytest.warns(LabelWarning, match="20 of the 20 classes of label column 'id' have one row"):
        assert len(class_counts(df, "id").rows) == 20
    whole = df.select((F.col("id") % 2).cast("double").alias("y"))
    assert class_counts(whole, "y").rows == {0.0: 10, 1.0: 10}


def test_counts_of_another_column_are_refused(spark):
    df = labelled(spark, [20, 10]).withColumn("n", F.col("n") % 2)
    with pytest.raises(SparkBalanceError, match="counts were taken of column 'n'"):
        RandomOverSampler(label_col="label").fit_resample(df, counts=class_counts(df, "n"))
