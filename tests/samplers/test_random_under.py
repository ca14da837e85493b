"""What only random under-sampling has: the bootstrap, sampleBy with its traps closed, and weights."""

from __future__ import annotations

import math

import pytest
from frames import digest, labelled, rows_by_label
from pyspark.sql import functions as F

from spark_balance import RandomUnderSampler, SparkBalanceError
from spark_balance.base.node import Classes, SparkRun


def _copies(out, rows):
    """Return how often each of the first `rows` ids came out, zeros included."""
    counted = rows_by_label(out.where(F.col("id") < rows), "id")
    return [counted.get(i, 0) for i in range(rows)]


@pytest.mark.parametrize(
    "key", [pytest.param(None, marks=pytest.mark.engines("sail", "spark")), "id"], ids=["unkeyed", "keyed"]
)
def test_the_bootstrap_draws_as_a_multinomial_does(spark, key):
    from scipy.stats import chi2

    rows, wanted = 6_000, 3_000
    df = labelled(spark, [rows, wanted])
    sampler = RandomUnderSampler(label_col="label", replacement=True, key_cols=key, random_state=11)
    out = sampler.fit_resample(df)
    copies = _copies(out, rows)
    assert sum(copies) == wanted
    # uniform over rows: sum (c - m/n)^2 / (m/n) is chi-square with n - 1 degrees of freedom
    mean = wanted / rows
    statistic = sum((c - mean) ** 2 for c in copies) / mean
    assert 1e-4 < chi2.sf(statistic, rows - 1) < 1 - 1e-4
    # and as many rows are drawn 0, 1, 2, 3 or more times as Poisson says
    shares = [math.exp(-mean) * mean**c / math.factorial(c) for c in range(3)]
    shares.append(1 - sum(shares))
    seen = [copies.count(c) for c in range(3)]
    seen.append(rows - sum(seen))
    fit = sum((s - rows * p) ** 2 / (rows * p) for s, p in zip(seen, shares, strict=True))
    assert chi2.sf(fit, 3) > 1e-4
    # the class that keeps its number of rows is left as it is
    assert digest(out.where("label = 'class 1'")) == digest(df.where("label = 'class 1'"))


@pytest.mark.parametrize("key", [None, "id"], ids=["unkeyed", "keyed"])
def test_the_bootstrap_of_all_draws_the_minority_too(spark, key):
    df = labelled(spark, [900, 300])
    sampler = RandomUnderSampler(label_col="label", sampling_strategy="all", replacement=True, key_cols=key)
    out = sampler.fit_resample(df)
    assert rows_by_label(out) == {"class 0": 300, "class 1": 300}
    distinct = out.where("label = 'class 1'").distinct().count()
    # 1 - 1/e of the rows, as every bootstrap
    assert abs(distinct - 300 * (1 - math.exp(-1))) < 6 * math.sqrt(300 * 0.1)


SIZES = [120_000, 30_000, 6_000]


def _sigmas(kept, rows, share):
    return abs(kept - rows * share) / math.sqrt(rows * share * (1 - share))


@pytest.fixture(params=[None, "id"], ids=["sampleBy", "keyed"])
def key(request, engine):
    """Draw by Spark's sampleBy, or by the key."""
    if request.param is None and engine == "sail":
        reason = "pysail 0.7.2 starts sampleBy's generator anew for each batch: of 100,000 expected rows 85,152-108,005"
        request.applymarker(pytest.mark.xfail(strict=True, reason=reason))
    return request.param


@pytest.mark.parametrize(
    "label", ["string", pytest.param("decimal", marks=pytest.mark.engines("sail", "spark")), "double"]
)
def test_approximate_counts_are_binomial(spark, label, key):
    df = labelled(spark, SIZES, label)
    out = RandomUnderSampler(label_col="label", exact=False, random_state=2, key_cols=key).fit_resample(df)
    kept = [rows for _, rows in sorted(rows_by_label(out).items())]
    assert kept[2] == 6_000
    assert _sigmas(kept[0], 120_000, 0.05) < 6
    assert _sigmas(kept[1], 30_000, 0.2) < 6


