"""Weights, splits and scores by the relevance of a numeric target."""

from __future__ import annotations

import math

import numpy as np
import pytest
from pyspark.sql import functions as F

from spark_balance import (
    Relevance,
    SparkBalanceError,
    evaluate_regression,
    relevance_weights,
    stratified_folds,
    stratified_split,
)
from spark_balance.kernels.density import LEAST_WEIGHT, Density

KNOWN = Relevance("cost", ((2.0, 1.0), (20.0, 0.0), (60.0, 1.0)))


@pytest.fixture(scope="module")
def scored(spark):
    """Return 400 rows with a target and a prediction of it."""
    share = F.pmod(F.xxhash64("id"), F.lit(1000)) / 1000.0
    noise = F.pmod(F.xxhash64(F.col("id"), F.lit(1)), F.lit(64)) / 8.0 - 4
    cost = share * share * 60
    return spark.range(0, 400, 1, 3).select("id", cost.alias("cost"), (cost + noise).alias("prediction"))


def columns(df, *names):
    table = df.sort("id").toPandas()
    return [table[name].to_numpy() for name in names]


@pytest.mark.every_engine
def test_errors_are_those_of_numpy_and_sera_is_the_area(scored):
    cost, said = columns(scored, "cost", "prediction")
    error, phi = said - cost, KNOWN.curve(cost)
    found = evaluate_regression(scored, KNOWN)
    assert found.all.rmse == pytest.approx(math.sqrt(np.mean(error**2)))
    assert found.weighted_rmse == pytest.approx(math.sqrt(np.average(error**2, weights=phi)))
    # as IRon integrates it: squared errors of the rows that are at least so relevant, over the relevance
    steps = np.linspace(0, 1, 4001)
    areas = [np.sum(error[phi >= step] ** 2) for step in steps]
    assert found.sera == pytest.approx(np.sum(np.diff(steps) * np.add(areas[1:], areas[:-1]) / 2), rel=1e-3)
    assert list(found.by_bin) == ["low", "normal", "high"]
    for one in KNOWN.bins:
        inside = error[(one.low <= cost) & (cost < one.high)]
        by_bin = found.by_bin[one.name]
        assert by_bin.rows == len(inside) > 20
        assert (by_bin.rmse, by_bin.mae, by_bin.bias) == pytest.approx(
            (math.sqrt(np.mean(inside**2)), np.mean(np.abs(inside)), np.mean(inside))
        )
    assert found.to_dict()["by_bin"]["high"]["rmse"] == found.by_bin["high"].rmse


def test_a_prediction_that_is_missing_is_refused_and_a_target_left_out(scored):
    holed = scored.withColumn("prediction", F.when(F.col("id") != 7, F.col("prediction")))
    with pytest.raises(SparkBalanceError, match="prediction_col='prediction' is NULL, NaN or infinite in 1 rows"):
        evaluate_regression(holed, KNOWN)
    endless = scored.withColumn("cost", F.when(F.col("id") == 7, math.inf).otherwise(F.col("cost")))
    with pytest.raises(SparkBalanceError, match="target column 'cost' is infinite in 1 rows"):
        evaluate_regression(endless, KNOWN)
    without = holed.withColumn("cost", F.when(F.col("id") != 7, F.col("cost")))
    assert evaluate_regression(without, KNOWN).all.rows == 399
    nothing = evaluate_regression(scored.where("id < 0"), KNOWN)
    assert nothing.all.rows == nothing.sera == 0
    assert math.isnan(nothing.weighted_rmse)


@pytest.mark.parametrize("alpha", [pytest.param(1.0, marks=pytest.mark.engines("sail", "connect")), 2.0])
def test_weights_are_those_of_the_kernel_on_any_layout(scored, alpha):
    weighed = relevance_weights(scored, "cost", alpha, key_cols="id")
    cost, weight = columns(weighed, "cost", "weight")
    density = Density.fit(np.sort(cost))
    expected = np.maximum(1 - alpha * density(cost), LEAST_WEIGHT) / density.mean_weight(np.sort(cost), alpha)
    np.testing.assert_allclose(weight, expected, rtol=1e-12)
    assert weighed.columns == [*scored.columns, "weight"]
    if alpha == 2:
        again = relevance_weights(scored.repartition(2), "cost", alpha)
        assert (columns(again, "weight")[0] == weight).all()


def test_a_row_without_a_target_has_no_weight(scored):
    holed = scored.withColumn("cost", F.when(F.col("id") % 2 == 0, F.col("cost")))
    weighed = relevance_weights(holed, "cost")
    assert weighed.where("weight is null").count() == weighed.where("cost is null").count() == 200
    for given, sentence in (({"alpha": -1.0}, "alpha=-1.0 is not allowed"), ({"weight_col": "id"}, "already a column")):
        with pytest.raises(SparkBalanceError, match=sentence):
            relevance_weights(scored, "cost", **given)


def test_splits_and_folds_have_their_share_of_each_bin(scored):
    binned = KNOWN.with_bins(scored)
    rows = {row[0]: row[1] for row in binned.groupBy("relevance_bin").count().collect()}
    train, test = stratified_split(binned, [0.75, 0.25], "relevance_bin", "id")
    for name, n in rows.items():
        assert abs(test.where(F.col("relevance_bin") == name).count() - n / 4) < 1
    assert train.count() + test.count() == 400
    folded = stratified_folds(binned, 4, "relevance_bin", "fold", "id")
    for row in folded.groupBy("fold", "relevance_bin").count().collect():
        assert abs(row["count"] - rows[row["relevance_bin"]] / 4) < 1
