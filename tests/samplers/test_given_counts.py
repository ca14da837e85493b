"""With given counts the random samplers run nothing; counts that are wrong stop the job."""

from __future__ import annotations

import re

import pytest
from cases import crossed
from frames import digest, labelled
from pyspark.sql import functions as F

from spark_balance import ClassCounts, RandomOverSampler, RandomUnderSampler, SparkBalanceError, class_counts

COUNTS = {"class 0": 300, "class 1": 120, "class 2": 50}
RANDOM = {"random_under-keyed", "random_under-unkeyed", "random_over-unkeyed"}


def _untouchable(spark):
    """Return a frame that cannot be read: whoever runs an action on it gets the error."""
    error = F.raise_error(F.lit("this frame was read")).cast("double")
    df = labelled(spark, COUNTS.values())
    return df.select("id", F.when(F.col("x") < 0, F.col("label")).otherwise(error.cast("string")).alias("label"), "x")


@crossed(lambda case: not case.learns, everywhere=RANDOM)
def test_no_action_runs(spark, case):
    df = _untouchable(spark)
    sampler = case()
    out = sampler.fit_resample(df, counts=COUNTS)
    assert sampler.plan(df, counts=COUNTS).rows_after == (900 if case.adds else 150)
    assert out.columns == ["id", "label", "x", *case.new_columns]
    with pytest.raises(Exception, match="this frame was read"):
        out.collect()
    with pytest.raises(Exception, match="this frame was read"):
        sampler.fit_resample(df)


@crossed(lambda case: case.same_anywhere, everywhere=())
def test_given_counts_give_the_same_rows(spark, case):
    df = labelled(spark, COUNTS.values())
    known = class_counts(df, "label")
    assert isinstance(known, ClassCounts)
    assert digest(case().fit_resample(df, counts=known)) == digest(case().fit_resample(df, counts=COUNTS))


@pytest.mark.every_engine
@pytest.mark.parametrize(
    "sampler",
    [
        RandomUnderSampler(label_col="label", key_cols="id"),
        RandomUnderSampler(label_col="label", replacement=True),
        RandomUnderSampler(label_col="label", exact=False),
        RandomOverSampler(label_col="label"),
        RandomOverSampler(label_col="label", key_cols="id"),
    ],
    ids=["under", "bootstrap", "approximate", "over", "over_keyed"],
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
    with pytest.raises(Exception, match="the counts given are not those of the rows read"):
        out.collect()


@crossed(lambda case: case.method == "random_over" and case.exact, everywhere=())
@pytest.mark.parametrize("given", [70, 40, 51], ids=["more", "fewer", "one more"])
def test_wrong_counts_never_give_other_rows_than_planned(spark, case, given):
    """Either the job stops, or each class has the rows that the plan says (where an exact remainder is chosen)."""
    df = labelled(spark, COUNTS.values())
    sampler, counts = case(), {**COUNTS, "class 2": given}
    wanted = sampler.plan(df, counts=counts).targets["class 2"] - (given if case.part else 0)
    out = sampler.fit_resample(df, counts=counts).where("label = 'class 2'")
    assert _rows_or_sentence(out) in (wanted, "the counts given are not those of the rows read")


def _rows_or_sentence(out):
    try:
        return out.count()
    except Exception as error:
        return re.search("the counts given are not those of the rows read|$", str(error)).group() or error


@pytest.mark.parametrize(
    "counts", [{"class 0": -1, "class 1": 2}, {"class 0": 1.5, "class 1": 2}, {"class 0": True, "class 1": 2}]
)
def test_counts_that_are_no_counts_are_refused(spark, counts):
    with pytest.raises(SparkBalanceError, match="give .label: rows. with whole numbers >= 0"):
        RandomOverSampler(label_col="label").fit_resample(labelled(spark, [20, 10]), counts=counts)


def test_counts_of_another_column_are_refused(spark):
    df = labelled(spark, [20, 10])
    with pytest.raises(SparkBalanceError, match="counts were taken of column 'n'"):
        RandomOverSampler(label_col="label").fit_resample(df, counts=class_counts(df, "n"))


@crossed(lambda case: case.kind.family != "both", everywhere=())
def test_max_growth_refuses_a_plan(spark, case):
    df = _untouchable(spark).withColumns({"y": F.col("x"), "n": F.col("x").cast("int")})
    if case.adds:
        with pytest.raises(SparkBalanceError, match=r"makes 470 rows 900, 1.91 times as many; max_growth=1.5 refuses"):
            case(max_growth=1.5).fit_resample(df, counts=COUNTS)
        assert case(max_growth=1.92).plan(df, counts=COUNTS).rows_after == 900
    else:
        rows = case(max_growth=1).plan(df, counts=COUNTS).rows_after
        assert rows == 150 or (rows == 470 and not case.exact)
