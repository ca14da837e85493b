"""The relevance of a target in an engine: the arithmetic of the kernel, the same on any layout."""

from __future__ import annotations

import math

import numpy as np
import pytest
from pyspark.sql import functions as F

from spark_balance import SparkBalanceError, fit_relevance
from spark_balance.frames.relevance import Relevance
from spark_balance.frames.targets import sample_target
from spark_balance.kernels.relevance import extremes

POINTS = ((-2.0, 1.0), (0.5, 0.0), (3.0, 0.4), (7.25, 1.0))


@pytest.fixture(scope="module")
def costs(spark):
    """Return a skewed target of 600 rows, with outliers on one side."""
    value = F.pmod(F.xxhash64(F.col("id")), F.lit(1000)) / 1000.0
    return spark.range(0, 600, 1, 5).select("id", (value * value * value * value * 100 - 3).alias("cost"))


def values(df, *names):
    table = df.sort(df.columns[0]).toPandas()
    return [table[name].to_numpy() for name in names]


@pytest.mark.every_engine
def test_an_engine_computes_what_the_kernel_does(costs):
    fitted = Relevance("cost", POINTS, 0.6)
    cost, phi, found = values(fitted.with_bins(fitted.with_relevance(costs, "phi")), "cost", "phi", "relevance_bin")
    assert (phi == fitted.curve(cost)).all()
    assert set(found) == {"low", "normal", "high"}
    for one in fitted.bins:
        assert ((one.low <= cost) & (cost < one.high) == (found == one.name)).all()
        assert ((phi >= 0.6) == np.isin(found, ["low", "high"])).all()


def test_a_target_without_a_value_has_no_bin(spark):
    df = spark.createDataFrame([(None,), (math.nan,), (9.0,)], "cost double")
    fitted = Relevance("cost", POINTS)
    found = fitted.with_bins(fitted.with_relevance(df)).select("relevance", "relevance_bin").collect()
    assert found == [(None, None), (None, None), (1.0, "high")]


@pytest.mark.parametrize("kind", ["int", "bigint", "float", "decimal(9,3)"])
def test_bins_of_other_numbers_are_those_of_doubles(costs, kind):
    typed = costs.withColumn("cost", F.col("cost").cast(kind))
    fitted = Relevance("cost", POINTS)
    one = values(fitted.with_bins(typed), "relevance_bin")
    other = values(fitted.with_bins(typed.withColumn("cost", F.col("cost").cast("double"))), "relevance_bin")
    assert (one[0] == other[0]).all()


def test_quantiles_are_exact_and_a_sample_is_the_same_on_any_layout(costs):
    cost = np.sort(values(costs, "cost")[0])
    assert fit_relevance(costs, "cost").points == extremes(cost)
    by_quantile = fit_relevance(costs, "cost", lambda q: [(q(0.5), 0), (q(0.95), 1)])
    assert by_quantile.points == ((float(np.median(cost)), 0.0), (float(np.quantile(cost, 0.95)), 1.0))
    for keys in (("id",), ()):
        some = sample_target("test", costs, "cost", keys, most=200)
        again = sample_target("test", costs.repartition(3).sort("cost"), "cost", keys, most=200)
        assert 140 < len(some) < 260
        assert (some == again).all()


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"points": ((1.0, 0.0),)}, "Relevance: relevance=.* two or more pairs"),
        ({"points": ((9.0, 0.0), (5.0, 1.0))}, "Relevance: relevance=.* values that ascend"),
        ({"points": ((1.0, 0.0), (5.0, 1.0)), "threshold": 7.0}, "Relevance: threshold=7.0 is not allowed"),
    ],
)
def test_a_relevance_by_hand_is_held_to_the_same(given, sentence):
    with pytest.raises(SparkBalanceError, match=sentence):
        Relevance("cost", **given)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"relevance": "extreme"}, "has no control points"),
        ({"relevance": [(1, 0)]}, "two or more pairs"),
        ({"relevance": [(1, 0), (1, 1)]}, "values that ascend"),
        ({"relevance": [(1, 0), (2, 1.5)]}, "a relevance from 0 to 1"),
        ({"relevance": lambda q: q(0.5)}, "has no control points"),
        ({"threshold": 0.0}, "threshold=0.0 is not allowed"),
        ({"target_col": "costs"}, "did you mean 'cost'"),
        ({"target_col": "name"}, "'name' is of type string; a target is a number"),
        ({"target_col": "none"}, "'none' has no value"),
        ({"relevance": [(-1e308, 0), (1e308, 1)]}, "from -1e300 to 1e300"),
        ({"relevance": lambda q: [(q(0.5), 0), (q(95), 1)]}, "q(95); give a share from 0 to 1"),
        ({"target_col": "endless"}, "is infinite in 600 rows"),
        ({"target_col": "huge"}, "beyond 1e300 counts as infinite; filter them"),
        ({"target_col": "even"}, "'even' has no outliers"),
        ({"target_col": "same"}, "half or more of the values of target column 'same' are equal"),
    ],
)
def test_what_has_no_relevance_is_refused(costs, given, sentence):
    df = costs.withColumns(
        {
            "name": F.lit("a"),
            "none": F.lit(None).cast("double"),
            "endless": F.lit(math.inf),
            "huge": F.lit(1.7e308) * F.when(F.col("id") % 2 > 0, 1).otherwise(-1),
            "even": F.col("id"),
            "same": F.greatest("id", F.lit(560)),
        }
    )
    with pytest.raises(SparkBalanceError, match="^fit_relevance: ") as refused:
        fit_relevance(df, **{"target_col": "cost", **given})
    assert sentence in str(refused.value)