@pytest.mark.engines("sail", "spark")
def test_approximate_draws_do_not_repeat_between_partitions(spark, key):
    rows, parts = 4_000, 4
    df = labelled(spark, [rows * parts, rows * parts // 2], partitions=6)
    out = RandomUnderSampler(label_col="label", exact=False, random_state=2, key_cols=key).fit_resample(df)
    kept = {row.id for row in out.where("label = 'class 0'").select("id").collect()}
    for other in range(1, parts):
        same = sum((i in kept) == (i + other * rows in kept) for i in range(rows))
        assert abs(same - rows / 2) < 6 * math.sqrt(rows / 4)


@pytest.mark.engines("sail", "spark")
def test_approximate_draws_from_a_million_rows_are_unbiased(spark, key):
    df = spark.range(0, 1_000_000, 1, 4).select("id", (F.col("id") % 10 == 0).alias("label"))
    out = RandomUnderSampler(label_col="label", exact=False, random_state=7, key_cols=key).fit_resample(df)
    kept = rows_by_label(out)
    assert kept[True] == 100_000
    assert _sigmas(kept[False], 900_000, 1 / 9) < 6


@pytest.mark.parametrize("exact", [True, False])
def test_a_class_may_lose_all_its_rows(spark, exact):
    df = labelled(spark, [50, 20, 20])
    sampler = RandomUnderSampler(label_col="label", sampling_strategy={"class 0": 0}, exact=exact, weight_col="w")
    assert rows_by_label(sampler.fit_resample(df)) == {"class 1": 20, "class 2": 20}


@pytest.mark.parametrize("more", [{}, {"exact": False}, {"replacement": True}], ids=["exact", "approximate", "drawn"])
def test_weights_are_rows_before_by_rows_after(spark, more):
    df = labelled(spark, [300, 120, 50])
    out = RandomUnderSampler(label_col="label", key_cols="id", weight_col="w", **more).fit_resample(df)
    assert out.schema["w"].dataType.typeName() == "double"
    weights = {(row.label, row.w) for row in out.select("label", "w").distinct().collect()}
    assert weights == {("class 0", 6.0), ("class 1", 2.4), ("class 2", 1.0)}


@pytest.mark.parametrize("kind", ["double", "float"])
def test_weights_multiply_into_a_column_that_is_there(spark, kind):
    df = labelled(spark, [300, 100]).withColumn("w", (F.col("id") % 4 / 2).cast(kind))
    columns = ["w", *[name for name in df.columns if name != "w"]]
    df = df.select(F.when(F.col("id") % 7 != 0, F.col("w")).alias("w", metadata={"unit": "claims"}), *columns[1:])
    out = RandomUnderSampler(label_col="label", key_cols="id", weight_col="w").fit_resample(df)
    assert out.columns == columns
    assert out.schema["w"].dataType.typeName() == kind
    assert out.schema["w"].metadata == {"unit": "claims"}
    for row in out.collect():
        times = 3.0 if row.label == "class 0" else 1.0
        assert row.w == (None if row.id % 7 == 0 else (row.id % 4) / 2 * times)


@pytest.mark.parametrize("kind", ["int", "string", "decimal(5,2)"])
def test_a_weight_of_another_type_is_refused(spark, kind):
    df = labelled(spark, [30, 10]).withColumn("w", F.lit(1).cast(kind))
    with pytest.raises(SparkBalanceError, match="weights are double or float"):
        RandomUnderSampler(label_col="label", weight_col="w").fit_resample(df)


def test_the_label_is_no_weight(spark):
    df = labelled(spark, [30, 10], "double")
    with pytest.raises(SparkBalanceError, match="weight_col.*label"):
        RandomUnderSampler(label_col="label", weight_col="label").fit_resample(df)


@pytest.mark.parametrize("key", [None, "id"])
def test_rows_that_cannot_be_taken_are_left_out_before_anything_is_joined_to_them(spark, key):
    df = labelled(spark, [4_000, 100])
    sampler = RandomUnderSampler(label_col="label", key_cols=key)
    df, plan, strata = sampler.prepare(df, None)
    run = SparkRun(sampler, df, plan, Classes(strata, sampler.action))
    bases = run(sampler.tree.bases).frame
    # 100 of each class are taken, and of the larger one those stay that are in the band of the hundredth draw
    assert 200 <= bases.count() < 500
